"""Which function answers a request."""

import itertools

import pytest

from emulator.functions.base import TriggerConfig
from emulator.functions.triggers.http import compile_http
from emulator.services.http_routes import HttpRoute, HttpRoutes


def route(function, path, methods=("ANY",), trigger="t"):
    config = {"path": path, "methods": list(methods)}
    compiled = compile_http(TriggerConfig(name=trigger, kind="http", config=config))
    return HttpRoute(function, trigger, compiled)


ROUTES = [
    route("home", "/"),
    route("api", "/api"),
    route("reads", "/api/users", ["GET"]),
    route("deep", "/api/users/all"),
    route("twin", "/api"),
]


def answering(routes, method, path):
    found = routes.match(method, path)
    return None if found is None else found.function


@pytest.mark.parametrize(
    ("method", "path", "function"),
    [
        ("GET", "/", "home"),
        ("GET", "/elsewhere", "home"),
        ("GET", "/api", "api"),
        ("GET", "/apis", "home"),
        ("GET", "/api/users", "reads"),
        ("GET", "/api/users/7", "reads"),
        ("POST", "/api/users/7", "api"),
        ("POST", "/api/users/all/1", "deep"),
    ],
)
def test_the_longest_prefix_that_takes_the_method_answers(method, path, function):
    """In whatever order the functions were found."""
    for order in itertools.permutations(ROUTES):
        routes = HttpRoutes()
        routes.listen(order)
        assert answering(routes, method, path) == function


def test_of_two_alike_the_first_by_name_and_then_by_trigger_answers():
    routes = HttpRoutes()
    routes.listen([route("b", "/x"), route("a", "/x", trigger="z"), route("a", "/x", trigger="y")])
    found = routes.match("GET", "/x")
    assert (found.function, found.trigger) == ("a", "y")


def test_nobody_answers_where_nobody_listens():
    routes = HttpRoutes()
    assert answering(routes, "GET", "/") is None
    routes.listen([route("api", "/api", ["GET"])])
    assert answering(routes, "GET", "/") is None
    assert answering(routes, "DELETE", "/api") is None


def test_listening_anew_forgets_what_was():
    routes = HttpRoutes()
    routes.listen([route("old", "/old")])
    routes.listen([route("new", "/new")])
    assert answering(routes, "GET", "/old") is None
    assert [each.function for each in routes.all()] == ["new"]
    routes.all().clear()
    assert answering(routes, "GET", "/new") == "new"


def test_routes_that_another_hides_are_told():
    routes = HttpRoutes()
    routes.listen(
        [
            *ROUTES,
            route("reader", "/api/users", ["GET", "POST"]),
            route("zreader", "/api/users", ["GET"]),
        ]
    )
    assert routes.notices() == [
        "trigger t of reads hears nothing: /api/users is answered by reader",
        "trigger t of zreader hears nothing: /api/users is answered by reader",
        "trigger t of twin hears nothing: /api is answered by api",
    ]

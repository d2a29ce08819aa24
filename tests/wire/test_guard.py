from dataclasses import dataclass

import pytest
from multidict import CIMultiDict

from emulator.wire.envelope import ForeignRequest
from emulator.wire.guard import HOSTS_REMEMBERED_MAX, Guard


@dataclass
class Request:
    """All of a request that a guard looks at."""

    headers: CIMultiDict[str]


def request(**headers):
    return Request(CIMultiDict(headers))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8270",
        "127.8.9.1:1",
        "localhost:8270",
        "LocalHost",
        "[::1]:8270",
        "demo-env.localhost:8270",
        "emulator:8270",
        "demo.tcb-api.tencentcloudapi.com",
        "demo.api.tcloudbasegateway.com",
    ],
)
def test_names_of_this_machine_pass(host):
    guard = Guard(bound_host="127.0.0.1", hosts=["emulator"])
    guard.require_host(request(Host=host))
    guard.require_host(request(Host=host))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8270",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.1.5:8270",
        "tencentcloudapi.com.evil.example",
        "",
        "[fe80::1]:80",
        ":::::",
    ],
)
def test_rebound_names_are_refused(host):
    guard = Guard(bound_host="127.0.0.1")
    with pytest.raises(ForeignRequest):
        guard.require_host(request(Host=host))


@pytest.mark.parametrize("host", ["192.168.1.5:8270", "10.0.0.1", "[fe80::1]:80", "localhost"])
def test_a_suite_that_listens_to_the_network_goes_by_any_address(host):
    Guard(bound_host="0.0.0.0").require_host(request(Host=host))


def test_even_then_a_name_is_refused():
    with pytest.raises(ForeignRequest):
        Guard(bound_host="0.0.0.0").require_host(request(Host="evil.example"))


def test_a_request_without_a_host_comes_from_no_browser():
    Guard(bound_host="127.0.0.1").require_host(request())


def test_more_names_than_are_remembered_still_pass():
    guard = Guard(bound_host="127.0.0.1")
    for number in range(HOSTS_REMEMBERED_MAX * 2):
        guard.require_host(request(Host=f"env-{number}.localhost"))


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        pytest.param("127.0.0.1:8270", None, id="no browser"),
        pytest.param("127.0.0.1:8270", "http://127.0.0.1:8270", id="the console"),
        pytest.param("demo.localhost:8270", "http://demo.localhost:8270", id="a named environment"),
        pytest.param("127.0.0.1:8270", "http://localhost:5173", id="an origin that was allowed"),
    ],
)
def test_own_pages_pass(host, origin):
    guard = Guard(bound_host="127.0.0.1", origins=["http://localhost:5173"])
    headers = {"Host": host} if origin is None else {"Host": host, "Origin": origin}
    guard.require_own_origin(request(**headers))


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:8271", "http://127.0.0.1", "", "127.0.0.1"],
)
def test_pages_of_other_origins_are_refused(origin):
    guard = Guard(bound_host="127.0.0.1")
    with pytest.raises(ForeignRequest):
        guard.require_own_origin(request(Host="127.0.0.1:8270", Origin=origin))

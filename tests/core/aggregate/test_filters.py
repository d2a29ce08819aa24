"""Filters of requests."""

from emulator.core.aggregate.filters import compile_request_filter
from emulator.core.values import Date, ServerDate


def test_expressions_and_server_dates_are_understood():
    filter_ = {"at": {"$lt": ServerDate(5)}, "$expr": {"$gt": ["$a", "$b"]}}
    compiled = compile_request_filter(filter_, now_ms=100)
    assert compiled.matches({"at": Date(104), "a": 2, "b": 1})
    assert not compiled.matches({"at": Date(105), "a": 2, "b": 1})
    assert not compiled.matches({"at": Date(104), "a": 1, "b": 1})
    assert compile_request_filter({"$expr": {"$eq": ["$t", "$$NOW"]}}, now_ms=7).matches(
        {"t": Date(7)}
    )

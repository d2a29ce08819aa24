"""`cloud-emu trace`."""


def test_calls_are_shown_as_trees_or_exported(suite):
    cli, _ = suite
    called = cli("fn", "invoke", "hello", "--json").json
    shown = cli("trace", called["request_id"])
    assert shown.code == 0
    assert shown.out.startswith("invocation hello")
    assert cli("trace", "--json").json[-1]["name"] == "hello"
    assert "resourceSpans" in cli("trace", "--otlp").json
    unknown = cli("trace", "nobody")
    assert (unknown.code, "nothing is known" in unknown.err) == (1, True)

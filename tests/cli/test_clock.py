"""`cloud-emu clock`."""


def test_clock_is_shown_set_frozen_advanced_and_resumed(suite):
    cli, _ = suite
    assert cli("clock", "show", "--json").json["offset_ms"] == 0
    assert cli("clock", "freeze", "--json").json["frozen"] is True
    shown = cli("clock", "set", "2030-01-31T09:00")
    assert (shown.code, shown.out.split("  ")[0]) == (0, "2030-01-31T09:00:00+08:00")
    assert "stands still" in shown.out
    assert cli("clock", "advance", "1d2h", "--json").json["now"] == "2030-02-01T03:00:00.000Z"
    assert cli("clock", "resume", "--json").json["frozen"] is False
    assert "ahead of the machine" in cli("clock", "show").out


def test_what_is_no_duration_is_said(suite):
    cli, _ = suite
    refused = cli("clock", "advance", "soon")
    assert refused.code == 1
    assert "such as 30d" in refused.err

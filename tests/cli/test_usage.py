"""`cloud-emu usage`."""

import urllib.request


def test_usage_is_told_against_a_plan(suite):
    cli, _ = suite
    before = cli("usage", "--json").json["meters"]["calls"]["total"]
    cli("fn", "invoke", "hello")
    assert cli("usage", "--json").json["meters"]["calls"]["total"] == before + 1
    shown = cli("usage", "--plan", "wechat-basic-2020")
    assert shown.out.startswith("wechat-basic-2020 (2020)")
    assert "of 50,000 a day" in shown.out
    assert "plans: " in cli("usage", "--plan", "free-for-all").err


def test_figures_are_served_for_prometheus(suite):
    cli, _ = suite
    cli("fn", "invoke", "hello")
    url = cli("status", "--json").json["urls"]["api"]
    with urllib.request.urlopen(f"{url}/_emu/metrics") as response:
        assert response.headers["Content-Type"].startswith("text/plain")
        assert b'cloud_emu_invocations_total{function="hello",outcome="ok"}' in response.read()

"""`cloud-emu trigger`."""

import json

import pytest

TICK = {"triggers": [{"name": "hourly", "type": "timer", "config": "0 0 * * * * *"}]}
HEARD = {
    "triggers": [
        {"name": "each", "type": "database", "config": {"collection": "orders", "retries": 0}}
    ]
}


def heard(cli):
    """Tell whether the suite took up all three triggers."""
    listed = cli("trigger", "list", "--json").json["triggers"]
    return len(listed) == 3 and sum("next_fires" in each for each in listed) == 2


@pytest.fixture
def asked(suite):
    cli, _ = suite
    for name, config in (("tick", TICK), ("tock", TICK), ("heard", HEARD)):
        folder = cli.project / "functions" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))
        code = "raise ValueError('no')" if name == "heard" else "return event['TriggerName']"
        (folder / "index.py").write_text(f"def main(event, context):\n    {code}\n")
        cli("fn", "invoke", name)
    while not heard(cli):
        pass  # the watcher tells of the last file soon
    (cli.project / "orders.jsonl").write_text('{"_id": "a"}')
    return cli


def test_triggers_are_listed_and_fired(asked):
    listed = asked("trigger", "list")
    assert "heard/each" in listed.out
    assert "next 20" in listed.out
    fired = asked("trigger", "fire", "tick/hourly")
    assert (fired.code, fired.out.strip()) == (0, '"hourly"')
    given = asked("trigger", "fire", "tick/hourly", "--data", '{"TriggerName": "mine"}')
    assert (given.code, given.out.strip()) == (0, '"mine"')
    assert asked("trigger", "fire", "tick/hourly", "--data", "{").code == 2
    failed = asked("trigger", "fire", "heard/each")
    assert (failed.code, "ValueError: no" in failed.err) == (1, True)
    several = asked("trigger", "fire", "hourly")
    assert several.code == 1
    assert "tick/hourly, tock/hourly" in several.err
    assert "known: " in asked("trigger", "fire", "daily").err


def test_trigger_is_paused_and_resumed_alone_or_with_all(asked):
    assert asked("trigger", "pause", "tick/hourly").out == "tick/hourly: paused\n"
    assert "paused" in asked("trigger", "list").out
    assert asked("trigger", "resume", "tick/hourly").out == "tick/hourly: on\n"
    assert asked("trigger", "pause", "--json").json == {"enabled": False, "was": True}
    assert "are off" in asked("trigger", "list").out
    assert asked("trigger", "resume").code == 0


def test_what_was_given_up_is_listed_and_replayed(asked):
    assert asked("trigger", "failed").out == "nothing was given up\n"
    asked("seed", "orders.jsonl", "--triggers")
    asked("wait", "--idle")
    assert "heard/each  1 calls" in asked("trigger", "failed").out
    assert asked("trigger", "replay", "1").out == "1 calls wait for their turn\n"
    assert asked("trigger", "replay", "77").code == 1

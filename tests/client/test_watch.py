"""`watch()` of the script against a suite: what changes is heard, also across a lost connection."""

import json

from tests.client.conftest import SCRIPT, run_node


def test_a_watched_query_is_followed(client_suite, tmp_path):
    result = tmp_path / "told.json"
    run_node("watch.mjs", str(SCRIPT), str(result), url=client_suite.url)
    told = json.loads(result.read_text(encoding="utf-8"))
    assert told["errors"] == []
    first, added, updated, removed, *later = told["snapshots"]
    assert first == {
        "type": "init",
        "changes": [["init", "init", "m1"]],
        "docs": [["m1", 1, True]],
    }
    assert added["changes"] == [["add", "enqueue", "m2"]]
    assert added["docs"] == [["m1", 1, True], ["m2", 2, True]]
    assert updated["changes"] == [["update", "update", "m1"]]
    assert updated["docs"][0] == ["m1", 10, True]
    assert removed["docs"] == [["m1", 10, True]]
    assert [each[0] for each in later[-1]["docs"]] == ["m1", "m3"]
    assert told["lone"] == ["m1"]
    assert told["refused"] == -502005
    assert told["most"] == 1

"""`cloud-emu db`."""

import json


def seed(cli, count=150):
    lines = (json.dumps({"_id": str(n), "n": n, "who": f"u{n % 10}"}) for n in range(count))
    (cli.project / "orders.jsonl").write_text("\n".join(lines))
    assert cli("seed", "orders.jsonl", "--replace").code == 0


def test_an_index_is_made_listed_used_and_dropped(suite):
    cli, _ = suite
    seed(cli)
    before = cli("db", "explain", "orders", '{"who": "u3"}', "--json").json
    assert (before["stage"], before["documents_examined"], before["returned"]) == (
        "COLLSCAN",
        150,
        15,
    )
    made = cli("db", "index", "create", "orders", '{"who": 1, "n": -1}')
    assert (made.code, made.out) == (0, "created who_1_n_-1\n")
    assert (
        'who_1_n_-1                       {"who": 1, "n": -1}'
        in cli("db", "index", "list", "orders").out
    )
    asked = cli("db", "explain", "orders", '{"who": "u3"}', "--sort", '{"n": -1}', "--limit", "2")
    assert asked.out.splitlines()[:2] == [
        "IXSCAN by who_1_n_-1, in order",
        "keys examined       2",
    ]
    assert cli("db", "index", "drop", "orders", "who_1_n_-1").out == "dropped who_1_n_-1\n"
    assert len(cli("db", "index", "list", "orders", "--json").json["indexes"]) == 1


def test_advice_names_the_missing_index_until_it_is_there(suite):
    cli, _ = suite
    seed(cli)
    cli("db", "explain", "orders", '{"n": 7}')
    (advice,) = [
        each for each in cli("db", "advice", "--json").json["advice"] if each["equality"] == ["n"]
    ]
    assert advice["index"] == {"name": "n_1", "keys": {"n": 1}}
    assert "cloud-emu db advice" in cli("status").out
    assert 'create index {"n": 1}' in cli("db", "advice").out
    cli("db", "index", "create", "orders", '{"n": 1}', "--unique")
    assert 'create index {"n": 1}' not in cli("db", "advice").out


def test_a_refused_index_says_why(suite):
    cli, _ = suite
    seed(cli)
    refused = cli("db", "index", "create", "orders", '{"who": 1}', "--unique")
    assert refused.code == 1
    assert "E11000" in refused.err
    assert cli("db", "index", "create", "orders", '{"who": 2}').code == 1
    assert cli("db", "index", "create", "orders", "who").code == 2
    assert cli("db", "index", "drop", "orders", "nope").code == 1

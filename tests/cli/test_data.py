"""`cloud-emu reset` and `seed`."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit


def documents(ready, name):
    parts = urlsplit(ready["urls"]["api"])
    connection = HTTPConnection(parts.hostname, parts.port, timeout=5)
    connection.request("GET", f"/_emu/collections/{name}")
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def test_files_fill_collections_of_their_name(suite):
    cli, ready = suite
    (cli.project / "orders.jsonl").write_text(
        '{"_id": "a", "at": {"$date": "2026-01-01T00:00:00Z"}}\n{"_id": "b"}\n'
    )
    done = cli("seed", "orders.jsonl")
    assert (done.code, done.out) == (0, "orders: 2 documents\n")
    assert documents(ready, "orders") == (
        200,
        [{"_id": "a", "at": {"$date": "2026-01-01T00:00:00.000Z"}}, {"_id": "b"}],
    )


def test_a_folder_means_its_data_files_and_replace_drops_the_rest(suite):
    cli, ready = suite
    (cli.project / "seed").mkdir()
    (cli.project / "seed" / "users.json").write_text('[{"_id": "u"}]')
    (cli.project / "seed" / "empty.json").write_text("[]")
    (cli.project / "seed" / "notes.txt").write_text("not data")
    done = cli("seed", "seed", "--replace", "--json")
    assert done.json == {"collections": {"empty": 0, "users": 1}}
    assert documents(ready, "users") == (200, [{"_id": "u"}])
    assert documents(ready, "orders")[0] == 404


def test_reset_empties_the_suite(suite):
    cli, ready = suite
    (cli.project / "things.json").write_text("{}")
    cli("seed", "things.json")
    done = cli("reset")
    assert (done.code, done.out) == (0, "emptied\n")
    assert documents(ready, "things")[0] == 404


def test_the_last_of_two_documents_with_one_id_stays_and_is_counted_once(suite):
    cli, ready = suite
    (cli.project / "twice.jsonl").write_text('{"_id": "a", "n": 1}\n{"_id": "a", "n": 2}\n')
    assert cli("seed", "twice.jsonl").out == "twice: 1 document\n"
    assert documents(ready, "twice") == (200, [{"_id": "a", "n": 2}])


def test_nothing_to_load_is_a_failure(suite):
    cli, _ = suite
    done = cli("seed", "nowhere.json")
    assert done.code == 1
    assert "no data files in nowhere.json" in done.err


def test_broken_data_is_told_with_file_and_line(suite):
    cli, _ = suite
    (cli.project / "broken.json").write_text("{}\n{\n")
    done = cli("seed", "broken.json")
    assert done.code == 2
    assert "broken.json:3: not JSON" in done.err

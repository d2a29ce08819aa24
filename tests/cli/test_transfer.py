"""`cloud-emu export` and `import`."""

import json

LINES = '{"_id":"a","at":{"$date":"2026-01-01T00:00:00.000Z"}}\n{"_id":"b","n":1.5}\n'


def test_collections_go_to_files_and_come_back(suite):
    cli, _ = suite
    cli("reset")
    (cli.project / "orders.jsonl").write_text(LINES)
    done = cli("import", "orders.jsonl")
    assert (done.code, done.out, done.err) == (0, "orders: 2 inserted\n", "")
    done = cli("export", "kept", "--json")
    assert done.json["files"] == {"orders.jsonl": "orders"}
    assert (cli.project / "kept" / "orders.jsonl").read_text() == LINES
    assert sorted(path.name for path in (cli.project / "kept").iterdir()) == [
        "cloud-emu-export.json",
        "orders.jsonl",
    ]
    cli("reset")
    done = cli("import", "kept", "--json")
    [outcome] = done.json["imports"]
    assert (outcome["collection"], outcome["inserted"]) == ("orders", 2)
    again = cli("export", "kept")
    assert again.code == 0
    assert (cli.project / "kept" / "orders.jsonl").read_text() == LINES


def test_what_did_not_go_in_is_told_by_file_and_line(suite):
    cli, _ = suite
    cli("reset")
    (cli.project / "some.jsonl").write_text('{"_id":"a"}\noops\n{"_id":"a"}\n')
    done = cli("import", "some.jsonl")
    assert done.code == 1
    assert done.out == "some: 1 inserted, 1 conflicts, 1 failed\n"
    assert "some.jsonl:2: not JSON" in done.err
    assert "some.jsonl:3: the _id 'a' is taken" in done.err
    done = cli("import", "some.jsonl", "--mode", "upsert", "--collection", "other")
    assert done.out == "other: 1 inserted, 1 replaced, 1 failed\n"


def test_many_problems_are_told_in_short(suite):
    cli, _ = suite
    cli("reset")
    (cli.project / "bad.jsonl").write_text("oops\n" * 15)
    done = cli("import", "bad.jsonl")
    assert done.err.count("not JSON") == 10
    assert "and 5 more" in done.err


def test_csv_is_known_by_its_name_or_told(suite):
    cli, _ = suite
    cli("reset")
    (cli.project / "people.csv").write_text("_id,age\na,1\n")
    (cli.project / "others.txt").write_text("_id,age\na,1\n")
    assert cli("import", "people.csv").out == "people: 1 inserted\n"
    assert cli("import", "others.txt", "--format", "csv").out == "others: 1 inserted\n"
    done = cli("export", "tables", "--format", "csv", "--collection", "people")
    assert (cli.project / "tables" / "people.csv").read_text() == "_id,age\na,1\n"
    assert done.out.startswith("people: ")


def test_names_that_differ_in_case_only_get_files_of_their_own(suite):
    cli, _ = suite
    cli("reset")
    for name in ("Users", "users"):
        (cli.project / "one.jsonl").write_text(f'{{"_id":"{name}"}}\n')
        cli("import", "one.jsonl", "--collection", name)
    files = cli("export", "cased", "--json").json["files"]
    assert files == {"Users.jsonl": "Users", "users~2.jsonl": "users"}
    cli("reset")
    told = cli("import", "cased", "--json").json["imports"]
    assert sorted(each["collection"] for each in told) == ["Users", "users"]


def test_a_folder_that_holds_something_else_is_left_alone(suite):
    cli, _ = suite
    (cli.project / "work").mkdir()
    (cli.project / "work" / "thesis.txt").write_text("mine")
    done = cli("export", "work")
    assert done.code == 1
    assert "was not made by an export" in done.err
    assert [path.name for path in (cli.project / "work").iterdir()] == ["thesis.txt"]


def test_what_is_not_there_is_a_failure(suite):
    cli, _ = suite
    assert "there is no file nowhere.jsonl" in cli("import", "nowhere.jsonl").err
    (cli.project / "nothing").mkdir()
    assert "no data files in nothing" in cli("import", "nothing").err
    done = cli("export", "missing", "--collection", "nobody", "--json")
    assert done.code == 1
    assert json.loads(done.out)["code"] == "DATABASE_COLLECTION_NOT_EXIST"
    assert cli("import", "x.jsonl", "--mode", "merge").code == 2


def test_a_long_file_that_is_refused_at_its_first_line_says_why(suite):
    cli, _ = suite
    (cli.project / "array.jsonl").write_text("[" + '{"text": "' + "x" * 8_000_000 + '"}]\n' * 3)
    done = cli("import", "array.jsonl")
    assert done.code == 1
    assert "the file is a JSON array" in done.err
    assert "cloud-emu seed" in done.err


def test_a_suite_that_does_not_run_is_told(cli):
    (cli.project / "orders.jsonl").write_text(LINES)
    for command in (("import", "orders.jsonl"), ("export", "out")):
        done = cli(*command)
        assert done.code == 1
        assert "no suite is running" in done.err
    assert not (cli.project / "out").exists()

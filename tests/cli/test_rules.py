"""`cloud-emu rules`."""

import json

import pytest

RULES = {
    "orders": {
        "read": "doc._openid == auth.openid || auth.loginType == 'EMAIL'",
        "create": "auth != null && doc.total > 0",
        "update": "doc._openid == auth.openid && doc.expires > now",
        "delete": False,
    }
}
DOCUMENTS = {
    "orders": [
        {"_id": "1", "_openid": "alice", "total": 5, "expires": {"$date": "2030-01-01T00:00:00Z"}},
        {"_id": "2", "_openid": "bob", "total": 7},
    ]
}
TESTS = [
    {"operation": "read", "user": "alice", "id": "1", "expect": "allow", "reaches": 1},
    {"operation": "read", "user": "alice", "id": "2", "expect": "deny"},
    {"operation": "read", "user": None, "where": {}, "expect": "deny"},
    {
        "operation": "read",
        "user": {"uid": "u1", "loginType": "EMAIL"},
        "where": {},
        "expect": "allow",
        "reaches": 2,
    },
    {"operation": "create", "user": "alice", "data": {"total": 1}, "expect": "allow"},
    {"operation": "create", "user": "alice", "data": {"total": 0}, "expect": "deny"},
    {"operation": "update", "user": "alice", "id": "1", "expect": "allow"},
    {
        "operation": "update",
        "user": "alice",
        "id": "1",
        "at": "2031-01-01T00:00:00Z",
        "expect": "deny",
    },
    {"operation": "delete", "user": "alice", "id": "1", "expect": "deny"},
]


def write(cli, tests, **more):
    cases = [{"collection": "orders", **each} for each in tests]
    (cli.project / "cases.json").write_text(
        json.dumps({"documents": DOCUMENTS, "tests": cases, **more})
    )
    (cli.project / "database.rules.json").write_text(json.dumps(RULES))


def test_rule_tests_pass_and_tell_what_they_leave_open(cli):
    write(cli, TESTS)
    done = cli("rules", "test", "cases.json")
    assert done.code == 0, done.out
    assert done.out.splitlines()[-1] == "9 tests, 0 failed"
    assert "! orders.create: 'auth != null' was never false" in done.out


def test_a_failing_test_says_why(cli):
    write(cli, [{**TESTS[1], "expect": "allow", "name": "reads bob's"}, {**TESTS[0], "reaches": 2}])
    done = cli("rules", "test", "cases.json")
    assert done.code == 1
    assert "failed  reads bob's: denied: 'doc._openid == auth.openid' does not hold" in done.out
    assert "doc._openid is 'bob', auth.openid is 'alice'" in done.out
    assert "1 documents reached, 2 expected" in done.out


@pytest.mark.parametrize("name", ["report.html", "report.json"])
def test_a_report_holds_tests_and_coverage(cli, name):
    write(cli, TESTS[:2])
    assert cli("rules", "test", "cases.json", "--report", name).code == 0
    text = (cli.project / name).read_text("utf-8")
    if name.endswith("json"):
        told = json.loads(text)
        assert [each["passed"] for each in told["tests"]] == [True, True]
        assert told["coverage"][0]["key"] == "read"
    else:
        assert "<h1>2 tests, 0 failed</h1>" in text
        assert "doc._openid == auth.openid" in text
        assert "<span class='half'>auth.loginType == &#x27;EMAIL&#x27;</span>" in text


def test_tests_may_be_toml_and_bring_their_rules(cli):
    (cli.project / "cases.toml").write_text(
        '[rules]\nc = "READONLY"\n[[documents.c]]\n_id = "1"\n'
        '[[tests]]\noperation = "read"\ncollection = "c"\nexpect = "allow"\nreaches = 1\n'
        '[[tests]]\noperation = "update"\ncollection = "c"\nuser = "a"\nexpect = "allow"\n'
        "reaches = 0\n"
    )
    done = cli("rules", "test", "cases.toml", "--json")
    assert (done.code, done.json["failed"]) == (0, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cases.json"),
        ("{}", 'a list "tests" is expected'),
        ('{"tests": [{"operation": "look"}]}', "test 1: operation is one of"),
        ('{"tests": [{"opration": "read"}]}', "'opration' is none of"),
        (
            '{"rules": {"c": {"read": "doc.a =="}}, "tests": []}',
            "c.read: character 9",
        ),
    ],
)
def test_a_file_that_is_none_is_told(cli, text, said):
    (cli.project / "cases.json").write_text(text)
    done = cli("rules", "test", "cases.json")
    assert done.code in (1, 2)
    assert said in done.err


def test_rules_are_looked_over(cli):
    rules = {
        "a": {"read": True, "write": True},
        "b": {"read": "newData.x == 1", "write": "auth.isAdmin"},
    }
    (cli.project / "database.rules.json").write_text(json.dumps(rules))
    (cli.project / "storage.rules.json").write_text('{"read": "nonsense("}')
    done = cli("rules", "check")
    assert done.code == 1
    assert "warning: a.write: character 1: anyone may do this" in done.out
    assert "request.data is what it is called here" in done.out
    assert "error: b.write: character 1: auth has no isAdmin" in done.out
    assert "error: storage.read: character 1" in done.out


def test_good_rules_pass_the_look(cli):
    (cli.project / "database.rules.json").write_text(
        '{"a": {"read": true, "write": "auth != null && doc._openid == auth.openid"}}'
    )
    assert cli("rules", "check").code == 0


def test_a_running_suite_tells_coverage_and_denials(suite):
    cli, _ = suite
    assert "no collection has rules" in cli("rules", "coverage").out
    assert cli("rules", "denials").out == "nothing was denied\n"
    assert cli("rules", "coverage", "--json").json == {"coverage": []}
    (cli.project / "other.json").write_text('{"orders": "ADMINONLY"}')
    done = cli("rules", "replay", "other.json")
    assert done.out == "0 requests, 0 would be answered otherwise\n"

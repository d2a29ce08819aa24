"""`cloud-emu users`."""

import json


def test_users_are_listed_made_chosen_and_removed(suite):
    cli, _ = suite
    assert cli("users", "add", "Bob", "--openid", "oBob", "--phone", "13800000000").out == (
        "added oBob\n"
    )
    assert cli("users", "use", "oBob").out == "oBob is the current user\n"
    listed = cli("users", "list").out
    assert "Bob              openid oBob, phone +8613800000000" in listed
    (bob,) = [user for user in cli("users", "list", "--json").json if user["current"]]
    assert bob["openid"] == "oBob"
    assert cli("users", "remove", bob["uid"]).out == f"removed {bob['uid']}\n"
    assert "oBob" not in cli("users", "list").out
    again = cli("users", "remove", bob["uid"])
    assert again.code == 1
    assert "there is no user" in again.err


def test_a_user_with_a_password_is_made(suite):
    cli, _ = suite
    made = cli("users", "add", "--username", "ada", "--password", "pw", "--json").json
    assert (made["username"], made["has_password"]) == ("ada", True)
    twice = cli("users", "add", "--username", "ada")
    assert (twice.code, "belongs to another user" in twice.err) == (1, True)


def test_the_inbox_and_the_key(suite, tmp_path):
    cli, _ = suite
    assert cli("users", "inbox").out == ""
    file = tmp_path / "key.json"
    assert cli("users", "key", str(file)).out == f"wrote {file}\n"
    key = json.loads(file.read_text())
    assert "PRIVATE KEY" in key["private_key"]
    assert cli("users", "key").json == key

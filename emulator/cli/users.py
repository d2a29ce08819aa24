"""Owns `cloud-emu users`: who may sign in, who a mini program is, what was sent to them.

Not here: what a user may be (the suite says).
"""

from pathlib import Path
from typing import Any, Final

import click

from emulator.cli.options import project_option
from emulator.cli.output import EXIT_DONE, json_option, say, say_json

_NAMES: Final = ("openid", "username", "email", "phone", "custom")


@click.group(name="users", short_help="Test users, who is current, what was sent to them.")
def users() -> None:
    """Look at the users of the running suite and make new ones."""


@users.command(name="list", short_help="List the users.")
@project_option
@json_option
def list_users(project: Path, *, as_json: bool) -> int:
    """List the users; the star stands before whom a mini program without sign-in is."""
    from emulator.cli.connect import connect

    found = connect(project).get("/_emu/users")
    if as_json:
        say_json(found)
        return EXIT_DONE
    for user in found:
        known = [f"{name} {user[name]}" for name in _NAMES if name in user]
        known += ["anonymous"] if "anonymous" in user and not known else []
        known += ["blocked"] if user["blocked"] else []
        star = "*" if user["current"] else " "
        say(f"{star} {user['uid']}  {user['profile'].get('name', ''):<16} {', '.join(known)}")
    return EXIT_DONE


@users.command(short_help="Make a user.")
@click.argument("name", required=False)
@click.option("--openid", help="Its openid; made of the name without.")
@click.option("--unionid", help="Its unionid; made of the openid without.")
@click.option("--appid", help="The mini program that the openid is of; the project's own without.")
@click.option("--phone", help="Its phone number; +86 is put before one without a country.")
@click.option("--username", help="The name it signs in by.")
@click.option("--email", help="The mail address it signs in by.")
@click.option("--password", help="The password it signs in by.")
@project_option
@json_option
def add(name: str | None, *, project: Path, as_json: bool, **options: Any) -> int:
    """Make a user: of WeChat, unless a username or an email is given and no openid."""
    from emulator.cli.connect import connect

    body = {key: value for key, value in {"name": name, **options}.items() if value}
    user = connect(project).post("/_emu/users", body)
    known = user.get("openid") or user["uid"]
    say_json(user) if as_json else say(f"added {known}")
    return EXIT_DONE


@users.command(short_help="Choose who a mini program without sign-in is.")
@click.argument("openid")
@project_option
@json_option
def use(openid: str, *, project: Path, as_json: bool) -> int:
    """Let this be whoever does not say who it is, from now on."""
    from emulator.cli.connect import connect

    user = connect(project).post("/_emu/users/current", {"openid": openid})
    say_json(user) if as_json else say(f"{openid} is the current user")
    return EXIT_DONE


@users.command(short_help="Remove a user.")
@click.argument("uid")
@project_option
@json_option
def remove(uid: str, *, project: Path, as_json: bool) -> int:
    """Remove a user; its documents and files stay."""
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of

    answer = connect(project).delete(path_of("users", uid))
    say_json(answer) if as_json else say(f"removed {uid}")
    return EXIT_DONE


@users.command(short_help="Show the codes that were sent.")
@click.option("--to", default="", help="Only to this mail address or phone number.")
@project_option
@json_option
def inbox(to: str, *, project: Path, as_json: bool) -> int:
    """Show what would have been sent by mail and text message, newest last."""
    from emulator.cli.connect import connect

    letters = connect(project).get("/_emu/inbox", to=to)
    if as_json:
        say_json(letters)
        return EXIT_DONE
    for letter in letters:
        say(f"{letter['to']:<28} {letter['code']}  {letter['subject']}")
    return EXIT_DONE


@users.command(short_help="Write the key for custom-login tickets.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@project_option
@json_option
def key(file: Path | None, *, project: Path, as_json: bool) -> int:
    """Write tcb_custom_login.json, which server SDKs sign tickets with, or print it."""
    import json

    from emulator.cli.connect import connect

    found = connect(project).get("/_emu/login-key")
    if file is not None:
        file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        found = {"file": str(file), "private_key_id": found["private_key_id"]}
    if as_json or file is None:
        say_json(found)
    else:
        say(f"wrote {file}")
    return EXIT_DONE

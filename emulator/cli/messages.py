"""Owns `cloud-emu messages`: what functions of the running suite sent to WeChat.

Not here: the outbox itself (`services.openapi.outbox`).
"""

import json
from pathlib import Path
from typing import Final

import click

from emulator.cli.options import project_option
from emulator.cli.output import EXIT_DONE, faint, json_option, say, say_json

DATA_LENGTH_MAX: Final = 160


@click.command(short_help="Show the open API and payment calls of the running suite.")
@project_option
@json_option
def messages(project: Path, *, as_json: bool) -> int:
    """Show the open API and payment calls of the running suite, the newest last."""
    from emulator.cli.connect import connect

    sent = connect(project).get("/_emu/messages")
    if as_json:
        say_json(sent)
        return EXIT_DONE
    for each in sent:
        data = json.dumps(each["data"], ensure_ascii=False)
        number = each["result"].get("errcode", 0)
        outcome = "ok" if number == 0 else f"{number} {each['result'].get('errmsg', '')}"
        say(f"{faint(each['at'])} {each['api']} {outcome}")
        say(f"  {data[:DATA_LENGTH_MAX]}")
    if not sent:
        say("nothing was sent")
    return EXIT_DONE

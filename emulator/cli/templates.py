"""Owns the texts that `init` and `fn new` write, and writing them without touching what is there.

Not here: the commands. The one idea: a file that exists is left as it is and said so.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from emulator.cli.output import EXIT_USAGE, Failed

_FUNCTION_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}\Z")

_CONFIG: Final = """\
# Cloud Emu's configuration of this project. Every line may be left out.

[emulator]
env = "demo-env"             # the environment's id, as clients pass it to init
# profile = "wechat"         # or cloudbase, alipay: limits, texts, weekday numbering
# port = 8270                # the API; 0 takes any free port
# site_port = 8271           # hosted pages, HTTP functions, files
# data_dir = ".cloud-emu"    # what is kept between runs

[functions]
root = "{root}"
timeout_s = 3
# env = {{ STAGE = "local" }}

[database]
permission = "PRIVATE"       # preset of a new collection
# journal = "os"             # or group, always, memory

[triggers]
time_zone = "Asia/Shanghai"  # what timer expressions speak of

# [seed]
# paths = ["seed/*.jsonl"]   # orders.jsonl fills the collection orders
"""

_SITE: Final = """
[hosting]
root = "{site}"{space}# the pages that the site serves
"""

_LAUNCH: Final = """\
{
  // Attach after: cloud-emu start --inspect=NAME, or cloud-emu fn inspect NAME while a suite runs
  // (Python functions need: pip install "cloud-emu[debug]")
  "version": "0.2.0",
  "configurations": [
    {
      "name": "Cloud Emu: Python function",
      "type": "debugpy",
      "request": "attach",
      "connect": {"host": "127.0.0.1", "port": 5678}
    },
    {
      "name": "Cloud Emu: Node function",
      "type": "node",
      "request": "attach",
      "address": "127.0.0.1",
      "port": 9229,
      "restart": true,
      "skipFiles": ["<node_internals>/**"]
    },
    {
      "name": "Cloud Emu: start",
      "type": "debugpy",
      "request": "launch",
      "module": "emulator",
      "args": ["start", "${workspaceFolder}"],
      "console": "integratedTerminal"
    }
  ]
}
"""

_FUNCTION: Final = '''\
"""{name}: greets whoever calls."""

from emulator import cloud

cloud.init()


def main(event, context):
    name = event.get("name") or "world"
    return {{"message": f"Hello, {{name}}!", "openid": cloud.get_wx_context().get("OPENID")}}
'''

_NODE_FUNCTION: Final = """\
// {name}: greets whoever calls.
const cloud = require('wx-server-sdk')

cloud.init({{ env: cloud.DYNAMIC_CURRENT_ENV }})

exports.main = async (event, context) => {{
  const name = event.name || 'world'
  return {{ message: `Hello, ${{name}}!`, openid: cloud.getWXContext().OPENID }}
}}
"""

_NODE_PACKAGE: Final = """\
{{
  "name": "{package}",
  "version": "1.0.0",
  "private": true,
  "main": "index.js",
  "dependencies": {{
    "wx-server-sdk": "~2.6.3"
  }}
}}
"""

_FUNCTION_CONFIG: Final = """\
{
  "permissions": {"openapi": []},
  "triggers": []
}
"""

TEMPLATES: Final[Mapping[str, Mapping[str, str]]] = {
    "python": {"index.py": _FUNCTION},
    "node": {"index.js": _NODE_FUNCTION, "package.json": _NODE_PACKAGE},
}
"""The files of a function by template; texts are formatted with `name` and `package`."""

_TEST: Final = '''\
"""Calls the function {name} on the suite that runs beside the tests.

Run with: cloud-emu exec -- python -m unittest discover tests
"""

import json
import os
import unittest
from urllib.request import Request, urlopen


def call(name, event, openid=None):
    """Call a function as a user and return what the suite answers."""
    url = f"{{os.environ['CLOUD_EMU_URL']}}/_emu/functions/{{name}}/invoke"
    body = json.dumps({{"event": event, "openid": openid}}).encode()
    with urlopen(Request(url, data=body, method="POST"), timeout=10) as response:
        return json.load(response)


class {title}Test(unittest.TestCase):
    def test_greets_by_name(self):
        answer = call("{name}", {{"name": "Ada"}})
        self.assertEqual(answer["result"]["message"], "Hello, Ada!")

    def test_knows_who_calls(self):
        answer = call("{name}", {{}}, openid="oAda")
        self.assertEqual(answer["result"]["openid"], "oAda")


if __name__ == "__main__":
    unittest.main()
'''


def require_function_name(name: str) -> None:
    """Raise Failed if the cloud would refuse the name."""
    if _FUNCTION_NAME.match(name) is None:
        raise Failed(
            f"{name!r} is no name for a function",
            hint="a letter, then letters, digits, - and _, at most 60",
            exit_code=EXIT_USAGE,
        )


def require_template(template: str, others: Collection[str] = ()) -> None:
    """Raise Failed if there is no such template, of functions or among the others."""
    if template in TEMPLATES or template in others:
        return
    raise Failed(
        f"there is no template {template}",
        hint=f"there is: {', '.join([*TEMPLATES, *others])}",
        exit_code=EXIT_USAGE,
    )


def function_files(template: str, name: str) -> Mapping[str, str]:
    """Return the files of a new function by their path in its folder."""
    require_template(template)
    files = TEMPLATES[template].items()
    told = {"name": name, "package": name.lower()}
    return {**{file: text.format(**told) for file, text in files}, "config.json": _FUNCTION_CONFIG}


def install_command(folder: Path, project: Path) -> str:
    """Return what makes a function that was written ready to run, empty if nothing need be."""
    if not (folder / "package.json").exists():
        return ""
    where = "" if project == Path() else f' --project "{project}"'
    return f"cloud-emu fn install {folder.name}{where}"


def launch_text() -> str:
    """Return how VS Code starts the suite in its debugger, and attaches to functions."""
    return _LAUNCH


def config_text(root: str, site: str = "") -> str:
    """Return a first `.emulator.toml`, for functions and, if there is one, a folder of pages."""
    text = _CONFIG.format(root=root)
    return text + _SITE.format(site=site, space=" " * max(1, 20 - len(site))) if site else text


def test_text(name: str) -> str:
    """Return a first test of a function."""
    title = "".join(part.capitalize() for part in re.split(r"[-_]", name))
    return _TEST.format(name=name, title=title)


def write_new(folder: Path, files: Mapping[str, str]) -> tuple[list[Path], list[Path]]:
    """Write the files that are not there; returns what was written and what was left.

    Raises:
        Failed: a file cannot be written.
    """
    written: list[Path] = []
    left: list[Path] = []
    for name, text in files.items():
        path = folder / name
        if path.exists():
            left.append(path)
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as fault:
            raise Failed(f"{path} cannot be written: {fault.strerror}") from fault
        written.append(path)
    return written, left

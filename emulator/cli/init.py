"""Owns `cloud-emu init`: a project's first configuration, function and test.

Not here: the texts (`cli.templates`). The one idea: nothing that is there is touched.
"""

from pathlib import Path
from typing import Final

import click

from emulator.cli.options import FOLDER
from emulator.cli.output import EXIT_DONE, json_option, say, say_json

FUNCTION_NAME: Final = "hello"
FUNCTIONS_FOLDER: Final = "functions"
LAUNCH_FILE: Final = ".vscode/launch.json"


@click.command(short_help="Write a first configuration, function and test.")
@click.argument("folder", metavar="[DIR]", type=FOLDER, default=Path())
@click.option(
    "--template", metavar="NAME", default="python", show_default=True, help="What to begin with."
)
@json_option
def init(folder: Path, *, template: str, as_json: bool) -> int:
    """Write .emulator.toml, a first function, a first test; nothing that is there is touched.

    How VS Code attaches its debugger to functions goes into .vscode/launch.json.

    Templates: python and node begin with a function; miniprogram, taro, uniapp and web also write
    the client script and the few lines that load it.
    """
    from emulator.cli.client_templates import (
        CLIENT_TEMPLATES,
        client_files,
        function_template,
        site_folder,
    )
    from emulator.cli.templates import (
        config_text,
        function_files,
        install_command,
        launch_text,
        require_template,
        test_text,
        write_new,
    )

    require_template(template, CLIENT_TEMPLATES)
    root = _functions_root(folder)
    files = {".emulator.toml": config_text(root, site_folder(template))}
    if not _has_functions(folder / root):
        hello = function_files(function_template(template), FUNCTION_NAME)
        files |= {f"{root}/{FUNCTION_NAME}/{name}": text for name, text in hello.items()}
        files[f"tests/test_{FUNCTION_NAME}.py"] = test_text(FUNCTION_NAME)
    files |= client_files(template, folder)
    files[LAUNCH_FILE] = launch_text()
    written, left = write_new(folder, files)
    if as_json:
        say_json({"written": [str(path) for path in written], "left": [str(path) for path in left]})
        return EXIT_DONE
    for path in written:
        say(f"wrote  {path}")
    for path in left:
        say(f"left   {path}, which is there already")
    here = "" if folder == Path() else f' "{folder}"'
    install = install_command(folder / root / FUNCTION_NAME, folder) if written else ""
    say(f"next: {f'{install}, then ' if install else ''}cloud-emu start{here}")
    return EXIT_DONE


def _functions_root(folder: Path) -> str:
    """Return the folder of the functions as the configuration names it, the found one if any."""
    from emulator.config import load_config

    if folder.is_dir():
        root = load_config(folder).functions_root
        if root is not None and root.is_relative_to(folder.absolute()):
            return root.relative_to(folder.absolute()).as_posix()
    return FUNCTIONS_FOLDER


def _has_functions(root: Path) -> bool:
    return root.is_dir() and any(next(each.glob("index.*"), None) for each in root.iterdir())

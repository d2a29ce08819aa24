"""Owns which functions `cloud-emu start --inspect` opens to debuggers, and where they attach.

Not here: how a function is opened (the suite). The one idea: ports count up from the one that
debuggers of a language expect, in the order of the wishes, so that what an editor was told once
holds at the next start.
"""

import asyncio
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from emulator.core.errors import ConfigurationError, FunctionFailed, InvalidParam

if TYPE_CHECKING:
    from emulator.suite import Suite

PORTS: Final[Mapping[str, int]] = {"node": 9229, "python": 5678}
"""What debuggers of a language expect when nothing is said."""

ALL: Final = "*"
"""What `--inspect` without a name stands for."""

PORT_MAX: Final = 65_535


class Wish(NamedTuple):
    """A function to be opened; without a port, at the next one of its language."""

    name: str
    port: int | None = None


def wishes_of(given: Iterable[str]) -> list[Wish]:
    """Return what `--inspect NAME[:PORT]`, given once or more often, asks for.

    Raises:
        click.BadParameter: what stands behind the colon is no port.
    """
    return [_wish_of(text) for text in dict.fromkeys(given)]


async def open_functions(
    suite: "Suite", wishes: Sequence[Wish], opened: list[dict[str, str]]
) -> None:
    """Open functions, and put for each where debuggers attach, or why not, into `opened`.

    Raises:
        ConfigurationError: a wish names no function.
        InvalidParam: a function that was named cannot be opened, as for want of a debugger.
    """
    languages = _languages(suite.info())
    named = [wish for wish in wishes if wish.name != ALL]
    for wish in named:
        _require(wish.name, languages)
    others = [name for name in languages if name not in {wish.name for wish in named}]
    wanted = [*named, *(map(Wish, others) if len(named) < len(wishes) else ())]
    counts = {language: itertools.count(port) for language, port in PORTS.items()}
    opening = []
    for name, port in wanted:
        at = next(counts.get(languages[name], itertools.repeat(0))) if port is None else port
        opening.append(_open(suite, name, at, is_named=name not in others))
    opened += await asyncio.gather(*opening)


async def _open(suite: "Suite", name: str, port: int, *, is_named: bool) -> dict[str, str]:
    try:
        return {"function": name, "url": await suite.control.inspect(name, port), "problem": ""}
    except FunctionFailed as fault:
        return {"function": name, "url": "", "problem": fault.message}
    except InvalidParam as fault:
        if is_named:
            raise
        return {"function": name, "url": "", "problem": fault.message}


def _languages(info: Mapping[str, Any]) -> dict[str, str]:
    """Return the language of each function by name; those that did not load come last."""
    listed = sorted(info["functions"], key=lambda each: bool(each["state"] == "failed"))
    return {each["name"]: each["language"] for each in listed}


def _require(name: str, known: Iterable[str]) -> None:
    from emulator.config.check import nearest

    if name in known:
        return
    close = nearest(name, known)
    serves = f"this suite serves {', '.join(sorted(known)) or 'no functions'}"
    hint = f'did you mean "{close}"?' if close else f"{serves}; a project is named before --inspect"
    raise ConfigurationError(f'--inspect: no function "{name}"', hint=hint)


def _wish_of(text: str) -> Wish:
    name, colon, port = text.partition(":")
    if not colon:
        return Wish(name)
    if not (port.isascii() and port.isdecimal()) or int(port) > PORT_MAX:
        raise click.BadParameter(f"{port!r} is not a port", param_hint="--inspect")
    return Wish(name, int(port))

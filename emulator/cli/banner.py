"""Owns what people read when the suite is ready: where it is, what it found, how to point at it.

Not here: the facts (`Suite.info`). The one idea: everything that could go wrong next (a function
that did not load, a timer in an odd zone) stands here with file and line.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from emulator.cli.lan import section
from emulator.cli.output import bold, colored, faint

Info = Mapping[str, Any]


def banner(info: Info, *, notes: Iterable[str], windows: bool) -> str:
    """Return the whole text for a suite that is ready."""
    parts = (
        _head(info),
        section(info["pairing"]) if info.get("pairing") else [],
        _functions(info.get("functions", ())),
        _timers(info.get("timers", ())),
        _debuggers(info.get("debuggers", ())),
        _notices([*notes, *(note for note in info.get("notices", ()) if note not in set(notes))]),
        _variables(info.get("variables", {}), windows=windows),
        ["Ctrl-C stops."],
    )
    return "\n\n".join("\n".join(part) for part in map(list, parts) if part) + "\n"


def exports(variables: Mapping[str, str], *, windows: bool) -> Iterator[str]:
    """Yield the lines that set variables in the shell of this platform."""
    for name, value in variables.items():
        if windows:
            yield f"$env:{name} = '{value.replace(chr(39), chr(39) * 2)}'"
        else:
            yield f"export {name}={shlex.quote(value)}"


def short(info: Info) -> str:
    """Return one line for a suite that runs beside a command."""
    return f"cloud-emu: environment {info.get('env', '')} at {info['urls']['api']}"


def failures(info: Info) -> list[str]:
    """Return a line for each function that did not load."""
    return [
        f"function {function['name']} did not load: {_place(function)}"
        for function in info.get("functions", ())
        if function.get("state") == "failed"
    ]


def _head(info: Info) -> list[str]:
    urls = info["urls"]
    data_dir = info.get("data_dir")
    rows = [
        ("API", colored(urls["api"], "cyan")),
        ("Site", colored(urls["site"], "cyan") + _pages(info)),
        ("Console", colored(urls["console"], "cyan") if urls.get("console") else ""),
        ("Data", data_dir or "kept nowhere; gone when the suite stops"),
        ("Access", _access(info)),
    ]
    profile = f"   profile {info['profile']}" if info.get("profile") else ""
    version, env = info.get("version", ""), bold(info["env"])
    title = f"{bold('Cloud Emu')} {version}   environment {env}{profile}"
    return [title, *(f"  {name:<10}{value}" for name, value in rows if value)]


def _pages(info: Info) -> str:
    root = info.get("site_root")
    return faint(f"   open it: the pages of {Path(root).name}/") if root else ""


def _access(info: Info) -> str:
    preset = info.get("permission")
    return f"collections without a permission of their own are {preset}" if preset else ""


def _functions(functions: Iterable[Info]) -> list[str]:
    found = list(functions)
    if not found:
        return [
            bold("Functions"),
            "  none found; cloud-emu fn new hello makes one, cloud-emu doctor says where it looked",
        ]
    width = max(len(function["name"]) for function in found)
    lines = [bold(f"Functions ({len(found)})")]
    for function in found:
        lines += _function(function, width)
    return lines


def _function(function: Info, width: int) -> Iterator[str]:
    name = function["name"].ljust(width)
    if function.get("state") == "failed":
        yield f"  {colored('failed', 'red')}  {name}  {_place(function)}"
        return
    facts = [_trigger(trigger) for trigger in function.get("triggers", ())]
    if function.get("language", "python") != "python":
        facts.insert(0, function["language"])
    yield f"  {colored('ok', 'green')}      " + (
        f"{name}  {faint(', '.join(facts))}" if facts else function["name"]
    )
    for problem in function.get("problems", ()):
        yield f"    {colored('!', 'yellow')} {_pointed(problem)}"


def _place(function: Info) -> str:
    problem = function.get("problem") or {}
    return _pointed({"file": function.get("file", ""), "message": "no reason is known", **problem})


def _pointed(problem: Info) -> str:
    line = f":{problem['line']}" if problem.get("line") else ""
    return f"{problem['file']}{line}: {problem['message']}"


def _trigger(trigger: Any) -> str:
    if not isinstance(trigger, Mapping):
        return str(trigger)
    kind = trigger.get("type") or trigger.get("kind") or ""
    return f"{kind} {trigger.get('name', '')}".strip()


def _timers(timers: Iterable[Info]) -> list[str]:
    found = list(timers)
    if not found:
        return []
    lines = [bold("Timers")]
    for timer in found:
        who = f"{timer['function']}/{timer['trigger']}"
        lines.append(f"  {who:<24}  {timer['expression']:<20}  {_next(timer.get('next_fire'))}")
        lines += [f"    {faint(note)}" for note in timer.get("notes", ())]
    return lines


def _next(moment: str | None) -> str:
    """Return `2026-01-01T00:00:00.000+08:00` as people read it."""
    if not moment:
        return "never fires again"
    day, _, rest = moment.partition("T")
    time = rest[:8]
    zone = rest[8:].lstrip(".0123456789")
    return f"next {day} {time} {'UTC' if zone == 'Z' else zone}".rstrip()


def _debuggers(debuggers: Iterable[Mapping[str, str]]) -> list[str]:
    found = list(debuggers)
    if not found:
        return []
    width = max(len(each["function"]) for each in found)
    lines = [bold("Debuggers") + faint(" (attach an editor; for ws:// also chrome://inspect)")]
    for each in found:
        where = colored(each["url"], "cyan") if each["url"] else f"not open: {each['problem']}"
        lines.append(f"  {each['function']:<{width}}  {where}")
    return lines


def _notices(notices: list[str]) -> list[str]:
    if not notices:
        return []
    return [bold("Notices"), *(f"  {colored('!', 'yellow')} {notice}" for notice in notices)]


def _variables(variables: Mapping[str, str], *, windows: bool) -> list[str]:
    if not variables:
        return []
    shell = "PowerShell" if windows else "shell"
    title = f"To point a Node or Python program here, paste into its {shell}"
    return [
        bold(title) + faint(" (or run it with: cloud-emu exec -- CMD)"),
        *(f"  {line}" for line in exports(variables, windows=windows)),
    ]

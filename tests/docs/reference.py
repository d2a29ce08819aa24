"""The generated parts of docs/reference: tables made of the code that they describe.

Run it to bring the pages up to date; `test_reference.py` fails while they are not. A part stands
between `<!-- generated: name -->` and `<!-- end -->`; everything else in a page is written by hand.
What the code cannot say of itself (what a variable or a call is for) stands here; whatever there is
must be described.
"""

import ast
import functools
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from emulator import cloud, wire
from emulator.cli import commands
from emulator.cloud.command import Condition
from emulator.cloud.errors import ERROR_NUMBERS, ERROR_PHRASES
from emulator.cloud.naming import camel_case
from emulator.cloud.transaction import Transaction
from emulator.config.check import schema
from emulator.config.layers import RUN_SETTINGS, SETTINGS, VARIABLE_PREFIX
from emulator.config.load import load_config
from emulator.core import auth_errors, errors
from emulator.suite import Suite
from emulator.wire import envelope

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "reference"
PART = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)

CALLS = {
    "GET /_emu/health": (
        "",
        '`{"status": "ready", "env", "version", "pid", "project"}`; status 503 until it is ready',
    ),
    "GET /_emu/info": (
        "",
        "everything that `start --json` tells first: `urls`, `variables`, `functions` with their "
        "state and problem, `timers` with `next_fire`, `collections`, `data_dir`, `notices`",
    ),
    "GET /_emu/idle": (
        "`?timeout_s=10`, at most 600",
        '`{"idle": true}` as soon as nothing is queued or running, or `{"idle": false, '
        '"running": […]}` at the time-out',
    ),
    "POST /_emu/reset": ("", '`{"reset": true}`; documents, files and logs are gone'),
    "POST /_emu/seed": (
        '`{"collections": {"orders": […]}, "replace": false, "triggers": false}`',
        '`{"collections": {"orders": 2}}`: how many of each. A document whose `_id` is there takes '
        "its place; `replace` drops everything else first; an empty list makes an empty "
        "collection; `triggers` lets database triggers hear of it. All of it or nothing",
    ),
    "GET /_emu/collections/{name}": ("", "its documents, oldest first"),
    "POST /_emu/functions/{name}/inspect": (
        '`{"port": 9229}`, 0 or nothing for any port',
        '`{"url"}`: where debuggers attach; a Python function runs in a process of its own then',
    ),
    "POST /_emu/functions/{name}/restart": (
        "",
        '`{"restarted": true}`: the next call begins with nothing in memory',
    ),
    "GET /_emu/instances": (
        "",
        '`[{"function", "engine", "pid", "serves", "calls_running", "resting_s"}]`: where code of '
        "functions is in memory",
    ),
    "POST /_emu/functions/{name}/invoke": (
        '`{"event": {}, "openid": "oAda" or null, "source": "wx_client", "asynchronous": false, '
        '"cold": false}`',
        '`{"result" or "error": {"code", "kind", "message", "stack"}, "request_id", '
        '"duration_ms", "logs": [{"level", "line"}]}`',
    ),
    "POST /_emu/triggers/{function}/{trigger}/fire": (
        '`{"event"}`, or nothing for one made up',
        "fires a trigger now and answers like `invoke`; made up are the event of a timer at this "
        "moment, of the newest document or file that fits, of a request without a body",
    ),
    "GET /_emu/triggers": (
        "",
        '`{"enabled", "triggers": [{"function", "trigger", "type", "config", "paused", '
        '"next_fires", "notes"}]}`; timers tell their next five firings',
    ),
    "POST /_emu/triggers": (
        '`{"enabled": false}`',
        '`{"enabled", "was"}`; database and storage triggers hear of nothing until it is true',
    ),
    "POST /_emu/triggers/{function}/{trigger}/pause": (
        "",
        '`{"paused": true}`: a timer, database or storage trigger; what it misses is not called',
    ),
    "POST /_emu/triggers/{function}/{trigger}/resume": ("", '`{"paused": false}`'),
    "GET /_emu/dead-letters": (
        "",
        '`[{"number", "at_ms", "function", "trigger", "attempts", "error", "event"}]`: triggered '
        "and asynchronous calls that were given up, oldest first, the newest 1,000",
    ),
    "POST /_emu/dead-letters/replay": (
        '`{"number": 3}`, or nothing for all',
        '`{"replayed": 1}`; they wait for their turn as new ones do',
    ),
    "GET /_emu/trace": (
        "`?request_id=`, `?trace_id=`, `?limit=100`, `?form=otlp` or `tree`",
        "what happened and why: spans of invocations, commands and triggers, newest trees last, as "
        "OpenTelemetry's OTLP/JSON or inside each other",
    ),
    "GET /_emu/metrics": (
        "",
        "calls, durations, errors, commands, GB-seconds in Prometheus' text format",
    ),
    "GET /_emu/usage": (
        "`?plan=pay-as-you-go-2022`",
        '`{"plan", "dated", "source", "days", "meters": {"reads": {"total", "today", "per_day", '
        '"free", "period", "share"}, …}}`; a share above 1 would cost money',
    ),
    "GET /_emu/clock": ("", '`{"now", "local", "now_ms", "frozen", "offset_ms"}`'),
    "POST /_emu/clock": (
        '`{"set": "2026-01-31T09:00:00Z"}`, `{"advance": "30d"}`, `{"freeze": true}`, '
        '`{"resume": true}`, or several of them',
        "as above, `advance` with the number of timers `fired`; it answers when everything due on "
        "the way has run. A moment may be milliseconds too, a duration seconds",
    ),
    "GET /_emu/storage": (
        "`?prefix=images/`",
        '`[{"path", "file_id", "size_bytes", "owner", "updated_at"}]`',
    ),
    "GET /_emu/logs": (
        "`?function=`, `?request_id=`, `?level=warn`, `?limit=100`, `?follow=1`",
        '`[{"at_ms", "level", "function", "request_id", "line", "data"}]`, oldest first',
    ),
    "GET /_emu/requests": (
        "`?limit=100`, `?follow=1`",
        '`[{"at_ms", "function", "request_id", "source", "ok", "duration_ms", "error"}]`: the '
        "calls of functions, oldest first",
    ),
    "GET /_emu/collections/{name}/indexes": ("", '`{"indexes": […]}`: definitions'),
    "POST /_emu/collections/{name}/indexes": (
        '`{"keys": {"userId": 1}, "name", "unique", "sparse", "expire_after_s"}`',
        '`{"name"}` of the index that was made',
    ),
    "DELETE /_emu/collections/{name}/indexes/{index}": ("", "the index is gone"),
    "POST /_emu/collections/{name}/explain": (
        "a query: `filter`, `sort`, `skip`, `limit`",
        "how the query would be read, and what that took",
    ),
    "GET /_emu/rules": (
        "",
        '`{"default", "collections": {"orders": {"preset", "rules", "faults", "notes"}}, '
        '"notices"}`: what is permitted',
    ),
    "GET /_emu/rules/coverage": (
        "",
        '`{"coverage": [{"target", "key", "rule", "allowed", "denied", "parts"}]}`: what was asked '
        "of each rule since the start, and which parts of it were ever true and ever false",
    ),
    "GET /_emu/denials": (
        "`?limit=100`",
        '`{"denials": [{"at_ms", "operation", "target", "user", "request_id", "rule", '
        '"character", "reasons", "example"}]}`, oldest first',
    ),
    "GET /_emu/collections/{name}/rules": (
        "",
        "what one collection permits, with `findings` of the lint",
    ),
    "PUT /_emu/collections/{name}/rules": (
        '`{"preset": "PRIVATE"}` or `{"rules": {"read": true, …}}`',
        "the same; it holds until the suite stops. Rules that cannot be read change nothing",
    ),
    "POST /_emu/collections/{name}/rules/replay": (
        '`{"preset": "PRIVATE"}` or `{"rules": {"read": true, …}}`',
        '`{"replayed": [{"operation", "user", "command", "now", "then", "why"}]}`: what users '
        "asked since the start, and what these rules would have said; nothing is changed",
    ),
    "GET /_emu/advice": ("", "shapes of queries that want an index"),
    "GET /_emu/watchers": (
        "",
        '`{"connections": [{"connection", "user", "watchers"}], "delay_s"}`: who listens to what',
    ),
    "POST /_emu/watchers/cut": (
        '`{"connection": 3}`, or nothing for all',
        '`{"cut": 1}`: they are closed as by a network that fails',
    ),
    "POST /_emu/watchers/delay": (
        '`{"delay_s": 0.5}`',
        '`{"delay_s": 0.5}`: how much later clients hear of everything, 0 for at once',
    ),
    "GET /_emu/reads": (
        "`?request_id=`, `?limit=100`",
        "the newest looks into collections: stage, indexes used, keys and documents examined",
    ),
    "POST /_emu/collections/{name}/import": (
        "`?format=jsonl` or `csv`, `?mode=insert`; the file as the body",
        '`{"inserted", "replaced", "conflicts", "failed", "problems"}`',
    ),
    "GET /_emu/collections/{name}/export": ("`?format=jsonl` or `csv`", "the file"),
    "GET /_emu/messages": (
        "",
        "the outbox: open API and payment calls, newest last, as "
        '`{"api", "data", "result", "request_id", "at"}`',
    ),
    "GET /_emu/outbox": ("", "the same"),
    "GET /_emu/users": (
        "",
        'the users, oldest first: `[{"uid", …, "unionid", "appid", "profile", "has_password", '
        '"blocked", "current", "created_ms"}]`, with what each is known by: `openid`, `username`, '
        "`email`, `phone`, `custom`, `anonymous`",
    ),
    "POST /_emu/users": (
        '`{"name", "openid", "unionid", "appid", "phone", "username", "email", "password"}`, none '
        "of them needed",
        "the user that was made: of WeChat, unless it has a username or an email and no openid",
    ),
    "POST /_emu/users/current": (
        '`{"openid": "oAda"}`',
        "the user that whoever does not say who it is now is; made if need be",
    ),
    "PATCH /_emu/users/{uid}": ('`{"blocked": true}`', "the user, who is switched off or on again"),
    "DELETE /_emu/users/{uid}": ("", '`{"removed": "…"}`; what it made stays'),
    "POST /_emu/users/{uid}/tokens": (
        "",
        '`{"access_token", "refresh_token", "expires_in"}`: signed in without any proof',
    ),
    "GET /_emu/inbox": (
        "`?to=` a mail address or phone number",
        "what would have been sent by mail and text message, newest last: "
        '`[{"at_ms", "channel", "to", "subject", "code"}]`',
    ),
    "GET /_emu/login-key": (
        "",
        '`{"private_key_id", "private_key", "env_id"}`: what server SDKs sign custom-login tickets '
        "with",
    ),
    "POST /_emu/payments/{out_trade_no}": (
        '`{"succeeds": true}`',
        "pays an open order, or lets its payment fail",
    ),
    "POST /_emu/stop": ("", '`{"stopping": true}`, status 202'),
}

VARIABLES = {
    "CLOUD_EMU_URL": "address of the API; the Python SDK and `cloud-emu` go there",
    "CLOUD_EMU_SITE_URL": "address of the site: HTTP functions and files",
    "CLOUD_EMU_HOOK": "a file for `node --require`, for packages that take no address",
    "TCB_ENV": "the environment's id, which SDKs take when `init` names none",
    "SCF_NAMESPACE": "the same, for older SDKs",
    "TENCENTCLOUD_TCB_ENVID": "the environment, under the name that manager-node knows",
    "TCB_CONTEXT_KEYS": "names of variables that older SDKs copy",
    "TCB_CONTEXT_CNFG": "sends the official Node SDKs to this suite",
    "TENCENTCLOUD_RUNENV": "tells SDKs that they run where the cloud's functions run",
    "TENCENTCLOUD_REGION": "a region, without meaning here",
    "TENCENTCLOUD_SECRETID": "a fixed local value; any value is accepted",
    "TENCENTCLOUD_SECRETKEY": "a fixed local value; any value is accepted",
}

WECHAT = ("openapi", "cloud_pay", "get_open_data", "get_voip_sign", "create_ticket")
"""Names that lead to WeChat itself; the page speaks of them."""
SPELLINGS = {"get_wx_context": "getWXContext", "get_temp_file_url": "getTempFileURL"}
HIDDEN = ("self", "options", "camel")
"""Parameters that only make the JavaScript way of calling work."""

FAILED_INSIDE = "The suite itself failed on the request; its log says where."

COMMAND_CODES = {
    "FAILED": "the message says what; nothing more precise is known",
    "WRONG_USAGE": "an option or argument is wrong; exit code 2",
    "FUNCTION_NOT_FOUND": "no function has this name; `cloud-emu fn list` shows them",
    "NO_ANSWER": "the suite lives but answers nobody; `cloud-emu stop` ends it",
    "NOT_RUNNING": "no suite runs for this project; start one",
    "GONE": "the suite stopped answering",
    "NOT_IDLE": "something still runs at the time-out of `wait --idle`",
    "PORT_TAKEN": "another process has the port; it is named",
    "DATA_FOLDER_TAKEN": "another suite has the data folder; it is named",
}


def parts() -> dict[str, str]:
    """Return every generated part by its name."""
    return {
        "commands": _commands(),
        "variables": _variables(),
        "settings": _settings(),
        "setting-variables": _setting_variables(),
        "calls": _calls(),
        "cloud-codes": _cloud_codes(),
        "command-codes": _command_codes(),
        **_cloud_parts(),
    }


def updated(page: Path) -> str:
    """Return a page's text with its generated parts as they should be."""
    made = parts()
    return PART.sub(
        lambda found: f"{found[1]}{made[found[2]]}\n{found[3]}", page.read_text("utf-8")
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _covering(told: Mapping[str, Any], there: Iterable[str], what: str) -> None:
    missing = sorted(set(there) - set(told))
    assert not missing, f"{what}: to be described in {Path(__file__).name}: {missing}"


def _commands() -> str:
    return "\n\n".join(_command(path, each) for path, each in _all_commands(commands, "cloud-emu"))


def _all_commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        each = group.get_command(context, name)
        if isinstance(each, click.Group):
            yield from _all_commands(each, f"{path} {name}")
        else:
            yield f"{path} {name}", each


def _command(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    rows = []
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            names, meaning = parameter.get_help_record(context) or ("", "")
            rows.append([f"`{names}`", meaning])
    help_text = inspect.cleandoc(command.help or "")
    return f"### `{usage}`\n\n{help_text}\n\n{table(['option', ''], rows)}"


def _variables() -> str:
    told = Suite(load_config(ROOT, environ={})).variables
    _covering(VARIABLES, told, "variables")
    return table(["variable", ""], ([f"`{name}`", VARIABLES[name]] for name in told))


def _settings() -> str:
    texts = []
    for name, section in schema()["properties"].items():
        keys = section.get("properties") or {"NAME": section["additionalProperties"]}
        rows = [_setting(key, rules) for key, rules in keys.items()]
        if name == "functions":
            function = schema()["$defs"]["function"]["properties"]
            rows += [_setting(f"NAME.{key}", rules) for key, rules in function.items()]
        texts.append(
            f"### `[{name}]`\n\n{section['description']}\n\n"
            + table(["key", "value", "default", ""], rows)
        )
    return "\n\n".join(texts)


def _setting(key: str, rules: Mapping[str, Any]) -> list[str]:
    full = _resolved(rules)
    assert full.get("description"), f"{key}: the schema does not describe it"
    return [f"`{key}`", _kind(full), _default(key, full), full["description"]]


def _resolved(rules: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = rules.get("$ref")
    if reference is None:
        return rules
    return {**schema()["$defs"][reference.rsplit("/", 1)[1]], **rules}


def _kind(rules: Mapping[str, Any]) -> str:
    if "enum" in rules:
        return ", ".join(f"`{choice}`" for choice in rules["enum"])
    if "maximum" in rules:
        low = rules.get("minimum", rules.get("exclusiveMinimum"))
        return f"{'above ' if 'exclusiveMinimum' in rules else ''}{low} to {rules['maximum']}"
    names = {
        "string": "text",
        "boolean": "true, false",
        "object": "table",
        "array": "list",
        "integer": "whole number",
        "number": "number",
    }
    kinds = rules["type"] if isinstance(rules["type"], list) else [rules["type"]]
    return ", ".join(names[kind] for kind in kinds)


def _default(key: str, rules: Mapping[str, Any]) -> str:
    default = rules.get("default")
    if default is None:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _setting_variables() -> str:
    rows = [
        [f"`{VARIABLE_PREFIX}{name.upper()}`", f"`{section}.{key}`"]
        for name, (section, key) in SETTINGS.items()
    ]
    rows += [[f"`{VARIABLE_PREFIX}{name.upper()}`", f"`--{name}`"] for name in RUN_SETTINGS]
    return table(["variable", "stands for"], rows)


def _calls() -> str:
    routes = [f"{each.method} {each.path}" for each in _control_routes()]
    _covering(CALLS, routes, "control API")
    return table(["call", "takes", "answers"], ([f"`{each}`", *CALLS[each]] for each in routes))


def _control_routes() -> Iterator[Any]:
    """Yield the routes below `/_emu` of every adapter, those of `control` first."""
    names = [each.name for each in pkgutil.iter_modules(wire.__path__)]
    for name in sorted(names, key=lambda name: (name != "control", name)):
        make = getattr(importlib.import_module(f"{wire.__name__}.{name}"), "routes", None)
        if make is not None and name.startswith(("control", "transfer")):
            nobody = [None] * len(inspect.signature(make).parameters)
            yield from (each for each in make(*nobody) if each.path.startswith("/_emu/"))


def _cloud_codes() -> str:
    rows: dict[str, list[str]] = {}
    for kind in _tree(errors.EmulatorError):
        if kind.__module__ in (errors.__name__, auth_errors.__name__, envelope.__name__):
            meaning = (kind.__doc__ or "").splitlines()[0]
            rows.setdefault(kind.code, []).append(
                FAILED_INSIDE if kind is errors.EmulatorError else meaning
            )
    return table(
        ["code", "number in the SDKs", "when"],
        (
            [f"`{code}`", _number(code), " ".join(meanings)]
            for code, meanings in sorted(rows.items())
        ),
    )


def _number(code: str) -> str:
    number = ERROR_NUMBERS.get(code)
    return "" if number is None else f"{number} {ERROR_PHRASES[number]}"


def _tree(kind: type[errors.EmulatorError]) -> Iterator[type[errors.EmulatorError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _tree(each)


def _command_codes() -> str:
    said = {"FAILED"}
    for module in (ROOT / "emulator" / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if (
                isinstance(node, ast.keyword)
                and node.arg == "code"
                and isinstance(node.value, ast.Constant)
            ):
                said.add(node.value.value)
    _covering(COMMAND_CODES, said | {"WRONG_USAGE"}, "codes of commands")
    return table(["code", "when"], ([f"`{code}`", why] for code, why in COMMAND_CODES.items()))


def _cloud_parts() -> dict[str, str]:
    db = cloud.database()
    collection = db.collection("orders")
    query = collection.where({})
    return {
        "cloud": _members(cloud, [each for each in cloud.__all__ if each not in WECHAT]),
        "database": _members(type(db)),
        "collection": _members(type(collection), sorted({*_names(collection)} - {*_names(query)})),
        "query": _members(type(query)),
        "document": _members(type(collection.doc("1"))),
        "command": _members(type(db.command)),
        "condition": _members(Condition),
        "project": _members(type(db.command.project)),
        "transaction": _members(Transaction),
        "aggregate": _members(type(collection.aggregate())),
        "geo": _members(type(db.Geo)),
        "logger": _members(type(cloud.logger())),
    }


def _names(of: Any) -> list[str]:
    return [name for name in dir(of) if not name.startswith("_")]


def _members(of: Any, names: Iterable[str] = ()) -> str:
    rows = []
    for name in list(names) or _names(of):
        value = getattr(of, name)
        if inspect.ismemberdescriptor(value):  # a slot is no part of the interface
            continue
        rows.append([f"`{name}{_signature(value)}`", _spelling(name), _meaning(value)])
    return table(["", "also", ""], rows)


def _spelling(name: str) -> str:
    other = SPELLINGS.get(name, camel_case(name))
    return "" if other == name or not name.islower() else f"`{other}`"


def _signature(value: Any) -> str:
    if isinstance(value, functools.partial):
        return "(value)" if len(value.args) == 1 else "()"
    if isinstance(value, type) or not inspect.isroutine(value):
        return ""
    shown = [
        str(each.replace(annotation=each.empty, kind=each.POSITIONAL_OR_KEYWORD))
        if each.kind is not each.VAR_POSITIONAL and each.kind is not each.VAR_KEYWORD
        else str(each.replace(annotation=each.empty))
        for each in inspect.signature(value).parameters.values()
        if each.name not in HIDDEN
    ]
    return f"({', '.join(shown)})"


def _meaning(value: Any) -> str:
    if isinstance(value, functools.partial):
        return f"`{value.args[0]}`"
    described = isinstance(value, type | property) or inspect.isroutine(value)
    return (inspect.getdoc(value if described else type(value)) or "").partition("\n")[0]


def main() -> None:
    for page in sorted(PAGES.glob("*.md")):
        text = updated(page)
        if text != page.read_text("utf-8"):
            page.write_text(text, encoding="utf-8")
            print(f"updated  {page.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())

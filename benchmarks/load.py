"""Documents over HTTP under load, beside PocketBase and a bare JSON echo, in one run.

Not here: one call at a time (`benchmarks/pocketbase.py`). The one idea: the three servers run at
once, each in its own process, and a load client in yet another one drives them in turns over many
keep-alive connections, each with one request under way.

    python benchmarks/load.py
    python benchmarks/load.py --documents 10000 --connections 32 --rounds 5
"""

import argparse
import json
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import calls
import pocketbase

KINDS = ("by id", "equality, indexed", "insert", "increment")


def echo_plan() -> dict[str, Any]:
    return {"bodies": [json.dumps(calls.EVENT)]}


def suite_plan(kind: str, count: int) -> dict[str, Any]:
    """Return what the load client asks of the suite."""
    numbers = range(0, count, max(1, count // 1_000))
    find = {"collectionName": "out", "queryType": "WHERE", "multi": True, "limit": 20, "offset": 0}
    if kind == "by id":
        asked = [{**find, "query": json.dumps({"_id": f"d{each}"})} for each in numbers]
        return {"bodies": [calls.admin("database.getDocument", **each) for each in asked]}
    if kind == "equality, indexed":
        prices = [each * 31 % 10_000 / 10 for each in numbers]
        asked = [{**find, "query": json.dumps({"price": each})} for each in prices]
        return {"bodies": [calls.admin("database.getDocument", **each) for each in asked]}
    if kind == "insert":
        texts = [json.dumps(pocketbase.document(each)) for each in numbers]
        name = {"collectionName": "fresh"}
        return {
            "bodies": [
                calls.admin("database.insertDocument", data=[each], **name) for each in texts
            ]
        }
    change = {"data": json.dumps({"$inc": {"number": 1}}), "multi": False, "merge": True}
    return {
        "bodies": [
            calls.admin(
                "database.updateDocument",
                collectionName="out",
                query=json.dumps({"_id": f"d{each}"}),
                upsert=False,
                **change,
            )
            for each in numbers
        ]
    }


def peer_plan(kind: str, ids: list[str], headers: dict[str, str]) -> dict[str, Any]:
    """Return what the load client asks of PocketBase."""
    numbers = range(0, len(ids), max(1, len(ids) // 1_000))
    records = "/api/collections/out/records"
    plan: dict[str, Any] = {"headers": headers, "bodies": [""], "method": "GET"}
    if kind == "by id":
        return {**plan, "paths": [f"{records}/{ids[each]}" for each in numbers]}
    if kind == "equality, indexed":
        wheres = [quote(f"price={each * 31 % 10_000 / 10}") for each in numbers]
        tail = "?perPage=20&skipTotal=1&filter="
        return {**plan, "paths": [f"{records}{tail}{each}" for each in wheres]}
    if kind == "insert":
        bodies = [json.dumps(pocketbase.document(each)) for each in numbers]
        path = "/api/collections/fresh/records"
        return {**plan, "method": "POST", "paths": [path], "bodies": bodies}
    paths = [f"{records}/{ids[each]}" for each in numbers]
    return {**plan, "method": "PATCH", "paths": paths, "bodies": [json.dumps({"number+": 1})]}


def rate(url: str, plan: dict[str, Any], options: argparse.Namespace) -> float:
    load = {"url": url, "connections": options.connections, "seconds": options.seconds, **plan}
    report = calls.run_load(load)
    if report["errors"]:
        raise SystemExit(f"{report['errors']} of {report['requests']} requests failed")
    return float(report["requests"] / report["seconds"])


def compare(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return requests per second by kind and server, medians of the rounds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        role = [sys.executable, calls.__file__, "--role", "echo"]
        echo = stack.enter_context(calls.started(role))
        documents = [pocketbase.document(number) for number in range(options.documents)]
        peer, suite = pocketbase.PocketBase(stack, folder), pocketbase.CloudEmu(stack, folder)
        peer.fill(documents)
        suite.fill(documents)
        found: dict[str, dict[str, list[float]]] = {}
        for number in range(options.rounds + 1):
            for kind in KINDS:
                told = {
                    "suite": rate(suite.url + "/admin", suite_plan(kind, len(documents)), options),
                    "peer": rate(peer.url, peer_plan(kind, peer.ids, peer.headers), options),
                    "echo": rate(echo.ready["url"], echo_plan(), options),
                }
                # The first round warms all three.
                for name, each in told.items() if number else ():
                    found.setdefault(kind, {}).setdefault(name, []).append(each)
    return {
        kind: {name: statistics.median(each) for name, each in rates.items()}
        for kind, rates in found.items()
    }


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=pocketbase.DOCUMENTS)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = compare(options)
    if options.json:
        print(json.dumps(found))
        return
    print(
        f"{'':20}{'suite/s':>10}{'PocketBase/s':>14}{'echo/s':>10}{'x PocketBase':>14}{'x echo':>8}"
    )
    for kind, rates in found.items():
        suite, peer, echo = rates["suite"], rates["peer"], rates["echo"]
        counts = "".join(f"{each:14.0f}" for each in (suite, peer, echo))
        print(f"{kind:20}{counts}{suite / peer:14.2f}{suite / echo:14.2f}")


if __name__ == "__main__":
    main()

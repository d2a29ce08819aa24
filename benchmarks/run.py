"""Every benchmark in one run, each against its peer: a table with ratios, or `--json`.

    python benchmarks/run.py                # everything that takes minutes
    python benchmarks/run.py start reload   # some of it
    python benchmarks/run.py --full --json  # a million documents too, for programs

Ratios compare within one run; figures of different runs or machines do not compare.
"""

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
Row = tuple[str, float, str, str, float | None]
"""Name, figure, unit, what the peer is, ratio to the peer."""

PARTS = (
    "start",
    "documents",
    "indexes",
    "aggregate",
    "holds",
    "rules",
    "journal",
    "functions",
    "node",
    "calls",
    "reload",
    "triggers",
    "files",
    "watch",
    "pocketbase",
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"which of {', '.join(PARTS)}; default: all")
    parser.add_argument("--full", action="store_true", help="a million documents too")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    chosen = parser.parse_args()
    unknown = set(chosen.parts) - set(PARTS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    results: dict[str, list[Row]] = {}
    for part in chosen.parts or PARTS:
        print(f"{part} ...", file=sys.stderr)
        results[part] = list(_rows(part)(full=chosen.full))
    print(json.dumps(_as_json(results)) if chosen.json else _as_table(results))
    return 0


def _rows(part: str) -> Callable[..., Iterable[Row]]:
    spec = importlib.util.spec_from_file_location(f"benchmark_{part}", HERE / f"{part}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    rows: Callable[..., Iterable[Row]] = module.rows
    return rows


def _as_json(results: dict[str, list[Row]]) -> dict[str, Any]:
    names = ("name", "figure", "unit", "peer", "ratio")
    return {
        part: [dict(zip(names, row, strict=True)) for row in rows] for part, rows in results.items()
    }


def _as_table(results: dict[str, list[Row]]) -> str:
    lines = []
    for part, rows in results.items():
        lines.append(f"\n{part}")
        for name, figure, unit, peer, ratio in rows:
            compared = "" if ratio is None else f"{ratio:10.2f} x {peer}"
            lines.append(f"  {name:<52} {figure:>14,.3f} {unit:<12} {compared}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

"""The page docs/reference/compatibility.md, made of the table that the SDK tests check.

Run it to bring the page up to date; `test_compatibility.py` fails while it is not. A call an SDK
lacks is known from the runs, which the table keeps under `lacks`.
"""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("actions.json")
PAGE = ROOT / "docs" / "reference" / "compatibility.md"
TEST = "tests/sdk/test_sdk_actions.py"
SIGNS = {"works": "yes", "differs": "differs", "refused": "refused", "sdk": "–"}

HEAD = f"""# Compatibility

Which calls of the official server SDKs work against the emulator. Every cell is a run of the real
package, unmodified, by `{TEST}`; this page is made of the table that
the test checks.

- **yes**: the call answers what the platform documents; a call whose name speaks of something
  missing or wrong fails with the cloud's code and number.
- **differs**: it answers, and the note says what is not as in the cloud.
- **refused**: it fails with the code of an environment that has not enabled the feature.
- **–**: this version of the SDK has no such call, or refuses it itself.

What `@cloudbase/manager-node` may call is in
[Use it from Node programs](../how-to/node-programs.md); `tests/sdk/test_sdk_manager.py` runs it.
"""


def table() -> dict[str, Any]:
    """Return the SDKs and the calls with what each should answer."""
    loaded: dict[str, Any] = json.loads(TABLE.read_text("utf-8"))
    return loaded


def verdict(row: dict[str, Any], sdk: str) -> str:
    """Return what the page says of a call with an SDK."""
    if sdk in row.get("lacks", ()):
        return "–"
    told = {**row, **row.get("except", {}).get(sdk, {})}
    return SIGNS[told.get("verdict", "works")]


def page() -> str:
    """Return the text of the page."""
    known = table()
    names = {sdk: about["name"] for sdk, about in known["sdks"].items()}
    parts = [HEAD]
    for group, calls in known["calls"].items():
        shown = [sdk for sdk in names if any(verdict(row, sdk) != "–" for row in calls.values())]
        lines = [f"## {group}", ""]
        lines.append("| call | " + " | ".join(names[sdk] for sdk in shown) + " | note |")
        lines.append("|---|" + "---|" * (len(shown) + 1))
        for call, row in calls.items():
            cells = " | ".join(verdict(row, sdk) for sdk in shown)
            lines.append(f"| {call} | {cells} | {row.get('note', '')} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

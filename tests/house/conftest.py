"""A list of what has no test module of its own, printed when the house is looked over."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def untested_modules() -> list[str]:
    """Return the modules that no test module is named after, whole or by the first words."""
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests").rglob("test_*.py")}
    return [
        str(module.relative_to(ROOT))
        for module in sorted((ROOT / "emulator").rglob("*.py"))
        if not module.stem.startswith("__")
        and not tested & {module.stem, f"{module.parent.name}_{module.stem}", module.parent.name}
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    untested = untested_modules()
    if untested:
        terminalreporter.section("modules without a test module of their own")
        terminalreporter.write_line(", ".join(untested))

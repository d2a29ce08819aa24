"""The reference pages say what the code says."""

import importlib.util
import re
from pathlib import Path

import pytest

from emulator.config import load_config
from emulator.config.check import schema

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "reference").glob("*.md"))


def load_reference():
    spec = importlib.util.spec_from_file_location(
        "reference", Path(__file__).parent / "reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load_reference()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_generated_parts_of_a_page_are_up_to_date(path):
    assert path.read_text("utf-8") == reference.updated(path), (
        "the code has changed: run python tests/docs/reference.py"
    )


def test_every_part_stands_in_exactly_one_page():
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    assert sorted(re.findall(r"<!-- generated: (\S+) -->", text)) == sorted(reference.parts())


def test_every_row_says_something():
    """A name without a docstring would stand there unexplained."""
    for name, part in reference.parts().items():
        for line in part.splitlines():
            if line.startswith("| `"):
                assert not line.endswith("|  |"), f"{name}: {line}"


def test_the_defaults_that_are_told_are_the_ones_that_hold(tmp_path):
    config = load_config(tmp_path, environ={})
    site = config.hosting.rules
    for section, rules in schema()["properties"].items():
        places = [getattr(config, section, None), *([site, site.visitors] * (section == "hosting"))]
        for key, told in rules.get("properties", {}).items():
            if "default" in told:
                holds = next(getattr(place, key) for place in places if hasattr(place, key))
                shown = holds.name if isinstance(holds, Path) else holds
                assert shown == told["default"], f"{section}.{key}"

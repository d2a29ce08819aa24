"""The folder itself: what the guide shows is there, and nothing that cannot run."""

from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[2] / "functions_examples"
BOARD = {"_site", "_seed"}
"""The pages and the data of the order board."""
NAMES = sorted(path.parent.name for path in FUNCTIONS.glob("*/index.py"))


def test_every_folder_is_a_function():
    folders = {path.name for path in FUNCTIONS.iterdir() if path.is_dir()}
    assert sorted(folders - BOARD) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_function_says_what_it_shows_and_has_a_test(name):
    source = (FUNCTIONS / name / "index.py").read_text(encoding="utf-8")
    assert source.startswith('"""')
    assert Path(__file__).with_name(f"test_{name}.py").exists()


async def test_the_suite_loads_every_function(cloud_suite):
    info = cloud_suite.suite.control.info()
    assert sorted(each["name"] for each in info["functions"]) == NAMES
    assert [each["problem"] for each in info["functions"]] == [None] * len(NAMES)

"""docs/reference/compatibility.md says what the table of the SDK tests says."""

import importlib.util
from pathlib import Path

FILE = Path(__file__).with_name("compatibility.py")


def test_the_page_is_made_of_the_table():
    found = importlib.util.spec_from_file_location("compatibility", FILE)
    assert found is not None
    assert found.loader is not None
    made = importlib.util.module_from_spec(found)
    found.loader.exec_module(made)
    assert made.PAGE.read_text("utf-8") == made.page(), f"run python {FILE.name}"

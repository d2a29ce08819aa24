"""The script in mini programs, which have neither fetch nor XMLHttpRequest."""

import json

import pytest

from tests.client.conftest import SCRIPT, run_node


@pytest.mark.parametrize("kind", ["wx", "my"])
def test_it_uses_the_mini_program_s_own_calls(client_suite, tmp_path, kind):
    result = tmp_path / "told.json"
    run_node("native.mjs", str(SCRIPT), str(result), kind, url=client_suite.url)
    assert json.loads(result.read_text(encoding="utf-8")) == {
        "result": 1,
        "document": ["string", True, kind],
        "file": [[100], True],
        "url": 0,
        "unreachable": -601003,
    }

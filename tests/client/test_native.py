"""The script in mini programs, which have neither fetch nor XMLHttpRequest."""

import json
from urllib.parse import urlsplit

import pytest

from tests.client.conftest import SCRIPT, run_node, suite_over
from tests.conftest import own_address

TOLD = {"result": 1, "file": [[100], True], "url": 0, "unreachable": -601003}


@pytest.mark.parametrize("kind", ["wx", "my"])
def test_it_uses_the_mini_program_s_own_calls(client_suite, tmp_path, kind):
    result = tmp_path / "told.json"
    run_node("native.mjs", str(SCRIPT), str(result), kind, url=client_suite.url)
    told = json.loads(result.read_text(encoding="utf-8"))
    assert told == {**TOLD, "document": ["string", True, kind]}


@pytest.mark.parametrize("kind", ["wx", "my"])
def test_with_the_key_of_a_pairing_a_device_asks_over_the_network(tmp_path, kind):
    own_address()
    result = tmp_path / "told.json"
    with suite_over(tmp_path / "project", "--host", "0.0.0.0") as running:
        pairing = running.ready["pairing"]
        url = "http://" + urlsplit(pairing["links"][0]).netloc
        run_node("native.mjs", str(SCRIPT), str(result), kind, pairing["key"], url=url)
    told = json.loads(result.read_text(encoding="utf-8"))
    assert told == {**TOLD, "document": ["string", True, kind]}

"""The addresses of services that the project runs itself: on this machine only."""

import pytest

from emulator.config import load_config
from emulator.core.errors import ConfigurationError


def load(folder, text):
    (folder / ".emulator.toml").write_text(f"[services]\n{text}\n", encoding="utf-8")
    return load_config(folder).services


def test_services_are_named_by_path(tmp_path):
    named = {"ai": "http://127.0.0.1:11434/v1", "rdb/rest": "http://[::1]:3000"}
    named |= {"storages/object": "http://app.localhost:1"}
    assert load(tmp_path, "\n".join(f'"{k}" = "{v}"' for k, v in named.items())) == named
    assert load(tmp_path, "") == {}


@pytest.mark.parametrize(
    "line",
    [
        'ai = "http://example.com"',
        'ai = "https://127.0.0.1"',
        'ai = "http://10.0.0.1:80"',
        'ai = "127.0.0.1"',
        "ai = 3",
        'functions = "http://127.0.0.1:1"',
        '"storages/copy-objects" = "http://127.0.0.1:1"',
        '"ai/../web" = "http://127.0.0.1:1"',
        '"ai/{x}" = "http://127.0.0.1:1"',
        '"ai/" = "http://127.0.0.1:1"',
        '"" = "http://127.0.0.1:1"',
    ],
)
def test_anything_else_is_refused(tmp_path, line):
    with pytest.raises(ConfigurationError, match=r"\.emulator\.toml:2"):
        load(tmp_path, line)

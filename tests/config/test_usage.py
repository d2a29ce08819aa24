"""The settings of usage; nothing leaves this machine."""

import pytest

from emulator.config import load_config
from emulator.core.errors import ConfigurationError


def load(folder, text):
    (folder / ".emulator.toml").write_text(f"[usage]\n{text}\n", encoding="utf-8")
    return load_config(folder).usage


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/alerts",
        "http://127.8.9.10/",
        "http://localhost:9000",
        "http://hooks.localhost:9000",
        "http://[::1]:9000/a?b=c",
    ],
)
def test_a_webhook_of_this_machine_is_taken(tmp_path, url):
    assert load(tmp_path, f'webhook = "{url}"').webhook == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/alerts",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://127.0.0.1@example.com/",
        "http://user@127.0.0.1/",
        "http://192.168.1.2/",
        "http://0.0.0.0/",
        "http://[fe80::1]/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
    ],
)
def test_any_other_is_refused_with_a_sentence(tmp_path, url):
    with pytest.raises(ConfigurationError, match="not on this machine") as refused:
        load(tmp_path, f'plan = "emas-developer"\nwebhook = "{url}"')
    assert ".emulator.toml:3: usage.webhook: " in str(refused.value)
    assert "http://127.0.0.1:9000/alerts" in refused.value.hint


@pytest.mark.parametrize("text", ['webhook = "https://127.0.0.1/"', "webhook = 1"])
def test_what_is_no_local_address_at_all_is_refused(tmp_path, text):
    with pytest.raises(ConfigurationError, match="webhook"):
        load(tmp_path, text)


def test_amounts_are_by_meter(tmp_path):
    assert dict(load(tmp_path, "alerts = { errors = 1, gb_s = 0.5 }").alerts) == {
        "errors": 1,
        "gb_s": 0.5,
    }
    with pytest.raises(ConfigurationError, match="alerts"):
        load(tmp_path, "alerts = { wishes = 1 }")

"""The cloud's bounds, as its pages give them."""

import pytest

from emulator.core.limits import PROFILES, WECHAT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_query_default_documents", 20),
        ("client_query_max_documents", 20),
        ("query_default_documents", 100),
        ("query_max_documents", 1_000),
        ("document_max_bytes", 16 * 1024 * 1024),
        ("result_max_bytes", 16 * 1024 * 1024),
        ("collections_max", 100),
        ("indexes_max", 20),
        ("index_fields_max", 31),
        ("index_key_max_bytes", 1_024),
    ],
)
def test_wechat(name, value):
    assert getattr(WECHAT, name) == value


def test_profiles_differ_in_data_only():
    assert set(PROFILES) == {"wechat", "cloudbase", "alipay"}
    assert PROFILES["wechat"] is WECHAT
    assert {type(limits) for limits in PROFILES.values()} == {type(WECHAT)}

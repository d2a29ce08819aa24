"""What users import: `emulator` and `emulator.cloud`."""

import subprocess
import sys

import pytest

import emulator
from emulator import cloud


def test_cloud_is_found_every_way_it_may_be_imported():
    import emulator.cloud

    assert emulator.cloud is cloud
    assert emulator.__getattr__("cloud") is cloud


@pytest.mark.parametrize(
    "name",
    [
        "callFunction",
        "uploadFile",
        "downloadFile",
        "getTempFileURL",
        "deleteFile",
        "getWXContext",
        "getOpenData",
        "getVoIPSign",
        "cloudPay",
        "createTicket",
    ],
)
def test_the_names_of_wx_server_sdk_are_there(name):
    assert callable(getattr(cloud, name))


@pytest.mark.parametrize("name", ["nothing", "callfunction", "snakeCase", "OpenApi2"])
def test_an_unknown_name_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=name):
        getattr(cloud, name)


@pytest.mark.parametrize("name", cloud.__all__)
def test_every_public_name_of_cloud_is_there(name):
    assert hasattr(cloud, name)


def test_the_version_is_the_package_s():
    assert emulator.__version__.count(".") == 2


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'emulator' has no attribute 'nothing'"):
        emulator.nothing  # noqa: B018  # the look-up is the test


def test_importing_cloud_loads_neither_server_nor_http_client():
    program = (
        "import sys; from emulator import cloud; "
        "print([name for name in ('aiohttp', 'tinydb', 'http.client', 'emulator.services') "
        "if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"

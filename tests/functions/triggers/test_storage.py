"""Storage triggers: which files, and the event of one."""

import pytest

from emulator.core.errors import ConfigurationError
from emulator.functions.base import StoredFile, TriggerConfig
from emulator.functions.triggers.storage import compile_storage


def trigger(config):
    return compile_storage(TriggerConfig(name="onUpload", kind="storage", config=config))


def file(path="images/a.png", operation="put"):
    return StoredFile(
        cloud_path=path,
        file_id=f"cloud://env.bucket/{path}",
        operation=operation,
        size_bytes=5,
        content_type="image/png",
    )


@pytest.mark.parametrize(
    ("config", "heard"),
    [
        pytest.param(None, {"put", "delete"}, id="nothing said"),
        pytest.param({}, {"put", "delete"}, id="default"),
        pytest.param({"operations": ["put"]}, {"put"}, id="put"),
        pytest.param({"operations": ["upload"]}, {"put"}, id="upload"),
        pytest.param({"operations": ["delete"]}, {"delete"}, id="delete"),
        pytest.param({"events": ["remove"]}, {"delete"}, id="events"),
    ],
)
def test_trigger_hears_its_operations(config, heard):
    compiled = trigger(config)
    assert {each for each in ("put", "delete") if compiled.matches(file(operation=each))} == heard


@pytest.mark.parametrize(
    ("prefix", "path", "heard"),
    [
        ("images/", "images/a.png", True),
        ("/images/", "images/a.png", True),
        ("images/", "imagesa.png", False),
        ("images/", "other/images/a.png", False),
        ("", "anything", True),
    ],
)
def test_trigger_hears_what_begins_with_its_prefix(prefix, path, heard):
    assert trigger({"prefix": prefix}).matches(file(path)) is heard


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param("images/", "must be an object", id="text"),
        pytest.param({"operations": ["get"]}, "'get' is no operation", id="operation"),
        pytest.param({"operations": []}, "'nothing' is no operation", id="none"),
    ],
)
def test_configuration_that_is_wrong_is_refused(config, message):
    with pytest.raises(ConfigurationError, match=message):
        trigger(config)


def test_event_tells_file_and_moment():
    assert trigger({}).event(file(), env_id="env-1", moment_ms=0) == {
        "type": "storage",
        "triggerName": "onUpload",
        "envId": "env-1",
        "time": "1970-01-01T00:00:00.000Z",
        "operation": "put",
        "fileID": "cloud://env.bucket/images/a.png",
        "cloudPath": "images/a.png",
        "path": "images/a.png",
        "size": 5,
        "contentType": "image/png",
    }

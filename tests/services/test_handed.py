"""What the code of a function is handed besides its event."""

from dataclasses import replace
from pathlib import Path

import pytest

from emulator.functions.bundle import find
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.handed import Handed, Place


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "greet"
    folder.mkdir()
    (folder / "index.py").write_text("def main(event, context): return 1", encoding="utf-8")
    return find(tmp_path, "greet")


@pytest.fixture
def handed():
    return Handed(Place(env_id="env-1", appid="wx1", region="ap-test", variables={"A": "1"}))


def test_each_call_has_a_context_of_its_own(handed, bundle):
    first = handed.context(bundle, "r1")
    first["function_name"] = "changed by a handler"
    second = handed.context(bundle, "r2")
    assert (first["request_id"], second["request_id"]) == ("r1", "r2")
    assert second["function_name"] == "greet"
    assert second["namespace"] == "env-1"
    assert second["tencentcloud_region"] == "ap-test"


def test_changed_settings_of_a_function_are_told_from_then_on(handed, bundle):
    assert handed.context(bundle, "r1")["time_limit_in_ms"] == round(bundle.timeout_s * 1000)
    changed = replace(bundle, timeout_s=7.5, memory_mb=512)
    told = handed.context(changed, "r2")
    assert (told["time_limit_in_ms"], told["memory_limit_in_mb"]) == (7500, 512)


def test_caller_is_told_with_the_appid_of_the_place(handed):
    assert handed.wx_context(ADMINISTRATOR)["APPID"] == "wx1"
    told = handed.wx_context(Caller(kind="user", openid="o1", appid="wx2", source="wx_client"))
    assert (told["OPENID"], told["APPID"], told["SOURCE"]) == ("o1", "wx2", "wx_client")
    assert "TCB_UUID" not in told


def test_functions_see_what_the_platform_sets_and_a_key_of_the_projects_own_alone(bundle):
    place = Place(env_id="e", appid="wx1", region="r", variables={"TENCENTCLOUD_SECRETID": "ours"})
    seen = place.variables_of(bundle)
    assert seen["SCF_FUNCTIONVERSION"] == "$LATEST"
    assert seen["SCF_FUNCTIONNAME"] == "greet"
    assert seen["TENCENTCLOUD_TZ"] == "UTC"
    assert seen["TENCENTCLOUD_APPID"].isdigit()
    assert seen["_SCF_SERVER_PORT"].isdigit()
    assert Path(seen["USER_CODE_ROOT"]) == bundle.folder
    assert seen["TENCENTCLOUD_SESSIONTOKEN"]
    own = {"TENCENTCLOUD_SECRETID": "AKID"}
    assert "TENCENTCLOUD_SESSIONTOKEN" not in place.variables_of(replace(bundle, variables=own))
    own["TENCENTCLOUD_SESSIONTOKEN"] = "t"
    told = place.variables_of(replace(bundle, variables=own))
    assert (told["TENCENTCLOUD_SECRETID"], told["TENCENTCLOUD_SESSIONTOKEN"]) == ("AKID", "t")

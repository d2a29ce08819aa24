"""The variables that point SDKs at a suite."""

import json
from pathlib import Path

from emulator.suite.variables import LOCAL_SECRETS, sdk_variables


def test_variables_name_addresses_keys_and_the_hook():
    told = sdk_variables("demo-env", {"api": "http://a:1", "site": "http://a:2"})
    assert (told["TCB_ENV"], told["CLOUD_EMU_SITE_URL"]) == ("demo-env", "http://a:2")
    assert json.loads(told["TCB_CONTEXT_CNFG"]) == {"URL": "http://a:1/admin"}
    assert LOCAL_SECRETS[told["TENCENTCLOUD_SECRETID"]] == told["TENCENTCLOUD_SECRETKEY"]
    assert told["TENCENTCLOUD_TCB_ENVID"] == told["SCF_NAMESPACE"] == "demo-env"
    assert Path(told["CLOUD_EMU_HOOK"]).is_file()

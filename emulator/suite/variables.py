"""Owns the environment variables that point SDKs and programs at a suite.

Not here: who is given them (`suite.lifecycle`, `cli`).
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from emulator.suite.assembly import REGION

LOCAL_SECRET_ID: Final = "cloud-emu-local-secret-id"
LOCAL_SECRET_KEY: Final = "cloud-emu-local-secret-key"
LOCAL_SECRETS: Final = {LOCAL_SECRET_ID: LOCAL_SECRET_KEY}
CONTEXT_KEYS: Final = (
    "TCB_ENV,TCB_SEQID,TCB_TRACELOG,TCB_ROUTE_KEY,TCB_SOURCE,TCB_SOURCE_IP,TCB_SESSIONTOKEN,"
    "TCB_UUID,TCB_CUSTOM_USER_ID,TCB_ISANONYMOUS_USER,TCB_HTTP_CONTEXT,TCB_CONTEXT_CNFG,"
    "TRIGGER_SRC,LOGINTYPE"
)
"""Names that older SDKs copy from the environment, and only those (node-sdk 2.1 to 2.11)."""
NODE_HOOK: Final = str(files("emulator").joinpath("functions", "node", "redirect.js"))
"""What leads requests of Node programs here that no variable can: `node --require` takes it."""


def sdk_variables(env_id: str, urls: Mapping[str, str]) -> dict[str, str]:
    """Return them for a suite at these addresses."""
    return {
        "CLOUD_EMU_URL": urls["api"],
        "CLOUD_EMU_SITE_URL": urls["site"],
        "CLOUD_EMU_HOOK": NODE_HOOK,
        "TCB_ENV": env_id,
        "SCF_NAMESPACE": env_id,
        "TENCENTCLOUD_TCB_ENVID": env_id,
        "TCB_CONTEXT_KEYS": CONTEXT_KEYS,
        "TCB_CONTEXT_CNFG": f'{{"URL": "{urls["api"]}/admin"}}',
        "TENCENTCLOUD_RUNENV": "SCF",
        "TENCENTCLOUD_REGION": REGION,
        "TENCENTCLOUD_SECRETID": LOCAL_SECRET_ID,
        "TENCENTCLOUD_SECRETKEY": LOCAL_SECRET_KEY,
    }

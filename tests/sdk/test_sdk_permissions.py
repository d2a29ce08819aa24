"""permissions.openapi of a Node function's config.json, with the real wx-server-sdk inside it."""

import json

import pytest

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]

FUNCTION = """
const cloud = require(%s);
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
exports.main = async (event) => {
  try {
    return await cloud.openapi.subscribeMessage.send(event.message);
  } catch (error) {
    return { errCode: error.errCode, errMsg: error.errMsg };
  }
};
"""
MESSAGE = {"touser": "oX", "templateId": "t", "data": {"thing1": {"value": "x"}}}


@pytest.mark.parametrize("sdk", ["wx-server-sdk-2", "wx-server-sdk-3", "wx-server-sdk-4"])
async def test_a_node_function_needs_the_permission(sdk_modules, start_project, sdk):
    code = FUNCTION % json.dumps(str(sdk_modules / sdk))
    files = {
        "cloudfunctions/may/index.js": code,
        "cloudfunctions/may/config.json": '{"permissions": {"openapi": ["subscribeMessage.send"]}}',
        "cloudfunctions/may_not/index.js": code,
        "cloudfunctions/may_not/config.json": '{"permissions": {"openapi": []}}',
    }
    async with start_project(files) as running:
        sent = await running.invoke("may", {"message": MESSAGE})
        assert (sent["errCode"], sent["errMsg"]) == (0, "openapi.subscribeMessage.send:ok")
        refused = await running.invoke("may_not", {"message": MESSAGE})
        assert refused == {"errCode": -604101, "errMsg": "system error: error code: -604101"}
        (kept,) = running.suite.control.messages()
        assert kept["request_id"]
        logs = running.suite.control.logs()
        assert any("permissions.openapi" in entry["line"] for entry in logs)

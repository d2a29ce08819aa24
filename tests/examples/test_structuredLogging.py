import json


def entries(told):
    """Return the log of a call, whose lines are JSON objects."""
    return [json.loads(each["line"]) for each in told["logs"]]


async def test_every_line_of_the_log_is_a_json_object(cloud_suite):
    await cloud_suite.seed({"orders": [{"_id": "a"}, {"_id": "b"}]})
    told = await cloud_suite.call("structuredLogging", {"x": 1}, openid="oUser")
    assert told["result"] == {"success": True, "collection": "orders", "documents": 2}
    started, completed = entries(told)
    assert (started["level"], started["message"]) == ("info", "Function started")
    assert started["event"]["x"] == 1
    assert completed["result"] == told["result"]


async def test_a_failure_is_one_entry_too(cloud_suite):
    told = await cloud_suite.call("structuredLogging", {"collection": "nowhere"})
    assert not told["result"]["success"]
    failed = entries(told)[-1]
    assert (failed["level"], failed["message"]) == ("error", "Function failed")
    assert "Db or Table not exist: nowhere" in failed["error"]
    assert "Traceback" in failed["stack"]

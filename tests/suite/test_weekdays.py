"""Which day a weekday number means: the profile's, unless the project says otherwise."""

import json
from datetime import datetime

import pytest


@pytest.mark.parametrize(
    ("profile", "said", "day"),
    [
        ("wechat", "", "Sunday"),
        ("cloudbase", "", "Sunday"),
        ("cloudbase", 'weekdays = "monday"', "Monday"),
        ("alipay", 'weekdays = "sunday"', "Sunday"),
    ],
)
async def test_number_is_read_as_the_project_says(start_project, profile, said, day):
    trigger = {"name": "tick", "type": "timer", "config": "0 0 9 ? * 0 *"}
    files = {
        "functions/fn/index.py": "def main(event, context): pass",
        "functions/fn/config.json": json.dumps({"triggers": [trigger]}),
        ".emulator.toml": f'[emulator]\nprofile = "{profile}"\n[triggers]\n{said}\n',
    }
    async with start_project(files) as it:
        (timer,) = it.suite.info()["timers"]
        assert f"{datetime.fromisoformat(timer['next_fire']):%A}" == day


@pytest.mark.parametrize(("profile", "notes"), [("wechat", 1), ("cloudbase", 0)])
async def test_last_days_are_noted_where_the_platforms_page_lacks_them(
    start_project, profile, notes
):
    trigger = {"name": "tick", "type": "timer", "config": "0 0 9 L * ? *"}
    files = {
        "functions/fn/index.py": "def main(event, context): pass",
        "functions/fn/config.json": json.dumps({"triggers": [trigger]}),
        ".emulator.toml": f'[emulator]\nprofile = "{profile}"\n',
    }
    async with start_project(files) as it:
        (timer,) = it.suite.info()["timers"]
        assert len(timer["notes"]) == notes

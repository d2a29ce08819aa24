"""Users that a project names, and what of them outlives a suite."""

import pytest

from emulator.core.errors import ConfigurationError

USERS = """
[[auth.users]]
name = "Ada"
openid = "oAda"
phone = "13800000000"

[[auth.users]]
username = "root"
password = "pw"
"""


async def test_the_projects_users_are_there_from_the_start(start_project):
    async with start_project({".emulator.toml": USERS}) as running:
        auth = running.suite.parts.identity.auth
        assert auth.wechat.current() == "oAda"
        assert (await auth.with_password("root", "pw")).session.login_type == "USERNAME"


async def test_users_and_sessions_outlive_the_suite_and_are_no_collection(start_project, tmp_path):
    kept = {"ephemeral": False, "data_dir": str(tmp_path / "data")}
    async with start_project({".emulator.toml": USERS}, **kept) as running:
        auth = running.suite.parts.identity.auth
        signed = await auth.with_password("root", "pw")
        assert running.suite.info()["collections"] == []
    async with start_project({".emulator.toml": USERS}, **kept) as running:
        auth = running.suite.parts.identity.auth
        assert auth.caller(signed.access_token).uid == signed.session.uid
        assert len(auth.users) == 2


async def test_a_user_that_cannot_be_is_told_by_its_place(start_project):
    wrong = '[[auth.users]]\nopenid = "oAda"\nphone = "12"\n'
    with pytest.raises(ConfigurationError, match=r"auth\.users\[0\]"):
        async with start_project({".emulator.toml": wrong}):
            pass

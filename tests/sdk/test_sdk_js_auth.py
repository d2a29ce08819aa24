"""Signing in with js-sdk 1.x, 2.x and 3.x, unmodified: every way, and its refusals."""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parent / "scripts" / "js_sdk_auth.cjs"
RUN_TIMEOUT_S = 120
PASSED_ON = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE", "LANG")


@pytest.fixture(scope="session", params=["1", "2", "3"])
def told(request, sdk_modules, sdk_suite, tmp_path_factory):
    """What one major version said to every case."""
    major = request.param
    result = tmp_path_factory.mktemp("js-sdk-auth") / f"{major}.json"
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {**sdk_suite["variables"], "NODE_SDK": str(sdk_modules / "node-sdk-3")}
    module = str(sdk_modules / f"js-sdk-{major}")
    done = subprocess.run(
        ["node", str(SCRIPT), module, major, str(result)],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert result.exists(), f"no results\n{done.stdout}\n{done.stderr}"
    return major, json.loads(result.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "case",
    [
        "signInAnonymously again",
        "signInWithTicket",
        "updateUsername",
        "signOut",
    ],
)
def test_a_case_is_as_it_should(told, case):
    _, results = told
    assert results[case] == {"value": True}


def test_an_anonymous_user_is_known_and_anonymous(told):
    _, results = told
    assert results["signInAnonymously"] == {"value": {"known": True, "anonymous": True}}


def test_a_user_of_a_mail_address_has_it_and_a_name(told):
    major, results = told
    mail = f"ada{major}@b.c"
    signed_up, named = results["sign up by mail"]["value"], results["by name"]["value"]
    assert (signed_up["email"], named["email"]) == (mail, mail)
    assert named["username"] == f"ada{major}"


def test_a_phone_code_signs_in(told):
    _, results = told
    assert results["by phone code"] == {"value": "PHONE"}


def test_refusals_arrive_with_their_text(told):
    major, results = told
    bad, wrong = results["a bad ticket"]["error"], results["a wrong password"]["error"]
    if major == "1":
        assert "[SIGN_PARAM_INVALID]" in bad["message"]
        assert "[INVALID_USERNAME_OR_PASSWORD]" in wrong["message"]
    else:
        assert bad["message"] == "invalid_argument"
        assert wrong["message"] == "invalid_username_or_password"


def test_a_token_is_refreshed(told):
    major, results = told
    if major != "1":
        assert results["a token is refreshed"] == {"value": True}

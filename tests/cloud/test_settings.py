"""Which suite a call goes to: the invocation's, else the one a script named."""

import contextvars
from threading import Thread

import pytest

from emulator import cloud
from emulator.cloud.http import HttpTransport
from emulator.cloud.settings import active_session, settings


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.delenv("CLOUD_EMU_URL", raising=False)
    monkeypatch.delenv("TCB_ENV", raising=False)


def afresh(work):
    """Run in an empty context, as the first lines of a program do."""
    return contextvars.Context().run(work)


def test_without_function_and_suite_the_error_says_what_to_do():
    with pytest.raises(cloud.CloudError, match=r'cloud.init\(endpoint="http://.*CLOUD_EMU_URL'):
        afresh(active_session)


def test_a_script_names_the_suite_by_init():
    def script():
        cloud.init(env="my-env", endpoint="http://127.0.0.1:1")
        return active_session(), active_session()

    first, second = afresh(script)
    assert first is second
    assert isinstance(first.transport, HttpTransport)
    assert (first.env_id, first.wx_context) == ("my-env", {"ENV": "my-env"})


def test_a_script_is_told_the_suite_by_variables(monkeypatch):
    monkeypatch.setenv("CLOUD_EMU_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TCB_ENV", "env-of-the-variables")
    assert afresh(active_session).env_id == "env-of-the-variables"
    assert afresh(lambda: (cloud.init(env="mine"), active_session())[1]).env_id == "mine"


def test_the_session_of_an_invocation_wins_over_init(bound):
    def handler():
        cloud.init({"env": "other", "endpoint": "http://127.0.0.1:1"})
        return active_session()

    assert contextvars.copy_context().run(handler).transport is bound.transport


def test_what_init_was_told_stays_in_its_context():
    def function():
        cloud.init(env="mine", throwOnNotFound=False)
        return settings()

    assert not afresh(function).throw_on_not_found
    assert afresh(settings).throw_on_not_found


def test_a_thread_of_one_s_own_knows_nothing_until_it_is_told():
    caught = []

    def work():
        try:
            active_session()
        except cloud.CloudError as error:
            caught.append(error.message)

    def script():
        cloud.init(endpoint="http://127.0.0.1:1")
        for target in (work, lambda: contextvars.copy_context().run(work)):
            thread = Thread(target=target)
            thread.start()
            thread.join(10)

    afresh(script)
    assert len(caught) == 2
    assert "copy_context" in caught[0]


@pytest.mark.parametrize(
    ("env", "env_id"),
    [
        (None, ""),
        (cloud.DYNAMIC_CURRENT_ENV, ""),
        ("mine", "mine"),
        ({"env": "mine"}, "mine"),
        ({"env": {"database": "db", "default": "x"}}, "db"),
        ({"env": {"default": cloud.DYNAMIC_CURRENT_ENV}}, ""),
        ({"traceUser": True}, ""),
    ],
)
def test_init_takes_the_forms_of_the_javascript_sdk(env, env_id):
    assert afresh(lambda: (cloud.init(env), settings())[1]).env_id == env_id


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"env": 5}, "parameter.env should be str instead of int"),
        ({"endpoint": "127.0.0.1:8270"}, "parameter.endpoint should be an address"),
    ],
)
def test_init_names_what_is_wrong(options, text):
    with pytest.raises(cloud.CloudError, match=text):
        afresh(lambda: cloud.init(**options))


def test_the_database_of_a_lenient_init_is_lenient(bound):
    from emulator.core.commands import Found

    bound.answer(Found(documents=()))

    def handler():
        cloud.init(throw_on_not_found=False)
        return cloud.database().collection("c").doc("x").get()["data"]

    assert contextvars.copy_context().run(handler) is None


def test_a_script_s_log_goes_to_its_output(capsys):
    def script():
        cloud.init(endpoint="http://127.0.0.1:1")
        cloud.logger().info({"a": 1})
        cloud.logger().error("wrong")

    afresh(script)
    assert capsys.readouterr() == ('{"a": 1}\n', "wrong\n")

"""Login codes: whose session they are, that they serve once, and which are refused."""

from base64 import b64decode

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.services.openapi.calls import Answer, Call
from emulator.services.openapi.sessions import CODE_LIFETIME_S, CODES_MAX, Sessions
from emulator.services.users import Users
from emulator.services.wechat_users import WechatUsers
from emulator.stores.memory import MemoryDocumentStore


class World:
    """The users, the clock, and what codes are exchanged for."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        store = MemoryDocumentStore()
        users = Users(store, clock=self.clock, ids=CountedIds())
        self.users = WechatUsers(users, store, env_id="demo", appid="wx1")
        self.sessions = Sessions(self.users, self.clock.now_ms)

    def begin(self, code: object, openid: str = "") -> Answer:
        return self.sessions.begin(
            Call(api="auth.code2Session", data={"js_code": code}, openid=openid)
        )


@pytest.fixture
def world() -> World:
    return World()


def test_every_code_is_the_current_user(world: World):
    world.users.add("Ada", openid="oAda")
    bo = world.users.add("Bo", openid="oBo")
    world.users.use("oBo")
    first, second = world.begin("0a3NkjFa1"), world.begin("0b3NkjFa1")
    assert [each.data["openid"] for each in (first, second)] == ["oBo", "oBo"]
    assert first.data["unionid"] == bo.unionid
    assert first.data["session_key"] != second.data["session_key"]
    assert len(b64decode(str(first.data["session_key"]))) == 16


def test_without_any_user_there_is_one_all_the_same(world: World):
    assert world.begin("c").data["openid"] == world.users.current()
    assert world.users.all() == []


def test_a_function_s_user_is_who_sent_it_the_code(world: World):
    world.users.add("Ada", openid="oAda")
    assert world.begin("c", openid="oBo").data["openid"] == "oBo"


@pytest.mark.parametrize("code", ["oAda", "艾达 L"])
def test_a_test_user_is_named_as_often_as_wanted(world: World, code: str):
    ada = world.users.add("艾达 L", openid="oAda")
    world.users.use("oBo")
    for _ in range(2):
        answer = world.begin(code)
        assert (answer.errcode, answer.data["openid"]) == (0, "oAda")
        assert answer.data["unionid"] == ada.unionid


@pytest.mark.parametrize(
    ("code", "errcode"),
    [
        (None, 41008),
        ("", 41008),
        (7, 41008),
        ("the code is a mock one", 40029),
        ("x" * 129, 40029),
        ("中文", 40029),
        ("\ud800", 40029),
        ("c\n", 40029),
        ("0a3Nkj-w3hQ6_53", 0),
    ],
)
def test_an_ill_formed_code_is_invalid(world: World, code: object, errcode: int):
    assert world.begin(code).errcode == errcode


def test_a_code_serves_once_and_ends(world: World):
    assert world.begin("c").errcode == 0
    assert world.begin("c").data["errmsg"] == "code been used"
    world.clock.advance(CODE_LIFETIME_S - 1)
    assert world.begin("c").errcode == 40163
    world.clock.advance(1)
    assert world.begin("c").errcode == 40029
    world.sessions.clear()
    assert world.begin("c").errcode == 0


def test_what_is_kept_of_codes_has_a_bound(world: World):
    assert {world.begin(f"c{number}").errcode for number in range(CODES_MAX + 1)} == {0}
    assert world.begin("c0").errcode == 0
    assert world.begin(f"c{CODES_MAX}").errcode == 40163

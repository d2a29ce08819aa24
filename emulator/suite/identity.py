"""Owns building what knows users, and the front doors that they come through.

Not here: what any of it does. The one idea: users lie in a document store of their own beside the
project's documents, which no seed, export, query or rule can reach.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from emulator.ambient import Ids
from emulator.config import Config
from emulator.core.auth_errors import AuthError
from emulator.core.errors import ConfigurationError
from emulator.core.records import dataclass
from emulator.services.auth import Auth
from emulator.services.codes import Codes
from emulator.services.executor import Executor
from emulator.services.handed import Place
from emulator.services.inbox import Inbox
from emulator.services.login_tickets import LoginTickets
from emulator.services.scope import Scope
from emulator.services.storage import Storage
from emulator.services.tickets import signing_key
from emulator.services.tokens import Tokens
from emulator.services.users import Users
from emulator.services.wechat_users import WechatUsers
from emulator.stores.base import DocumentStore
from emulator.stores.tiny import TinyDocumentStore
from emulator.suite.surroundings import Surroundings
from emulator.suite.user_control import UserControl
from emulator.wire import control_users
from emulator.wire.actions import Actions, Invokes, Run
from emulator.wire.callers import Callers
from emulator.wire.oauth import OAuthDoor
from emulator.wire.oauth_account import account_table
from emulator.wire.platform_actions import PlatformActions
from emulator.wire.web import WebDoor
from emulator.wire.web_actions import (
    CLIENT_COMMANDS,
    OpenData,
    function_call,
    native_commands,
)
from emulator.wire.web_auth import WebAuth

USERS_FOLDER: Final = "users"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who may sign in, and where that is kept."""

    env_id: str
    auth: Auth
    store: DocumentStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What the front doors of clients lead to."""

    executor: Executor
    functions: Invokes
    storage: Storage
    platform: PlatformActions
    scope: Scope
    ids: Ids
    open_data: OpenData


def open_identity(config: Config, around: Surroundings, place: Place) -> Identity:
    """Open the users of a data folder.

    Raises:
        ConfigurationError: the data folder cannot be used.
        StoreError: what lies in it cannot be read.
    """
    env_id, clock, ids = place.env_id, around.clock, around.ids
    mode = "memory" if config.ephemeral else config.database.journal
    try:
        store = TinyDocumentStore.open(around.folder / USERS_FOLDER, mode=mode, clock=clock.machine)
    except OSError as fault:
        raise ConfigurationError(
            f"the data folder {around.folder} cannot be used: {fault.strerror or fault}"
        ) from fault
    around.at_end(store.close)
    key = f"sessions {signing_key(around.folder, ids)}"
    users, inbox = Users(store, clock=clock, ids=ids), Inbox(clock)
    auth = Auth(
        users,
        Tokens(store, key, env_id=env_id, clock=clock, ids=ids),
        codes=Codes(inbox, clock=clock, ids=ids),
        tickets=LoginTickets(around.folder, env_id=env_id, clock=clock, ids=ids),
        wechat=WechatUsers(users, store, env_id=env_id, appid=place.appid),
        inbox=inbox,
        ids=ids,
    )
    return Identity(env_id=env_id, auth=auth, store=store)


async def make_users(identity: Identity, given: Sequence[Mapping[str, str]]) -> None:
    """Make the users that the project names and that are not there yet.

    Raises:
        ConfigurationError: one of them cannot be.
    """
    auth, control = identity.auth, UserControl(identity.auth)
    for number, each in enumerate(given):
        openid = each.get("openid") or auth.wechat.openid_of(each.get("name", ""))
        known = (each.get(kind, "") for kind in ("username", "email", "phone"))
        if auth.wechat.find(openid) or any(auth.users.known_as(name) for name in known if name):
            continue
        try:
            await control.add(each)
        except AuthError as fault:
            raise ConfigurationError(f"auth.users[{number}]: {fault.message}") from fault


def client_routes(identity: Identity, doors: Doors) -> list[web.RouteDef]:
    """Return the routes that client SDKs sign in and ask through."""
    callers = Callers(identity.auth)
    platform = doors.platform.table()
    others: dict[str, Run] = {
        name: platform[name] for name in ("storage.batchCopyFile", "analytics.report")
    }
    others["functions.invokeFunction"] = function_call(
        doors.functions, doors.platform.stand_ins(), doors.open_data
    )
    others["database.runCommands"] = native_commands(doors.executor)
    actions = Actions(
        doors.executor, doors.functions, doors.storage, commands=CLIENT_COMMANDS, others=others
    )
    web_auth = WebAuth(identity.auth, env_id=identity.env_id, new_device=doors.ids.document_id)
    oauth = OAuthDoor(
        identity.auth, account_table(identity.env_id), scope=doors.scope, ids=doors.ids
    )
    web_door = WebDoor(actions, web_auth, callers, scope=doors.scope, ids=doors.ids)
    control = control_users.routes(UserControl(identity.auth))
    return [*web_door.routes(), *oauth.routes(), *control]

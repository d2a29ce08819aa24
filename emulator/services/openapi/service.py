"""Owns the open APIs as one service: may this function, is there a mock, who answers, keep it.

Not here: what an API says (the siblings) and how it travels (`wire.openapi`, `cloud.openapi`). The
one idea: a table from the dotted name to a handler, with the project's mocks before it; what has
neither is refused with the cloud's number, and every call lands in the outbox.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from emulator.ambient import Clock
from emulator.core.errors import ConfigurationError
from emulator.core.openapi import CallOpenApi
from emulator.core.values import Value
from emulator.services.caller import Caller
from emulator.services.openapi import pictures
from emulator.services.openapi.calls import Answer, Call, OpenApiDenied, OpenApiNotFound, done
from emulator.services.openapi.checks import Checks
from emulator.services.openapi.environment import Environment, OrderCall
from emulator.services.openapi.messages import Messages
from emulator.services.openapi.outbox import Outbox
from emulator.services.openapi.payment import Payments
from emulator.services.openapi.people import People, signature
from emulator.services.openapi.sessions import Sessions
from emulator.services.openapi.settings import Mock, OpenApiSettings
from emulator.services.wechat_users import WechatUsers

NAME_LENGTH_MAX: Final = 100
NEAR_MATCHES_MAX: Final = 3
ACTIVITY_LIFETIME_S: Final = 86_400
"""WeChat's page on updatableMessage.createActivityId: valid for 24 hours."""
MOCK_SIZE_MAX_BYTES: Final = 16 * 1024 * 1024
ALWAYS_ALLOWED: Final = frozenset({"cloudbase.addPermission"})
"""WeChat has no such API and so no permission for it; the developers' guide calls it as it is."""

Permissions = Callable[[str], Sequence[str] | None]
"""The APIs that the function serving a request may call; None when no function serves it."""

Log = Callable[[str, str], object]
"""Tell the developer a sentence about a request."""


class OpenApi:
    """The open APIs of one suite."""

    def __init__(  # noqa: PLR0913  # what it depends on, each once
        self,
        settings: OpenApiSettings,
        *,
        appid: str,
        users: WechatUsers,
        clock: Clock,
        outbox: Outbox,
        payments: Payments,
        permissions: Permissions,
        openid_of: Callable[[str], str],
        log: Log,
        order: OrderCall,
        grant_files: Callable[[Mapping[str, Any]], object] | None = None,
    ) -> None:
        self._settings = settings
        self.outbox = outbox
        self.payments = payments
        self._permissions = permissions
        self._openid_of = openid_of
        self._log = log
        self._grant_files = grant_files
        self._clock = clock
        self.people = People(settings, appid=appid, now_ms=clock.now_ms)
        self._sessions = Sessions(users, clock.now_ms)
        self._environment = Environment(self.people, order, clock.now_ms)
        self._table: Mapping[str, Callable[[Call], Answer]] = {
            **Messages(settings.templates, clock.now_ms).handlers(),
            **pictures.handlers(),
            **Checks(settings).handlers(),
            **self.people.handlers(),
            **self._environment.handlers(),
            "auth.code2Session": self._sessions.begin,
            "cloudbase.addPermission": self._add_permission,
            "search.submitPages": lambda _: done(),
            "updatableMessage.createActivityId": self._activity,
            "updatableMessage.setUpdatableMsg": lambda _: done(),
        }

    def _add_permission(self, call: Call) -> Answer:
        if self._grant_files is not None:
            self._grant_files(call.data)
        return done()

    def clear(self) -> None:
        """Forget messages, texts, orders and which login codes were used."""
        self.outbox.clear()
        self.payments.clear()
        self._sessions.clear()
        self._environment.clear()

    def names(self) -> list[str]:
        """Return the APIs that are answered without a mock."""
        return list(self._table)

    def call(
        self, api: str, data: Mapping[str, Any], caller: Caller, *, enforced: bool = True
    ) -> Answer:
        """Answer one API; `data` has WeChat's own keys.

        Raises:
            OpenApiDenied: the function's `config.json` does not list it.
            OpenApiNotFound: there is no such API, or no answer for it here.
        """
        if enforced:
            self._require_permission(api, caller)
        answer = self._answer(self._understood(api, data, caller))
        self.outbox.record(f"openapi.{api}", data, answer, caller.request_id)
        return answer

    async def pay(self, api: str, data: Mapping[str, Any], caller: Caller) -> Answer:
        """Answer one method of `cloudPay`; raises OpenApiNotFound."""
        call = self._understood(api, data, caller)
        mock = self._settings.mocks.get(f"cloudPay.{api}")
        answer = await self.payments.call(call) if mock is None else _mocked(mock)
        self.outbox.record(f"cloudPay.{api}", data, answer, caller.request_id)
        return answer

    def _understood(self, api: str, data: Mapping[str, Any], caller: Caller) -> Call:
        """Return a call with the user that the function serves which makes it."""
        openid = caller.openid or self._openid_of(caller.request_id)
        return Call(api=api, data=data, openid=openid, request_id=caller.request_id)

    async def carry_out(self, command: CallOpenApi, caller: Caller) -> Answer:
        """Answer a call of the `cloud` object; raises OpenApiDenied and OpenApiNotFound."""
        family, _, name = command.api.partition(".")
        if family == "openapi":
            return self.call(name, command.data, caller)
        if family == "cloudPay":
            return await self.pay(name, command.data, caller)
        if family == "getOpenData":
            return self._open_data(command.data.get("list"))
        if family == "getVoIPSign":
            return self._environment.voice_signature(self._understood(family, command.data, caller))
        raise OpenApiNotFound(f"{command.api:.{NAME_LENGTH_MAX}} is not available in this version")

    def _open_data(self, wanted: Any) -> Answer:
        ids = [each for each in wanted if isinstance(each, str)] if isinstance(wanted, list) else []
        return done(list=[value for _, value in self.people.open_data(ids)])

    def tell(self, fault: OpenApiDenied | OpenApiNotFound, caller: Caller) -> None:
        """Log a refusal in full: the SDK shows user code nothing but its number."""
        self._log(f"{fault.number}: {fault.message}; {fault.hint}", caller.request_id)

    def _answer(self, call: Call) -> Answer:
        mock = self._settings.mocks.get(call.api)
        if mock is not None:
            return _mocked(mock)
        run = self._table.get(call.api)
        if run is not None:
            return run(call)
        known = [*self._table, *self._settings.mocks]
        near = difflib.get_close_matches(call.api, known, NEAR_MATCHES_MAX)
        guess = f"did you mean {' or '.join(near)}? " if near else ""
        raise OpenApiNotFound(
            f"openapi.{call.api:.{NAME_LENGTH_MAX}} is not answered by this version",
            hint=f'{guess}say what it answers under [openapi.mocks."{call.api:.60}"]',
        )

    def _require_permission(self, api: str, caller: Caller) -> None:
        if not self._settings.enforce_permissions or api in ALWAYS_ALLOWED:
            return
        allowed = self._permissions(caller.request_id)
        if allowed is None or api in allowed:
            return
        raise OpenApiDenied(
            f"the function may not call openapi.{api:.{NAME_LENGTH_MAX}}",
            hint=f'list "{api:.60}" under permissions.openapi in the function\'s config.json',
        )

    def _activity(self, call: Call) -> Answer:
        expires_s = self._clock.now_ms() // 1000 + ACTIVITY_LIFETIME_S
        return done(activity_id=signature(call.request_id)[:32], expiration_time=expires_s)


def _mocked(mock: Mock) -> Answer:
    if mock.file is None:
        data: dict[str, Value] = {"errcode": 0, "errmsg": "ok", **mock.data}
        return Answer(data=data)
    try:
        content = mock.file.read_bytes()
    except OSError as fault:
        raise ConfigurationError(
            f"the file {mock.file.name} of a mock cannot be read: {fault.strerror}"
        ) from fault
    return Answer(content=content[:MOCK_SIZE_MAX_BYTES], content_type=mock.content_type)

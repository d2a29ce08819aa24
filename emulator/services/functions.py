"""Owns the calls of functions: who calls with what, within which limits, and what came of it.

Not here: which code serves (`services.registry`), how it runs (`functions/`), what makes an
occurrence call a function (`services.dispatcher`). The one idea: a call looks whether its
function's files changed, so that what was saved is what answers.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson

from emulator.ambient import Clock, Ids
from emulator.cloud.session import Session, Transport
from emulator.core.commands import Called, CallFunction
from emulator.core.errors import FunctionFailed, FunctionOverran, InvalidParam, documented
from emulator.core.limits import WECHAT, Limits
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.functions.base import (
    MANNER_USUAL,
    Bundle,
    Carrying,
    Failure,
    FunctionRuntime,
    Generation,
    Inspectable,
    InstanceState,
    Invocation,
    Manner,
    Observable,
    Outcome,
)
from emulator.services.access import Access
from emulator.services.caller import Caller, with_user
from emulator.services.fixed_order import FixedOrder
from emulator.services.handed import Handed, Place
from emulator.services.payloads import bounded, require_event
from emulator.services.recorder import Recorder, RequestRecord
from emulator.services.registry import Registered, Registry, pointed
from emulator.services.trace import Span

T = TypeVar("T")

TRIGGER_DEPTH_MAX: Final = 8
CALL_CHAIN_MAX: Final = 16
INVOCATION_LOG_LINES_MAX: Final = 1_000
INSIDERS_MAX: Final = 10_000
"""Invocations whose code is known again when it asks from outside the process, the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoked:
    """One call made: its outcome and what it logged."""

    request_id: str
    outcome: Outcome
    logs: Sequence[tuple[str, str]]


class Functions:
    """The calls of one environment."""

    def __init__(  # noqa: PLR0913  # what it depends on, each once
        self,
        runtimes: Mapping[str, FunctionRuntime],
        registry: Registry,
        *,
        place: Place,
        clock: Clock,
        ids: Ids,
        recorder: Recorder,
        access: Access | None = None,
        limits: Limits = WECHAT,
        cold: bool = False,
    ) -> None:
        self._cold = cold
        self._access = access or Access()
        self._limits = limits
        self._runtimes = runtimes
        self._registry = registry
        self._appid = place.appid
        self._handed = Handed(place)
        self._clock = clock
        self._ids = ids
        self._recorder = recorder
        self._trace = recorder.trace
        self.order: FixedOrder | None = None
        self._transport_of: Callable[[Caller, str], Transport] | None = None
        self._running: dict[str, str] = {}
        # Ordered, for a plain dictionary that lost its oldest keys is slow to find the next one.
        self._insiders: OrderedDict[str, Caller] = OrderedDict()

    def connect(self, transport_of: Callable[[Caller, str], Transport]) -> None:
        """Say how the `cloud` object of an invocation by a caller reaches the services."""
        self._transport_of = transport_of

    async def inspect(self, name: str, port: int) -> str:
        """Open a function to debuggers and return the address.

        Raises:
            FunctionNotFound: no such function.
            InvalidParam: debuggers cannot be attached to it, or lack what they need.
            FunctionFailed: its code does not load.
        """
        known = await self._registry.current(name)
        generation = known.generation
        is_inline = generation is not None and generation.bundle.engine == "python"
        if is_inline and "python_process" in self._runtimes:
            # In the suite's own process a breakpoint would hold everything.
            generation = (await self._registry.move(name)).generation
        if generation is None:
            failure = _unloadable(known).failure
            raise FunctionFailed(failure.message if failure else f"function {name} did not load")
        runtime = self._runtimes[generation.bundle.engine]
        if not isinstance(runtime, Inspectable):
            raise InvalidParam(
                f"{name} runs in the suite's own process, where no function can be inspected",
                hint="start the suite itself in a debugger: python -m debugpy -m emulator start",
            )
        return await runtime.inspect(generation, port)

    def carry(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Do work that calls one function after the other; calls alone cost less in it."""
        for runtime in self._runtimes.values():
            if isinstance(runtime, Carrying):
                return runtime.carry(work)
        return work

    def keep_order(self, running: Callable[[], Sequence[str]]) -> None:
        """Let calls from outside wait for what runs."""
        self.order = FixedOrder(running, is_inside=self._insiders.__contains__)

    def caller_of(self, token: str) -> Caller | None:
        """Return whom the code of an invocation acts as, which is known by its request id.

        Work that goes on after its call was answered is still known.
        """
        caller = self._insiders.get(token)
        return None if caller is None else caller.inside_function(token)

    def openid_of(self, request_id: str) -> str:
        """Return the user that an invocation serves, empty where none called it."""
        caller = self._insiders.get(request_id)
        return "" if caller is None else caller.openid

    def running(self) -> list[str]:
        """Return the calls under way and what ended calls left running."""
        calls = [f"function {name}, request {each}" for each, name in self._running.items()]
        return calls + [left for runtime in self._runtimes.values() for left in runtime.running()]

    def under_way(self) -> bool:
        """Tell whether any call is under way, whatever ended calls left running."""
        return bool(self._running)

    def instances(self) -> list[InstanceState]:
        """Return the instances of functions' code there are now, by function."""
        found = [
            each
            for runtime in self._runtimes.values()
            if isinstance(runtime, Observable)
            for each in runtime.instances()
        ]
        return sorted(found, key=lambda each: (each.function, each.pid))

    def has(self, name: str) -> bool:
        """Tell whether the project has a function of that name."""
        return any(each.name == name for each in self._registry.bundles())

    def permissions_of(self, request_id: str) -> Sequence[str] | None:
        """Return the open APIs that the function of a call under way may use, None without one."""
        name = self._running.get(request_id)
        found = [each for each in self._registry.bundles() if each.name == name]
        return found[0].openapi if found else None

    async def call(self, command: CallFunction, caller: Caller) -> Called:
        """Call a function as another function or a script does.

        Raises:
            FunctionNotFound: no such function.
            FunctionFailed: it raised, ended or returned what JSON cannot hold.
            FunctionOverran: it took too long.
        """
        try:
            event = {} if command.event is None else orjson.loads(orjson.dumps(command.event))
        except (TypeError, ValueError) as fault:
            raise InvalidParam(f"the event of {command.name} is not JSON: {fault}") from fault
        invoked = await self.invoke(command.name, event, caller)
        return Called(result=result_of(command.name, invoked), request_id=invoked.request_id)

    async def invoke(
        self,
        name: str,
        event: Value,
        caller: Caller,
        *,
        request_id: str = "",
        manner: Manner = MANNER_USUAL,
        sent_characters: int | None = None,
    ) -> Invoked:
        """Call a function with JSON data it may keep; its failure is an outcome, not an error.

        Without a `request_id` it gets one; who read the event from text tells how long that was.

        Raises:
            FunctionNotFound: no such function.
            FunctionForbidden: its rule does not let this client call it.
            FunctionFailed: the chain of calls or triggers is too deep.
            RequestTooLarge: the event is.
        """
        self._access.require_function(caller, name)
        require_event(name, event, caller, self._limits, sent_characters=sent_characters)
        if self.order is not None:
            await self.order.enter(caller)
        known = self._registry.lasting(name)
        if known is None or self._cold or manner.cold:
            known, generation = await self._serving(name, cold=self._cold or manner.cold)
        else:
            generation = known.generation
        _require_shallow(name, caller)
        request_id = request_id or self._ids.request_id()
        lines: list[tuple[str, str]] = []
        span = self._begin(known.bundle, request_id, caller)
        self._explain_lost_user(known, request_id, caller)
        try:
            if generation is None:
                outcome = _unloadable(known)
            else:
                invocation = self._invocation(
                    known, request_id, lines, event=event, caller=caller, manner=manner
                )
                outcome = await self._run(known, generation, invocation, caller)
            if outcome.failure is not None:
                span.error = f"{outcome.failure.kind}: {outcome.failure.message}"
        finally:
            self._trace.end(span)
        self._note(name, request_id, caller, outcome)
        return Invoked(request_id=request_id, outcome=outcome, logs=lines)

    async def _serving(self, name: str, *, cold: bool) -> tuple[Registered, Generation | None]:
        if cold:
            return await self._registry.cold(name)
        known = await self._registry.current(name)
        return known, known.generation

    def _begin(self, bundle: Bundle, request_id: str, caller: Caller) -> Span:
        span = self._trace.begin(
            bundle.name,
            "invocation",
            request_id=caller.request_id,
            attributes={
                "request_id": request_id,
                "source": caller.source,
                "memory_mb": bundle.memory_mb,
            },
        )
        self._trace.invoked(request_id, span)
        return span

    def _explain_lost_user(self, known: Registered, request_id: str, caller: Caller) -> None:
        """Say once a load why a Node function, which hears nothing else of it, has no OPENID."""
        bundle = known.bundle
        nested = caller.source.startswith("wx_client,")
        if not nested or bundle.language != "node" or known.explained == known.number:
            return
        known.explained = known.number
        self._recorder.log(
            "info",
            f"OPENID is empty in {bundle.name}: a function called it (SOURCE {caller.source}), and "
            "the platform tells only the function that the user called; pass what it needs as data",
            function=bundle.name,
            request_id=request_id,
        )

    async def _run(
        self, known: Registered, generation: Generation, invocation: Invocation, caller: Caller
    ) -> Outcome:
        bundle = generation.bundle
        self._running[invocation.request_id] = bundle.name
        self._insiders[invocation.request_id] = caller
        if len(self._insiders) > INSIDERS_MAX:
            self._insiders.popitem(last=False)
        self._registry.hold(known, generation)
        try:
            outcome = await self._runtimes[bundle.engine].call(generation, invocation)
            return bounded(outcome, caller, self._limits)
        finally:
            self._registry.release(known, generation)
            del self._running[invocation.request_id]

    def _invocation(
        self,
        known: Registered,
        request_id: str,
        lines: list[tuple[str, str]],
        *,
        event: Value,
        caller: Caller,
        manner: Manner,
    ) -> Invocation:
        bundle = known.bundle
        record = self._recorder.log
        assert self._transport_of is not None, "Functions.connect comes first"

        def log(level: str, line: str) -> None:
            if len(lines) < INVOCATION_LOG_LINES_MAX:
                lines.append((level, line))
            record(level, line, function=bundle.name, request_id=request_id)

        return Invocation(
            request_id=request_id,
            event=with_user(event, caller, self._appid),
            context=self._handed.context(bundle, request_id),
            variables=known.variables,
            session=Session(
                transport=self._transport_of(caller, request_id),
                env_id=self._handed.env_id,
                wx_context=self._handed.wx_context(caller),
                request_id=request_id,
                log=log,
                is_strict=self._handed.is_strict,
            ),
            timeout_s=bundle.timeout_s,
            log=log,
            manner=manner,
        )

    def _note(self, name: str, request_id: str, caller: Caller, outcome: Outcome) -> None:
        failure = outcome.failure
        if failure is not None:
            for line in [failure.message, *failure.stack.splitlines()]:
                self._recorder.log("error", line, function=name, request_id=request_id)
        self._recorder.request(
            RequestRecord(
                at_ms=self._clock.now_ms(),
                function=name,
                request_id=request_id,
                source=caller.source,
                ok=failure is None,
                duration_ms=outcome.duration_ms,
                error="" if failure is None else failure.message,
            )
        )


def result_of(name: str, invoked: Invoked) -> bytes:
    """Return the JSON text of a call that went well.

    Raises:
        FunctionFailed: it did not; the message is the user's own and the stack, nothing else, for
            pages take their texts out of it.
        FunctionOverran: it took too long.
    """
    failure = invoked.outcome.failure
    if failure is None:
        return invoked.outcome.result
    hint = f"cloud-emu fn log {name}"
    if failure.kind == "timeout":
        raise FunctionOverran(documented(failure.message, FunctionOverran.code), hint=hint)
    stack = f"\n{failure.stack}" if failure.stack else ""
    raise FunctionFailed(f"{failure.message}{stack}", hint=hint)


def _unloadable(known: Registered) -> Outcome:
    why = "no code was found" if known.problem is None else pointed(known.problem)
    message = f"function {known.bundle.name} did not load: {why}"
    return Outcome(result=b"null", failure=Failure(kind="load", message=message), duration_ms=0.0)


def _require_shallow(name: str, caller: Caller) -> None:
    if caller.depth > TRIGGER_DEPTH_MAX:
        raise FunctionFailed(
            f"function {name} was not called: {TRIGGER_DEPTH_MAX} triggers deep; "
            "a trigger that writes what it listens to calls itself for ever"
        )
    if caller.source.count(",") >= CALL_CHAIN_MAX:
        raise FunctionFailed(
            f"function {name} was not called: functions have called each other "
            f"{CALL_CHAIN_MAX} deep"
        )

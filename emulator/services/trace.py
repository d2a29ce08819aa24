"""Owns the record of why each thing happened: spans in trees, the newest in a ring.

Not here: what is traced (the services call `begin` and `end`) and how it is exported
(`services.trace_export`). The one idea: a span knows its parent. Within a task the parent is the
current span; code of a function, which runs elsewhere, is known by the request id it acts under; a
trigger keeps the span of the write that it heard of.
"""

import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from emulator.ambient import Clock
from emulator.core.errors import EmulatorError
from emulator.core.records import dataclass
from emulator.core.values import Value

SPANS_MAX: Final = 20_000
"""The oldest of more is forgotten."""
INVOCATIONS_KNOWN_MAX: Final = 10_000
"""Invocations whose later commands still find their span."""
SPAN_EVENTS_MAX: Final = 50
SPAN_EVENT_CHARACTERS_MAX: Final = 4096
ENDED_MAX: Final = 512
"""So many spans may have ended before who counts them is told."""


@dataclass(slots=True, eq=False)
class Span:
    """Something that happened: when, for how long, within what, and how it ended.

    `kind` is `invocation`, `trigger`, `read`, `write`, `database`, `storage` or `openapi`; `parent`
    is 0 for the root of a tree. `start_ms` is the suite's clock, `began_s` the machine's counter,
    `duration_s` negative while it lasts.
    """

    number: int
    name: str
    kind: str
    parent: int
    root: int
    start_ms: int
    began_s: float
    attributes: dict[str, Value]
    duration_s: float = -1.0
    error: str = ""
    said: list[tuple[int, str, str]] | None = None

    @property
    def events(self) -> list[tuple[int, str, str]]:
        """Return what was said meanwhile: moment, level, line."""
        return self.said or []

    def fail(self, fault: BaseException) -> None:
        """Note what it ended with."""
        code = fault.code if isinstance(fault, EmulatorError) else type(fault).__name__
        self.error = f"{code}: {fault}"

    def note(self, at_ms: int, level: str, line: str) -> None:
        """Keep something that was said meanwhile, of many only the first."""
        if self.said is None:
            self.said = []
        if len(self.said) < SPAN_EVENTS_MAX:
            self.said.append((at_ms, level, line[:SPAN_EVENT_CHARACTERS_MAX]))


Heard = Callable[[Sequence[Span]], None]
"""Whoever is told of spans that have ended, in the order of their ends."""

current_span: Final[ContextVar[Span | None]] = ContextVar("current_span", default=None)
"""What the task at hand does; a variable of each context, never shared."""


class Trace:
    """The spans of one suite."""

    def __init__(self, clock: Clock) -> None:
        self._numbers = itertools.count(1)
        self._spans: deque[Span] = deque(maxlen=SPANS_MAX)
        # Ordered, for a plain dictionary that lost its oldest keys is slow to find the next one.
        self._invocations: OrderedDict[str, Span] = OrderedDict()
        self._heard_at_once: list[Heard] = []
        self._heard_later: list[Heard] = []
        self._ended: list[Span] = []
        # Bound once: asked twice for every command.
        self._now_ms, self._elapsed_s = clock.now_ms, clock.elapsed_s

    def begin(
        self,
        name: str,
        kind: str,
        *,
        cause: Span | None = None,
        request_id: str = "",
        attributes: dict[str, Value] | None = None,
    ) -> Span:
        """Return a new span within `cause`, or the invocation of a request, or the current one."""
        parent = cause
        if parent is None and request_id:
            parent = self._invocations.get(request_id)
        if parent is None:
            parent = current_span.get()
        number = next(self._numbers)
        over, root = (0, number) if parent is None else (parent.number, parent.root)
        told = {} if attributes is None else attributes
        span = Span(number, name, kind, over, root, self._now_ms(), self._elapsed_s(), told)
        self._spans.append(span)
        return span

    def end(self, span: Span) -> None:
        """Note that it is over and tell who wants to know."""
        span.duration_s = self._elapsed_s() - span.began_s
        self._ended.append(span)
        if self._heard_at_once or len(self._ended) >= ENDED_MAX:
            self.tell()

    def tell(self) -> None:
        """Tell of every span that has ended; who reads figures asks for it before."""
        ended, self._ended = self._ended, []
        for heard in (*self._heard_at_once, *self._heard_later):
            heard(ended)

    @contextmanager
    def within(self, span: Span) -> Iterator[Span]:
        """Have what the block does happen within the span, which ends with it."""
        token = current_span.set(span)
        try:
            yield span
        except BaseException as fault:
            span.fail(fault)
            raise
        finally:
            current_span.reset(token)
            self.end(span)

    def invoked(self, request_id: str, span: Span) -> None:
        """Have what the code of an invocation does happen within its span."""
        self._invocations[request_id] = span
        if len(self._invocations) > INVOCATIONS_KNOWN_MAX:
            self._invocations.popitem(last=False)

    def on_end(self, heard: Heard, *, at_once: bool = False) -> None:
        """Call `heard` with the spans that end: some time later many together, or each at once.

        Later is for figures, which nobody should wait for in a call.
        """
        (self._heard_at_once if at_once else self._heard_later).append(heard)

    def spans(self, *, request_id: str = "", root: int = 0, limit: int = 1_000) -> list[Span]:
        """Return the newest spans, oldest first: all, of one tree, or of a request's tree."""
        if request_id:
            known = self._invocations.get(request_id) or next(
                (s for s in self._spans if s.attributes.get("request_id") == request_id), None
            )
            if known is None:
                return []
            root = known.root
        found = [each for each in self._spans if root in (0, each.root)]
        return found[-limit:] if limit > 0 else []

    def clear(self) -> None:
        """Forget every span."""
        self._spans.clear()
        self._invocations.clear()

"""Owns `watch()` as programs use it: with callbacks, or as something to iterate over.

Not here: the connection (`watch_feed`). The one idea: snapshots arrive on a thread of the feed and
are handed to whoever asked: to a program without an event loop on that thread or in its `for`, to
one with an event loop on the loop. Who does not keep up is waited for, so nothing piles up here.
"""

import asyncio
import os
import queue
import threading
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from emulator.cloud.calls import Options, options_of, running_loop
from emulator.cloud.errors import CloudError, error_of, sdk_error
from emulator.cloud.naming import BothSpellings
from emulator.cloud.session import Transport
from emulator.cloud.settings import ENDPOINT_VARIABLE, active_session
from emulator.cloud.watch_state import Snapshot, WatchState
from emulator.core.errors import EmulatorError
from emulator.core.values import Value

if TYPE_CHECKING:
    from emulator.cloud.http import HttpTransport

SNAPSHOTS_WAITING_MAX: Final = 100
"""So many snapshots may wait for a program; then the feed waits, and catches up later."""
LOOK_S: Final = 0.25

OnChange: TypeAlias = Callable[[Snapshot], object]
OnError: TypeAlias = Callable[[CloudError], object]


class _Over:
    """What `close` returns: nothing is left to wait for, and it may be awaited all the same."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


class Watcher(BothSpellings):
    """A watched query until `close()`: iterate over its snapshots, or give callbacks to `watch`.

    A snapshot is `{"id", "docs", "docChanges", "type"}` as in the JavaScript SDK; a `with` or
    `async with` block closes it.
    """

    def __init__(self, api: str, on_change: OnChange | None, on_error: OnError | None) -> None:
        self._api = api
        self._on_change = on_change
        self._on_error = on_error
        self._loop = running_loop()
        self._room = threading.Semaphore(SNAPSHOTS_WAITING_MAX)
        self._closed = threading.Event()
        self._items: queue.SimpleQueue[Snapshot | CloudError | None] = queue.SimpleQueue()
        self._loop_items: asyncio.Queue[Snapshot | CloudError | None] = asyncio.Queue()
        self._tasks: set[asyncio.Future[Any]] = set()
        self._close_feed: Callable[[], None] = _nothing

    def close(self) -> Awaitable[None]:
        """Stop watching; safe from any thread, and more than once."""
        if not self._closed.is_set():
            self._closed.set()
            self._close_feed()
            self._hand_over(None)
        return _Over()

    # --- for the feed, on its thread -------------------------------------------------------------

    def follow(self, close_feed: Callable[[], None]) -> None:
        """Take note of what ends the feed."""
        self._close_feed = close_feed

    def changed(self, snapshot: Snapshot) -> None:
        """Hand a snapshot over, when there is room for it."""
        while not self._closed.is_set():
            if self._room.acquire(timeout=LOOK_S):
                self._hand_over(snapshot)
                return

    def failed(self, fault: EmulatorError) -> None:
        """Tell why nothing follows."""
        if not self._closed.is_set():
            self._hand_over(error_of(self._api, fault))
            self.close()

    def _hand_over(self, item: Snapshot | CloudError | None) -> None:
        if self._loop is None:
            self._take(item, self._items.put)
            return
        try:
            self._loop.call_soon_threadsafe(self._take, item, self._loop_items.put_nowait)
        except RuntimeError:  # the loop has ended, and with it whoever listened
            self._closed.set()
            self._close_feed()

    def _take(
        self,
        item: Snapshot | CloudError | None,
        keep: Callable[[Snapshot | CloudError | None], None],
    ) -> None:
        if self._on_change is None:
            keep(item)
        elif isinstance(item, CloudError):
            self._tell(self._on_error, item)
        elif item is not None:
            self._room.release()
            if not self._closed.is_set():
                self._tell(self._on_change, item)

    def _tell(self, callback: Callable[[Any], object] | None, item: object) -> None:
        result = callback(item) if callback is not None else None
        if asyncio.iscoroutine(result) and self._loop is not None:
            task = self._loop.create_task(result)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # --- for programs that iterate ---------------------------------------------------------------

    def __iter__(self) -> "Watcher":
        if self._loop is not None:
            raise sdk_error(self._api, "in async code: async for snapshot in watcher")
        return self._iterated()

    def __next__(self) -> Snapshot:
        item = self._items.get()
        if item is None:
            self._items.put(None)
            raise StopIteration
        return self._given(item)

    def __aiter__(self) -> "Watcher":
        if self._loop is None:
            raise sdk_error(self._api, "in code without an event loop: for snapshot in watcher")
        return self._iterated()

    async def __anext__(self) -> Snapshot:
        item = await self._loop_items.get()
        if item is None:
            self._loop_items.put_nowait(None)
            raise StopAsyncIteration
        return self._given(item)

    def _iterated(self) -> "Watcher":
        if self._on_change is not None:
            raise sdk_error(self._api, "a watch with callbacks is not iterated over")
        return self

    def _given(self, item: Snapshot | CloudError) -> Snapshot:
        if isinstance(item, CloudError):
            raise item
        self._room.release()
        return item

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> "Watcher":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


def watch(api: str, asked: dict[str, Value], options: Options, **named: Value) -> Watcher:
    """Begin to watch what `asked`, an INIT_WATCH, asks for.

    Raises:
        CloudError: a callback is none, or no suite is known.
    """
    others: Mapping[str, Value] = named.pop("others")
    given = options_of(api, options, others, **named)
    callbacks = [given["on_change"], given["on_error"]]
    if callbacks != [None, None] and not all(callable(each) for each in callbacks):
        raise sdk_error(api, "on_change and on_error should both be functions, or neither given")
    # Here, because most functions never watch: an HTTP client takes its time to import.
    from emulator.cloud.watch_feed import WatchFeed

    transport = _http_transport(active_session().transport)
    watcher = Watcher(api, given["on_change"], given["on_error"])
    feed = WatchFeed(transport.sign_socket, WatchState(asked), watcher)
    watcher.follow(feed.close)
    feed.start()
    return watcher


def _http_transport(transport: Transport) -> "HttpTransport":
    """Return the way of a script to the suite; a function takes it too, for as long as it runs."""
    from emulator.cloud.http import HttpTransport

    if isinstance(transport, HttpTransport):
        return transport
    endpoint = os.environ.get(ENDPOINT_VARIABLE, "")
    if not endpoint:
        raise CloudError(f"watch:fail no suite is known: {ENDPOINT_VARIABLE} is not set")
    return HttpTransport(endpoint, env_id=active_session().env_id)


def _nothing() -> None:
    """Do nothing: no feed was begun yet."""

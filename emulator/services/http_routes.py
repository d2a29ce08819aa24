"""Owns which function answers an HTTP request: the longest path prefix that fits.

Not here: the request and the answer (`wire.http_access`).
"""

from collections.abc import Iterable

from emulator.core.records import dataclass
from emulator.functions.base import HttpTrigger


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """A configured HTTP trigger of a function."""

    function: str
    trigger: str
    compiled: HttpTrigger


class HttpRoutes:
    """The HTTP triggers of one environment."""

    def __init__(self) -> None:
        self._routes: list[HttpRoute] = []

    def listen(self, routes: Iterable[HttpRoute]) -> None:
        """Answer on these routes from now on; of two alike the first function by name wins."""
        self._routes = sorted(
            routes, key=lambda route: (-len(route.compiled.path), route.function, route.trigger)
        )

    def all(self) -> list[HttpRoute]:
        """Return the routes, the most specific first."""
        return list(self._routes)

    def match(self, method: str, path: str) -> HttpRoute | None:
        """Return the most specific route for the request, None when no function listens."""
        for route in self._routes:
            if route.compiled.matches(method, path):
                return route
        return None

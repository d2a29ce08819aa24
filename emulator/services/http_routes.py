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

    def notices(self) -> list[str]:
        """Return a sentence for each route that another function's hides."""
        notices = []
        for at, route in enumerate(self._routes):
            first = next((each for each in self._routes[:at] if _hides(each, route)), None)
            if first is not None:
                notices.append(
                    f"trigger {route.trigger} of {route.function} hears nothing: "
                    f"{route.compiled.path} is answered by {first.function}"
                )
        return notices

    def all(self) -> list[HttpRoute]:
        """Return the routes, the most specific first."""
        return list(self._routes)

    def match(self, method: str, path: str) -> HttpRoute | None:
        """Return the most specific route for the request, None when no function listens."""
        for route in self._routes:
            if route.compiled.matches(method, path):
                return route
        return None


def _hides(first: HttpRoute, second: HttpRoute) -> bool:
    """Tell whether nothing that the second route serves gets past the first."""
    one, other = first.compiled, second.compiled
    if one.path != other.path:
        return False
    return not one.methods or (bool(other.methods) and other.methods <= one.methods)

"""Owns `dataclass`: the standard one, made quicker to define.

Not here: what records hold. The one idea: the standard decorator writes and compiles six methods
for each class, which for a few hundred classes is a good part of a start. Here a class gets the
constructor that the standard one writes, and shares all other methods. Type checkers see the
standard decorator; they, and not the running program, keep a frozen record from being changed.
"""

import dataclasses
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

_OURS: Final = frozenset({"frozen", "slots", "kw_only", "eq"})


def _dataclass(cls: Any = None, /, **options: Any) -> Any:
    """Return the class as a dataclass; with options beyond `_OURS` the standard one makes it."""
    if cls is None:
        return lambda given: _dataclass(given, **options)
    if not _OURS.issuperset(options):
        return dataclasses.dataclass(cls, **options)
    frozen, compared = options.pop("frozen", False), options.pop("eq", True)
    made: Any = dataclasses.dataclass(cls, eq=False, repr=False, **options)
    own = vars(cls)
    if "__repr__" not in own:
        made.__repr__ = _repr
    if compared and "__eq__" not in own:
        _compare(made, hashed=frozen)
    return made


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # said to be exported
else:
    dataclass = _dataclass


def _compare(made: Any, *, hashed: bool) -> None:
    values = _values_of([each.name for each in dataclasses.fields(made) if each.compare])

    def equals(self: Any, other: Any) -> Any:
        if self is other:
            return True
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    made.__eq__ = equals
    # As the standard has it: what may change and is compared by value has no hash.
    made.__hash__ = (lambda self: hash(values(self))) if hashed else None


def _values_of(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what makes a tuple of the fields of those names."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return lambda _record: ()
    get = attrgetter(names[0])
    return lambda record: (get(record),)


def _repr(self: Any) -> str:
    shown = (
        f"{each.name}={getattr(self, each.name)!r}"
        for each in dataclasses.fields(self)
        if each.repr
    )
    return f"{type(self).__qualname__}({', '.join(shown)})"

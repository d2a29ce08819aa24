"""Owns `dataclass`: the standard one, made quicker to define.

Not here: what records hold. The one idea: the standard decorator writes and compiles up to ten
methods for each class, which for a few hundred classes is a good part of a start. Here all classes
share them but for the constructor, and that is the standard one's, written when the first record of
a class is made. Type checkers see the standard decorator; they, and not the running program, keep a
frozen record from being changed.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, ge, gt, le, lt
from typing import TYPE_CHECKING, Any, Final

_OURS: Final = frozenset({"frozen", "slots", "kw_only", "eq", "order"})
_NOT_OF_THE_BODY: Final = frozenset({"__dict__", "__weakref__"})
_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "__lt__": lt,
    "__le__": le,
    "__gt__": gt,
    "__ge__": ge,
}


def _dataclass(cls: Any = None, /, **options: Any) -> Any:
    """Return the class as a dataclass; with options beyond `_OURS` the standard one makes it."""
    if cls is None:
        return lambda given: _dataclass(given, **options)
    if not _OURS.issuperset(options):
        return dataclasses.dataclass(cls, **options)
    frozen, compared = options.pop("frozen", False), options.pop("eq", True)
    ordered = options.pop("order", False)
    # Fields that are told by `field` leave the class, so its body is kept as it was written.
    body = {name: value for name, value in vars(cls).items() if name not in _NOT_OF_THE_BODY}
    made: Any = dataclasses.dataclass(cls, init=False, eq=False, repr=False, **options)
    if "__init__" not in body:
        made.__init__ = _first_constructor(made, body, kw_only=options.get("kw_only", False))
    if "__repr__" not in body:
        made.__repr__ = _repr
    if compared and "__eq__" not in body:
        _compare(made, hashed=frozen)
    if ordered:
        _order(made)
    return made


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # said to be exported
else:
    dataclass = _dataclass


def _first_constructor(made: Any, body: Mapping[str, Any], *, kw_only: bool) -> Any:
    """Return a constructor that puts the standard one in its own place, and has it make this."""

    def __init__(self: Any, *values: Any, **named: Any) -> None:  # noqa: N807  # it becomes one
        written = type(made)(made.__name__, made.__bases__, dict(body))
        written.__qualname__ = made.__qualname__
        standard = dataclasses.dataclass(written, eq=False, repr=False, kw_only=kw_only).__init__
        made.__init__ = standard
        standard(self, *values, **named)

    return __init__


def _order(made: Any) -> None:
    values = _compared_values_of(made)
    for name, compare in _ORDER.items():
        setattr(made, name, _comparison(values, compare))


def _comparison(values: Callable[[Any], Any], compare: Callable[[Any, Any], bool]) -> Any:
    def compares(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compare(values(self), values(other))

    return compares


def _compared_values_of(made: Any) -> Callable[[Any], tuple[Any, ...]]:
    return _values_of([each.name for each in dataclasses.fields(made) if each.compare])


def _compare(made: Any, *, hashed: bool) -> None:
    values = _compared_values_of(made)

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

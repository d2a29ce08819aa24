"""The quick `dataclass` beside the standard one: of a record, both say the same."""

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import InitVar, field
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.records import dataclass

FROZEN = {"frozen": True, "slots": True}
OPTIONS = [
    FROZEN,
    {**FROZEN, "kw_only": True},
    {**FROZEN, "eq": False},
    {"slots": True},
    {"slots": True, "kw_only": True, "eq": False},
    {**FROZEN, "order": True},
    {},
]


def pair(decorate, options):
    @decorate(**options)
    class Pair:
        first: object
        second: object = "x"
        quiet: int = field(default=0, compare=False, repr=False)

        def both(self):
            return self.first, self.second

    return Pair


def single(decorate, options):
    @decorate(**options)
    class Single:
        only: object

    return Single


def empty(decorate, options):
    @decorate(**options)
    class Empty:
        pass

    return Empty


MAKERS = [pair, single, empty]
CASES = [(make, options) for make in MAKERS for options in OPTIONS]


def arguments(make, values):
    names = {pair: ("first", "second", "quiet"), single: ("only",), empty: ()}[make]
    return dict(zip(names, values, strict=False))


def answers(kind, some, other):
    """Return everything that is said of two records of a kind."""
    one, two = kind(**some), kind(**other)
    said = {
        "equal": one == two,
        "unequal": one != two,
        "itself": one == one,  # asked on purpose
        "another": one == "text",
        "shown": repr(one).rpartition(".")[2] if kind.__repr__ is not object.__repr__ else "",
        "fields": [each.name for each in dataclasses.fields(one)],
        "replaced": dataclasses.asdict(dataclasses.replace(one, **other)),
        "matches": kind.__match_args__,
        "slots": getattr(kind, "__slots__", None),
    }
    try:
        said["same hash"] = hash(one) == hash(two)
    except TypeError:
        said["same hash"] = "none"
    return said


# Without NaN: whether a record with one equals itself is another matter in each Python.
VALUES = st.one_of(st.integers(0, 1), st.sampled_from(["a", "b", None]))


@given(
    st.sampled_from(CASES),
    st.tuples(VALUES, VALUES, st.integers(0, 1)),
    st.tuples(VALUES, VALUES, st.integers(0, 1)),
)
def test_it_says_what_the_standard_one_says(case, some, other):
    make, options = case
    some, other = arguments(make, some), arguments(make, other)
    ours = answers(make(dataclass, options), some, other)
    theirs = answers(make(dataclasses.dataclass, options), some, other)
    if options.get("eq", True) is False:
        # Both hash by identity, which chance may make equal.
        ours.pop("same hash"), theirs.pop("same hash")
    assert ours == theirs


def test_methods_of_the_class_itself_stay():
    @dataclass(frozen=True, slots=True)
    class Loud:
        name: str

        def __eq__(self, other):
            return True

        def __hash__(self):
            return 7

        def __repr__(self):
            return "loud"

    assert Loud("a") == Loud("b")
    assert hash(Loud("a")) == 7
    assert repr(Loud("a")) == "loud"


def rich(decorate):
    @decorate(frozen=True, slots=True)
    class Base:
        there: ClassVar[list[str]] = []
        given: InitVar[int]
        first: int = 1
        many: list[int] = field(default_factory=list)
        late: int = field(default=0, init=False)

        def __post_init__(self, given):
            object.__setattr__(self, "late", given + self.first)

    @decorate(frozen=True, slots=True, kw_only=True)
    class Kind(Base):
        last: str
        least: int = field(default=5, kw_only=True)

    return Kind


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((1,), {"last": "z"}),
        ((1, 2, [3]), {"last": "z", "least": 4}),
        ((), {"given": 1, "first": 2, "last": "z"}),
        ((), {}),
        ((1,), {}),
        ((1, 2, [3], "z"), {}),
        ((1,), {"last": "z", "late": 3}),
        ((1,), {"lost": "z"}),
    ],
)
def test_a_record_is_made_of_what_the_standard_one_is_made_of(given, named):
    told = []
    for decorate in (dataclass, dataclasses.dataclass):
        kind = rich(decorate)
        for _ in range(2):  # the first constructor writes the second
            try:
                one = kind(*given, **named)
            except TypeError as fault:
                told.append(str(fault))
            else:
                told.append((dataclasses.asdict(one), kind.there, repr(one)))
    assert told == [told[0]] * 4


def test_each_record_gets_defaults_of_its_own():
    kind = rich(dataclass)
    assert kind(1, last="a").many is not kind(1, last="b").many


def test_the_first_record_of_a_subclass_may_come_before_that_of_its_base():
    @dataclass(slots=True)
    class Base:
        name: str

    class Sub(Base):
        pass

    assert (Sub("a").name, Base("b").name, Sub("c").name) == ("a", "b", "c")


def test_many_threads_may_make_the_first_record():
    @dataclass(frozen=True, slots=True)
    class Shared:
        name: int

    with ThreadPoolExecutor(8) as pool:
        assert [each.name for each in pool.map(Shared, range(100))] == list(range(100))


def test_records_are_put_in_order_only_with_their_own_kind():
    @dataclass(frozen=True, slots=True, order=True)
    class Step:
        number: int
        name: str = field(default="", compare=False)

    @dataclass(frozen=True, slots=True, order=True)
    class Other:
        number: int

    assert Step(1) < Step(2) <= Step(2, "b") < Step(3)
    assert Step(3) > Step(2, "b") >= Step(2)
    assert not Step(2) < Step(2, "b")
    with pytest.raises(TypeError):
        sorted([Step(1), Other(1)])


def test_it_may_stand_without_options():
    @dataclass
    class Plain:
        name: str

    assert Plain("a") == Plain("a")
    with pytest.raises(TypeError):
        hash(Plain("a"))


def test_a_frozen_record_is_frozen_to_the_type_checker(tmp_path):
    code = (
        "from emulator.core.records import dataclass\n"
        "@dataclass(frozen=True, slots=True)\n"
        "class Record:\n    name: str\n"
        "Record('a').name = 'b'\n"
        "Record(1)\n"
    )
    (tmp_path / "tried.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-incremental", "--follow-imports=silent", "tried.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Property "name" defined in "Record" is read-only' in done.stdout, done.stdout
    assert 'has incompatible type "int"; expected "str"' in done.stdout

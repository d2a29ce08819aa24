"""The tree of a filter in its plain form."""

from emulator.core.query_nodes import (
    AllOf,
    And,
    Call,
    Check,
    Leaf,
    NoneOf,
    Not,
    Or,
    conjunction,
    element_test,
    locate,
    on_path,
    predicate,
)

ONE = Check(holds=lambda value: value == 1)
BIG = Check(holds=lambda value: type(value) is int and value > 5)


def test_conditions_become_nodes_on_their_path():
    node = on_path(("a",), AllOf([ONE, NoneOf(BIG)]))
    assert isinstance(node, And)
    assert [type(inner) for inner in node.nodes] == [Leaf, Not]
    assert predicate(node)({"a": [1, 2]})
    assert not predicate(node)({"a": [1, 9]})


def test_conjunctions_are_flat():
    leaf = Leaf(("a",), ONE)
    assert conjunction([leaf]) is leaf
    nested = conjunction([And([leaf, leaf]), leaf])
    assert isinstance(nested, And)
    assert list(nested.nodes) == [leaf, leaf, leaf]


def test_an_element_is_asked_without_opening_it():
    test = element_test(AllOf([NoneOf(ONE), BIG]))
    assert [test(value) for value in (6, 1, [6])] == [True, False, False]


def test_or_and_call_hold_and_locate():
    node = Or([Leaf(("a",), BIG), Call(lambda document: document.get("c") == 3)])
    assert predicate(node)({"a": [1, 7]})
    assert locate(node, {"a": [1, 7]}) == (True, None)
    assert locate(node, {"c": 3}) == (True, None)
    assert locate(node, {}) == (False, None)


def test_equalities_of_one_path_are_located_as_one():
    one, two = (Check(holds=lambda value, n=n: value == n, operand=n) for n in (1, 2))
    one, two, other = Leaf(("a",), one), Leaf(("a",), two), Leaf(("b",), two)
    assert locate(Or([one, two]), {"a": [7, 2, 1]}) == (True, 1)
    assert locate(Or([two, other]), {"a": [7, 2]}) == (True, None)
    assert locate(Or([two, other]), {}) == (False, None)


def test_a_negation_locates_nothing():
    assert locate(Not(Leaf(("a",), BIG)), {"a": [1]}) == (True, None)
    assert locate(Not(Leaf(("a",), BIG)), {"a": [9]}) == (False, None)

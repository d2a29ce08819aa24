"""Laws of updates: the old document stays, the difference re-applies, nothing crashes."""

import copy
from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st
from property_values import DOCUMENTS, FILTERS, JSON, PATHS, UPDATES, VALUES

from emulator.core.changes import removed_fields, updated_fields
from emulator.core.documents import admit, check_document
from emulator.core.ejson import canonical
from emulator.core.errors import EmulatorError
from emulator.core.ordering import identical
from emulator.core.paths import direct_value, split_path
from emulator.core.query import compile_filter
from emulator.core.update import compile_update, replacement, upsert_base
from emulator.core.values import MISSING

NOW_MS = 1_700_000_000_000


def successor(update, document, **moment):
    """Return the updated document, None where the update is refused."""
    try:
        return compile_update(update).apply(document, now_ms=NOW_MS, **moment)
    except EmulatorError:
        return None


@given(UPDATES, DOCUMENTS, st.none() | st.integers(0, 2), st.booleans())
@example({"$set": {"a": 1}}, {"a": True}, None, False)
@example({"$set": {"a": 1}}, {"a": 1.0}, None, False)
def test_an_update_leaves_the_old_document_and_its_difference_leads_to_the_new(
    update, document, matched_index, inserting
):
    before = copy.deepcopy(document)
    asked = copy.deepcopy(update)
    after = successor(update, document, matched_index=matched_index, inserting=inserting)
    assert canonical(document) == canonical(before)
    assert canonical(update) == canonical(asked)
    if after is None:
        return
    if after is not document:
        assert not identical(after, document)
    check_document(after)
    again = {key: value for key, value in document.items() if key in after}
    again |= updated_fields(document, after)
    assert identical({key: again[key] for key in after}, after)
    assert set(removed_fields(document, after)) == set(document) - set(after)


@given(PATHS, VALUES, DOCUMENTS)
def test_set_is_seen_and_idempotent_and_unset_takes_it_back(path, value, document):
    after = successor({"$set": {path: value}}, document)
    if after is None:
        return
    assert successor({"$set": {path: value}}, after) is after
    parts = split_path(path)
    if type(direct_value(document, parts[:-1])) is dict:
        assert identical(direct_value(after, parts), value)
        removed = successor({"$unset": {path: ""}}, after)
        assert direct_value(removed, parts) is MISSING
        assert successor({"$unset": {path: ""}}, removed) is removed


@given(FILTERS)
def test_what_an_upsert_starts_from_is_a_document_or_refused(wanted):
    try:
        base = upsert_base(wanted)
    except EmulatorError:
        return
    check_document(base)
    for path in compile_filter(wanted).equalities:
        assert direct_value(base, split_path(path)) is not MISSING


@given(JSON, DOCUMENTS)
def test_anything_is_an_update_or_refused(update, document):
    with suppress(EmulatorError):
        compile_update(update).apply(document, now_ms=NOW_MS)


@given(JSON, DOCUMENTS)
def test_anything_is_a_document_or_refused(data, document):
    with suppress(EmulatorError):
        admitted = admit(data, now_ms=NOW_MS)
        check_document(admitted)
        assert identical(admit(admitted, now_ms=NOW_MS), admitted)
        replacement(document, admitted)

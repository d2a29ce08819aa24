"""Laws of Extended JSON: every value survives every spelling."""

import json
from contextlib import suppress

from hypothesis import given
from property_values import DOCUMENTS, JSON, VALUES

from emulator.core.documents import admit
from emulator.core.ejson import canonical, decode, encode, holds_non_finite, tag
from emulator.core.errors import EmulatorError
from emulator.core.ordering import identical


@given(VALUES)
def test_every_value_survives_canonical_and_relaxed_text(value):
    for spelling in (canonical, encode):
        text = json.dumps(spelling(value), allow_nan=False)
        assert identical(decode(json.loads(text)), value), text


@given(VALUES)
def test_a_json_encoder_with_the_hook_writes_what_encode_does(value):
    if not holds_non_finite(value) and "Int64" not in repr(value):
        hooked = json.loads(json.dumps(value, default=tag))
        assert identical(decode(hooked), value) or "$numberLong" in json.dumps(encode(value))


@given(JSON)
def test_anything_is_extended_json_or_refused(data):
    with suppress(EmulatorError):
        decode(data)


@given(DOCUMENTS)
def test_what_is_admitted_is_the_same_and_nothing_is_shared(document):
    admitted = admit(document, now_ms=0)
    assert identical(admitted, document)
    for key, value in admitted.items():
        if type(value) in (dict, list):
            assert value is not document[key]

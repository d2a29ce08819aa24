"""Laws of projections: the plain model's answer, and no crash."""

from contextlib import suppress

import property_models as model
from hypothesis import given
from hypothesis import strategies as st
from property_values import DOCUMENTS, JSON, PATHS

from emulator.core.ejson import canonical
from emulator.core.errors import EmulatorError
from emulator.core.projection import compile_projection

PATH_LISTS = st.lists(PATHS, min_size=1, max_size=3, unique=True)


def parted(paths):
    return [path.split(".") for path in paths]


@given(PATH_LISTS, DOCUMENTS, st.booleans())
def test_inclusion_is_the_models(paths, document, shows_id):
    before = canonical(document)
    projection = {**dict.fromkeys(paths, 1), **({} if shows_id else {"_id": 0})}
    wanted = [*parted(paths), *([["_id"]] if shows_id else [])]
    found = compile_projection(projection)(document)
    assert canonical(found) == canonical(model.kept(document, wanted))
    assert list(found) == [name for name in document if name in found]
    assert canonical(document) == before


@given(PATH_LISTS, DOCUMENTS, st.booleans())
def test_exclusion_is_the_models(paths, document, shows_id):
    projection = {**dict.fromkeys(paths, 0), **({} if shows_id else {"_id": 0})}
    unwanted = [*parted(paths), *([] if shows_id else [["_id"]])]
    found = compile_projection(projection)(document)
    assert canonical(found) == canonical(model.without(document, unwanted))


@given(JSON, DOCUMENTS)
def test_anything_is_a_projection_or_refused(projection, document):
    with suppress(EmulatorError):
        compile_projection(projection, matched_index=lambda _: 0)(document)

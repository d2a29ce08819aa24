"""Documents in slices."""

from emulator.core.aggregate.leavings import Leavings
from emulator.core.aggregate.stage_nodes import SLICE_DOCUMENTS, gathered, slices


def test_slices_begin_small_and_grow():
    sizes = [len(chunk) for chunk in slices(range(10_000))]
    assert sum(sizes) == 10_000
    assert sizes[0] < sizes[1]
    assert max(sizes) == SLICE_DOCUMENTS


def test_gathering_gives_an_empty_slice_for_each():
    result = []

    def drive():
        result.append((yield from gathered(iter([[1, 2], [], [3]]), Leavings())))

    assert list(drive()) == [[], [], []]
    assert result == [[1, 2, 3]]

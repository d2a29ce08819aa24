import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.ambient import CountedIds, ManualClock, SystemIds
from emulator.core.errors import StorageDenied
from emulator.services.tickets import Ticket, Tickets, signing_key

START_MS = 1_700_000_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_MS)


@pytest.fixture
def tickets(clock: ManualClock) -> Tickets:
    return Tickets("key of this suite", clock)


def test_a_ticket_comes_back_as_it_was_signed(tickets: Tickets):
    text = tickets.sign("upload", "图/a b.png", lifetime_s=60, owner="oUser", depth=2)
    assert tickets.open(text, "upload") == Ticket(
        purpose="upload",
        cloud_path="图/a b.png",
        expires_ms=START_MS + 60_000,
        owner="oUser",
        depth=2,
    )


@given(path=st.text(st.characters(exclude_categories=["Cs"]), max_size=850))
def test_a_ticket_is_text_that_no_client_encodes(path: str):
    text = Tickets("key", ManualClock()).sign("download", path, lifetime_s=1)
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").replace(".", "").isalnum()


def test_a_ticket_ends_by_the_suite_s_clock(tickets: Tickets, clock: ManualClock):
    text = tickets.sign("download", "a", lifetime_s=60)
    clock.advance(59.999)
    assert tickets.open(text, "download").cloud_path == "a"
    clock.advance(0.001)
    with pytest.raises(StorageDenied, match="the ticket for a has expired"):
        tickets.open(text, "download")


@pytest.mark.parametrize(
    ("signed", "used"), [("upload", "download"), ("download", "upload")], ids=["read", "write"]
)
def test_a_ticket_is_for_one_purpose(tickets: Tickets, signed, used):
    text = tickets.sign(signed, "a", lifetime_s=60)
    with pytest.raises(StorageDenied, match=f"for an {signed}, not for an {used}"):
        tickets.open(text, used)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(".", id="dot"),
        pytest.param("abc", id="no signature"),
        pytest.param("abc.def", id="made up"),
        pytest.param("图.图", id="not ASCII"),
        pytest.param("a" * 5000 + ".b", id="long"),
        pytest.param("{}.{}", id="marks"),
    ],
)
def test_what_was_not_signed_here_is_refused(tickets: Tickets, text: str):
    with pytest.raises(StorageDenied, match="not one of this suite"):
        tickets.open(text, "upload")


def test_a_changed_ticket_is_refused_wherever_it_was_changed(tickets: Tickets):
    text = tickets.sign("upload", "a/b", lifetime_s=60)
    for at, char in enumerate(text):
        forged = text[:at] + ("A" if char != "A" else "B") + text[at + 1 :]
        with pytest.raises(StorageDenied):
            tickets.open(forged, "upload")
    for forged in (text[:-1], text + "A", text + ".", "A" + text, text.replace(".", "..")):
        with pytest.raises(StorageDenied):
            tickets.open(forged, "upload")


def test_a_ticket_of_another_data_folder_is_refused(clock: ManualClock, tickets: Tickets):
    text = Tickets("another key", clock).sign("upload", "a", lifetime_s=60)
    with pytest.raises(StorageDenied):
        tickets.open(text, "upload")


def test_the_key_is_made_once_for_a_data_folder(tmp_path: Path):
    folder = tmp_path / "data"
    key = signing_key(folder, SystemIds())
    assert len(key) >= 40
    assert signing_key(folder, SystemIds()) == key
    assert signing_key(tmp_path / "other", SystemIds()) != key


def test_an_empty_key_file_is_replaced(tmp_path: Path):
    (tmp_path / "ticket.key").write_text("")
    (tmp_path / "ticket.new").write_text("left by a crash")
    assert signing_key(tmp_path, CountedIds()) == "token-1"
    assert signing_key(tmp_path, CountedIds()) == "token-1"
    assert [path.name for path in tmp_path.iterdir()] == ["ticket.key"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_its_owner_reads_the_key(tmp_path: Path):
    signing_key(tmp_path, SystemIds())
    assert stat.S_IMODE((tmp_path / "ticket.key").stat().st_mode) == 0o600

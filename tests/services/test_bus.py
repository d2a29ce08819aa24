"""Committed events to those who enqueue them."""

from emulator.functions.base import StoredFile
from emulator.services.bus import Bus

FILE = StoredFile(cloud_path="a", file_id="cloud://x/a", operation="put")


def test_subscribers_of_the_kind_hear_in_order_of_subscription():
    bus, heard = Bus(), []
    bus.subscribe(StoredFile, lambda file: heard.append(("first", file)))
    bus.subscribe(StoredFile, lambda file: heard.append(("second", file)))
    bus.publish(FILE)
    assert heard == [("first", FILE), ("second", FILE)]


def test_subscriber_that_stopped_hears_no_more():
    bus, heard = Bus(), []
    stop = bus.subscribe(StoredFile, heard.append)
    stop()
    bus.publish(FILE)
    assert heard == []

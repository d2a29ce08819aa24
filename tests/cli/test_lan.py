from emulator.cli import lan


def test_each_network_has_its_link(monkeypatch):
    monkeypatch.setattr(lan, "addresses", lambda: ["192.168.1.5", "10.1.1.1", "fd00::2"])
    found = lan.links("0.0.0.0", "http://127.0.0.1:8270", "/_emu/pair?token=abc")
    assert found == [
        "http://192.168.1.5:8270/_emu/pair?token=abc",
        "http://10.1.1.1:8270/_emu/pair?token=abc",
    ]
    found = lan.links("::", "http://[::1]:8270", "/x")
    assert found[-1] == "http://[fd00::2]:8270/x"
    assert lan.links("192.168.1.7", "http://192.168.1.7:1", "/x") == ["http://192.168.1.7:1/x"]


def test_the_addresses_are_those_of_routes_and_never_of_this_machine_alone():
    assert lan.addresses(["127.0.0.1", "::1", "0.0.0.0"]) == []
    assert all(not each.startswith("127.") for each in lan.addresses())


def test_the_link_is_also_a_picture_that_a_phone_reads():
    lines = lan.picture("http://192.168.1.5:8270/_emu/pair?token=wb7u9synd3")
    assert len({len(line) for line in lines}) == 1
    assert len(lines) * 2 - len(lines[0]) in (0, 1)
    assert set("".join(lines)) <= set("█▀▄ ")
    assert lines[0] == "█" * len(lines[0])


def test_people_read_links_and_key():
    shown = "\n".join(lan.section({"links": ["http://192.168.1.5:1/x"], "key": "the-key"}))
    assert "http://192.168.1.5:1/x" in shown
    assert "X-Emu-Pairing: the-key" in shown
    for encoding, drawn in (("utf-8", True), ("ascii", False), ("cp1252", False), ("?", False)):
        lines = lan.section({"links": ["http://10.0.0.1/"], "key": "k"}, encoding)
        assert any("█" in line for line in lines) is drawn
    assert "no network" in "\n".join(lan.section({"links": [], "key": "k"}))

"""`cloud-emu fn instances`, `fn restart` and `--cold`, over a suite that runs elsewhere."""


def test_instances_are_listed_and_let_go(suite):
    cli, _ = suite
    (cli.project / "functions" / "hello" / "index.py").write_text(
        "seen = []\ndef main(event, context):\n    seen.append(1)\n    return len(seen)\n"
    )
    assert [cli("fn", "invoke", "hello").out.strip() for _ in range(2)] == ["1", "2"]
    assert cli("fn", "invoke", "hello", "--cold").out.strip() == "1"
    assert cli("fn", "invoke", "hello").out.strip() == "3"
    listed = cli("fn", "instances")
    assert listed.code == 0
    assert listed.out.startswith("hello")
    assert "python" in listed.out
    (known,) = [each for each in cli("fn", "instances", "--json").json if each["serves"]]
    assert (known["function"], known["calls_running"]) == ("hello", 0)
    done = cli("fn", "restart", "hello")
    assert (done.code, done.out) == (0, "hello: the next call begins with nothing in memory\n")
    assert cli("fn", "invoke", "hello").out.strip() == "1"
    assert cli("fn", "restart", "nope").code == 1

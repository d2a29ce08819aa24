"""What every worker process inherits of the machine's variables."""

from emulator.functions.process_environment import process_variables


def test_no_proxy_stands_between_a_function_and_the_suite(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "intern")
    assert process_variables()["NO_PROXY"] == "intern,127.0.0.1,localhost,::1"


def test_variables_to_leave_out_are_known_in_any_case(monkeypatch):
    monkeypatch.setenv("Some_Option", "x")
    assert "Some_Option" not in process_variables({"SOME_OPTION"})
    assert "Some_Option" in process_variables()

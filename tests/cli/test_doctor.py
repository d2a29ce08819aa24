"""`cloud-emu doctor` as people and programs read it."""


def test_a_sound_project_is_told_to_be_so(cli):
    done = cli("doctor", env={"CLOUD_EMU_PORT": "0", "CLOUD_EMU_SITE_PORT": "0"})
    assert done.code == 0, done.out
    assert "nothing to repair" in done.out
    assert "functions (the folder functions): 1 functions" in done.out


def test_a_wrong_configuration_is_an_error_with_its_line(cli):
    (cli.project / ".emulator.toml").write_text("[emulator]\nprot = 1\nport = 'x'\n")
    done = cli("doctor", "--json")
    assert done.code == 1
    errors = [each["message"] for each in done.json["checks"] if each["state"] == "error"]
    assert [error.split(": ")[0] for error in errors] == [".emulator.toml:2", ".emulator.toml:3"]
    assert done.json["errors"] == 2


def test_a_folder_that_is_not_there_is_an_error(cli):
    (cli.project / ".emulator.toml").write_text("[functions]\nroot = 'function'\n")
    done = cli("doctor")
    assert done.code == 1
    assert '.emulator.toml:2: functions.root: no folder function; did you mean "functions"?' in (
        done.out
    )


def test_the_suite_of_the_project_itself_does_not_count_as_a_taken_port(cli):
    _, ready = cli.start()
    done = cli("doctor")
    assert done.code == 0, done.out
    assert f"the suite of this project runs at {ready['urls']['api']}" in done.out

"""Which services run, and which files seed them."""

import pytest

from emulator.config import Only
from emulator.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "services", "functions"),
    [
        pytest.param("database", {"database"}, None, id="one"),
        pytest.param("database, storage", {"database", "storage"}, None, id="two"),
        pytest.param("functions", {"functions"}, None, id="all-functions"),
        pytest.param(
            "database,storage,functions:a,b",
            {"database", "storage", "functions"},
            {"a", "b"},
            id="some-functions",
        ),
        pytest.param("functions:a,functions:b", {"functions"}, {"a", "b"}, id="each-named"),
        pytest.param(
            "functions:a,storage", {"functions", "storage"}, {"a"}, id="a-service-stays-a-service"
        ),
        pytest.param("functions:storage", {"functions"}, {"storage"}, id="named-like-a-service"),
    ],
)
def test_only_names_services_and_functions(load, text, services, functions):
    expected = None if functions is None else frozenset(functions)
    assert load(only=text).only == Only(services=frozenset(services), functions=expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("databse", 'no service "databse"; did you mean "database"?', id="misspelt"),
        pytest.param("database:a", 'no service "database:a"; ', id="names-for-no-functions"),
        pytest.param("mail", 'no service "mail"; known: database', id="unknown"),
    ],
)
def test_an_unknown_service_is_refused_by_name(load, text, message):
    with pytest.raises(ConfigurationError) as raised:
        load(only=text)
    assert raised.value.message.startswith(f"--only: {message}")


def test_seed_files_are_found_by_name_pattern_and_folder(load, project):
    files = dict.fromkeys(
        ["seed/b.json", "seed/a.jsonl", "seed/readme.md", "seed/deep/c.jsonl", "one.json"], ""
    )
    load(files)
    at = project / "seed"
    assert load(seed="one.json").seed == (project / "one.json",)
    assert load(seed="seed").seed == (at / "a.jsonl", at / "b.json")
    assert load(seed=["one.json", "seed/*.json"]).seed == (project / "one.json", at / "b.json")
    assert load(seed="seed/**/*.jsonl").seed == (at / "a.jsonl", at / "deep/c.jsonl")
    assert load(environ={"CLOUD_EMU_SEED": "one.json"}).seed == (project / "one.json",)


def test_a_seed_flag_replaces_what_the_file_says(load, project):
    files = {".emulator.toml": "[seed]\npaths = ['a.json']\n", "a.json": "", "b.json": ""}
    assert load(files).seed == (project / "a.json",)
    assert load(files, seed=("b.json",)).seed == (project / "b.json",)


def test_a_seed_that_is_not_there_is_refused(load):
    with pytest.raises(ConfigurationError, match=r'^--seed: no file or folder "x\.json"$'):
        load(seed=("x.json",))

"""Functions as a project's configuration has them."""

import pytest

from emulator.config import load_config
from emulator.suite.project import Project

CONFIG = """
[functions]
root = "functions"

[hosting]
root = "functions/_site"

[seed]
paths = ["functions/_data/seed"]
"""


@pytest.fixture
def save(tmp_path):
    """Writes a file of the project."""

    def save(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    return save


@pytest.fixture
def project(tmp_path, save):
    save(".emulator.toml", CONFIG)
    save("functions/hello/index.py", "def main(event, context): return 1")
    save("functions/_site/index.html", "hello")
    save("functions/_data/seed/orders.jsonl", "{}")
    save("functions/_data/prices.json", "{}")
    save("functions/_shared/price.py", "PRICE = 1")
    return Project(load_config(tmp_path))


def digests(project):
    (found,) = project.discover()
    again = project.rediscover("hello")
    assert again is not None
    return found.digest, again.digest


@pytest.mark.parametrize(
    ("path", "is_code"),
    [
        pytest.param("functions/_site/index.html", False, id="a-page"),
        pytest.param("functions/_site/new/app.js", False, id="a-new-folder-of-the-site"),
        pytest.param("functions/_data/seed/orders.jsonl", False, id="seed"),
        pytest.param("functions/_data/prices.json", True, id="data-beside-the-seed"),
        pytest.param("functions/_shared/price.py", True, id="shared-code"),
        pytest.param("functions/hello/index.py", True, id="the-function"),
    ],
)
def test_a_function_is_another_when_its_code_or_what_it_shares_was_saved(
    project, save, path, is_code
):
    before = digests(project)
    save(path, "something else, and longer than before")
    assert (digests(project) != before) is is_code


def test_folders_and_settings_that_are_no_functions_are_told(tmp_path, save):
    save(".emulator.toml", "[functions]\nroot = 'functions'\n[functions.helo]\n")
    save("functions/hello/index.py", "def main(event, context): return 1")
    save("functions/支付/index.py", "def main(event, context): return 1")
    save("functions/assets/readme.md", "no function, nor meant as one")
    project = Project(load_config(tmp_path))
    project.discover()
    misnamed, orphan = project.notices()
    assert misnamed.startswith("支付 cannot be a function")
    assert orphan.endswith('functions.helo: no such function; did you mean "hello"?')
    assert orphan.startswith(f"{tmp_path / '.emulator.toml'}:3: ")

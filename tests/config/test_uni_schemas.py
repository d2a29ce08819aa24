"""Schemas of a uniCloud project as they lie on disk."""

import pytest

from emulator.config.uni_schemas import UniSchemas
from emulator.core.errors import ConfigurationError


def save(folder, name, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


def test_the_project_s_own_goes_before_those_of_modules(tmp_path):
    root = tmp_path / "uniCloud-aliyun" / "cloudfunctions"
    schemas = UniSchemas(root)
    assert schemas.schema("note") is None
    save(tmp_path / "uni_modules" / "a-b" / "uniCloud" / "database", "note", '{"of": "module"}')
    assert schemas.schema("note") == {"of": "module"}
    save(root.parent / "database", "note", '{"of": "project"} // own')
    assert schemas.schema("note") == {"of": "project"}
    for name in ("../note", "", "a/b", "x" * 200):
        assert schemas.schema(name) is None
    for text in ("[]", "{"):
        save(root.parent / "database", "bad", text)
        with pytest.raises(ConfigurationError):
            schemas.schema("bad")


def test_other_projects_have_none(tmp_path):
    save(tmp_path / "database", "note", "{}")
    for root in (None, tmp_path / "functions"):
        assert UniSchemas(root).schema("note") is None

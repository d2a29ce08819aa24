"""Schemas of a uniCloud project as they lie on disk."""

import pytest

from emulator.config import load_config
from emulator.config.uni_schemas import UniSchemas, creates_collections
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


def test_collections_with_a_schema_are_told_by_name(tmp_path):
    root = tmp_path / "uniCloud-tcb" / "cloudfunctions"
    assert UniSchemas(root).names() == []
    save(root.parent / "database", "note", "{}")
    save(root.parent / "database", "not a name", "{}")
    save(tmp_path / "src" / "uni_modules" / "a" / "uniCloud" / "database", "news", "{}")
    assert UniSchemas(root).names() == ["news", "note"]
    first = root.parent / "database" / "note.init_data.json"
    for text, expected in (('[{"_id": "1"}]', [{"_id": "1"}]), ("{}", [])):
        first.write_text(text, encoding="utf-8")
        assert UniSchemas(root).first_documents("note") == expected
    assert UniSchemas(root).first_documents("news") == []


@pytest.mark.parametrize(("provider", "makes"), [("aliyun", True), ("tcb", False)])
def test_collections_are_made_on_first_use_where_the_provider_does(tmp_path, provider, makes):
    root = tmp_path / f"uniCloud-{provider}" / "cloudfunctions"
    root.mkdir(parents=True)
    assert creates_collections(root) is makes
    assert load_config(tmp_path, environ={}).database.auto_create_collections is makes
    own = "[database]\nauto_create_collections = false\n"
    (tmp_path / ".emulator.toml").write_text(own, encoding="utf-8")
    assert load_config(tmp_path, environ={}).database.auto_create_collections is False
    assert creates_collections(None) is False

"""Owns reading `[openapi]` of `.emulator.toml` into the settings of the open APIs."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from emulator.services.openapi.settings import PHONE_NUMBER_DEFAULT, Mock, OpenApiSettings


def openapi_settings(table: Mapping[str, Any], project: Path) -> OpenApiSettings:
    """Return the settings of a table that the schema has let pass; files lie in the project."""
    security, user = table.get("security", {}), table.get("user", {})
    mocks = {name: _mock(said, project) for name, said in table.get("mocks", {}).items()}
    templates = {name: tuple(fields) for name, fields in table.get("templates", {}).items()}
    return OpenApiSettings(
        enforce_permissions=table.get("enforce_permissions", True),
        risky_words=tuple(security.get("risky_words", ())),
        images=security.get("images", "pass"),
        auto_pay=table.get("auto_pay", True),
        phone_number=user.get("phone_number", PHONE_NUMBER_DEFAULT),
        open_data=MappingProxyType(dict(user.get("open_data", {}))),
        templates=MappingProxyType(templates),
        mocks=MappingProxyType(mocks),
    )


def _mock(said: Mapping[str, Any], project: Path) -> Mock:
    if "file" in said:
        content_type = said.get("content_type", "application/octet-stream")
        return Mock(file=project / said["file"], content_type=content_type)
    return Mock(data=MappingProxyType(dict(said)))

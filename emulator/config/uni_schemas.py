"""Owns where the schemas of a uniCloud project lie, and reading them.

Not here: what they mean (`core.jql`). The one idea: a file is read when its collection is asked
for, so that what was saved a moment ago holds; the project's own goes before those of modules.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from emulator.config.text_files import parse_json, read_text, shown_path
from emulator.core.errors import ConfigurationError

MODULES_MAX: Final = 500
"""Modules of a project that are looked into."""
_NAME: Final = re.compile(r"[\w-]{1,128}\Z")


def creates_collections(root: Path | None) -> bool:
    """Tell whether the provider of a uniCloud project makes collections on their first use.

    Aliyun does, as doc.dcloud.net.cn/uniCloud/jql#add says; `root` is where the functions lie.
    """
    return root is not None and "uniCloud-aliyun" in root.parts


class UniSchemas:
    """The schemas beside the functions of a project; `root` is where those lie."""

    def __init__(self, root: Path | None) -> None:
        self._root = root if root is not None and root.name == "cloudfunctions" else None

    def schema(self, collection: str) -> Mapping[str, Any] | None:
        """Return the schema of a collection; None where there is none.

        Raises:
            ConfigurationError: the file is no JSON object.
        """
        if not _NAME.match(collection):
            return None
        for folder in self._folders():
            file = folder / f"{collection}.schema.json"
            if not file.is_file():
                continue
            found = parse_json(read_text(file), name=shown_path(file))
            if isinstance(found, dict):
                return found
            raise ConfigurationError(f"{shown_path(file)}: must hold one JSON object")
        return None

    def first_documents(self, collection: str) -> list[Any]:
        """Return the documents that a collection with a schema begins with, in Extended JSON.

        Raises:
            ConfigurationError: the file is no JSON.
        """
        for folder in self._folders():
            file = folder / f"{collection}.init_data.json"
            if file.is_file():
                found = parse_json(read_text(file), name=shown_path(file))
                listed = found if isinstance(found, list) else []
                return [each for each in listed if isinstance(each, dict)]
        return []

    def names(self) -> list[str]:
        """Return the collections that have a schema."""
        end = ".schema.json"
        found = {
            file.name.removesuffix(end)
            for folder in self._folders()
            for file in (folder.glob(f"*{end}") if folder.is_dir() else ())
        }
        return sorted(name for name in found if _NAME.match(name))

    def _folders(self) -> Iterator[Path]:
        if self._root is None:
            return
        yield self._root.parent / "database"
        project = self._root.parent.parent
        for place in (project / "uni_modules", project / "src" / "uni_modules"):
            modules = sorted(place.iterdir())[:MODULES_MAX] if place.is_dir() else ()
            for module in modules:
                yield module / "uniCloud" / "database"

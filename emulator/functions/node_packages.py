"""Owns which packages Node functions need, which of them are missing, and what would install them.

Not here: installing (`cli.fn_install`), resolving (Node's own, helped by `node/loader.js`). The one
idea: packages are looked for where Node would look, without running any code. Functions that need
nothing but an SDK share one installation; others get their own, as in the cloud.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from emulator.core.records import dataclass
from emulator.functions.base import Bundle

SHARED_PACKAGES: Final = frozenset({"wx-server-sdk", "@cloudbase/node-sdk", "tcb-admin-node"})
"""Packages that one installation in the data folder may provide to every function."""
SHARED_VERSION_DEFAULT: Final = "latest"
SOURCE_MAX_BYTES: Final = 1024 * 1024

_COMMON: Final = "uniCloud/cloudfunctions/common"
"""Where a package of uni_modules keeps what is laid into the project's folder of that name."""
_ANY_VERSION: Final = frozenset({"", "*", "latest"})
_VERSION: Final = re.compile(r"\s*([~^]?)v?(\d+)\.(\d+)\.(\d+)(?:[-+][\w.+-]*)?\s*\Z")
_REQUIRED: Final = re.compile(
    r"""(?:\brequire\(\s*|\bfrom\s+|\bimport\s*\(?\s*)["']((?:@[\w.-]+/)?[a-z][\w.-]*)[^"'\n]*["']"""
)
_BUILT_IN: Final = frozenset(
    {
        "assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants",
        "crypto", "dgram", "dns", "domain", "events", "fs", "http", "http2", "https", "inspector",
        "module", "net", "node", "os", "path", "perf_hooks", "process", "punycode", "querystring",
        "readline", "repl", "stream", "string_decoder", "sys", "timers", "tls", "trace_events",
        "tty", "url", "util", "v8", "vm", "wasi", "worker_threads", "zlib",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What one function needs of the registry: versions by package.

    `has_manifest` tells whether its `package.json` says so; else its entry file was read. `other`
    are missing packages of which the shared installation holds another version.
    """

    bundle: Bundle
    packages: Mapping[str, str]
    missing: tuple[str, ...]
    has_manifest: bool
    other: tuple[str, ...] = ()

    def cure(self) -> str:
        """Return what to run for what is missing."""
        own = "npm install" if self.has_manifest else f"npm install {' '.join(self.missing)}"
        return f"run: cloud-emu fn install (or {own} in {self.bundle.folder.name}/)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to install: packages for all in the shared folder, folders with their own, the rest.

    `left` are functions that name no versions anywhere, whose packages nobody can choose for them.
    """

    shared: Mapping[str, str]
    own: tuple[Needs, ...]
    left: tuple[Needs, ...]


def needs_of(bundle: Bundle, shared: Path) -> Needs:
    """Return what a function needs, and what of it Node would not find."""
    manifest = _manifest(bundle.folder)
    declared = manifest.get("dependencies") if manifest is not None else None
    if isinstance(declared, dict):
        packages = {str(name): str(version) for name, version in declared.items()}
    else:
        optional = (manifest or {}).get("optionalDependencies")
        # What may fail to install is nothing that a function lacks.
        asked = (name for name in _required(bundle.entry) if name not in (optional or ()))
        packages = dict.fromkeys(asked, "")
    places = [folder / "node_modules" for folder in (bundle.folder, *bundle.folder.parents)]
    found = {
        name
        for name, version in packages.items()
        if any((place / name).is_dir() for place in places)
        or _is_linked(bundle.folder, version)
        or _is_own(bundle.folder, name)
    }
    held = {
        name: str((_manifest(shared / "node_modules" / name) or {}).get("version"))
        for name in packages.keys() - found
        if (shared / "node_modules" / name).is_dir()
    }
    other = {name for name, version in held.items() if not _is_within(version, packages[name])}
    return Needs(
        bundle=bundle,
        packages=packages,
        missing=tuple(sorted((packages.keys() - found - held.keys()) | other)),
        has_manifest=isinstance(declared, dict),
        other=tuple(sorted(other)),
    )


def all_needs(bundles: Iterable[Bundle], shared: Path) -> list[Needs]:
    """Return the needs of every Node function."""
    return [needs_of(bundle, shared) for bundle in bundles if bundle.language == "node"]


def plan(needs: Sequence[Needs]) -> Plan:
    """Return what to install so that no function lacks anything.

    The version of a shared package is the one most functions ask for, or the one that is there;
    who asks for another gets an installation of its own.
    """
    lacking = [each for each in needs if each.missing]
    sharing = [
        each for each in lacking if not each.other and SHARED_PACKAGES.issuperset(each.missing)
    ]
    versions = {
        name: _chosen(each.packages[name] for each in sharing if name in each.missing)
        for name in sorted({name for each in sharing for name in each.missing})
    }
    served = {each.bundle.name for each in sharing if _suits(each, versions)}
    wanted = {name for each in sharing if each.bundle.name in served for name in each.missing}
    rest = [each for each in lacking if each.bundle.name not in served]
    return Plan(
        shared={name: version for name, version in versions.items() if name in wanted},
        own=tuple(each for each in rest if each.has_manifest),
        left=tuple(each for each in rest if not each.has_manifest),
    )


def _chosen(wished: Iterable[str]) -> str:
    exact = Counter(version for version in wished if version not in _ANY_VERSION)
    return exact.most_common(1)[0][0] if exact else SHARED_VERSION_DEFAULT


def _suits(needs: Needs, versions: Mapping[str, str]) -> bool:
    return all(
        needs.packages[name] in _ANY_VERSION or needs.packages[name] == versions[name]
        for name in needs.missing
    )


def _is_within(version: str, wished: str) -> bool:
    """Tell whether a version is what was asked for, as far as `1.2.3`, `~1.2.3`, `^1.2.3` say."""
    asked, held = _VERSION.match(wished), _VERSION.match(version)
    if asked is None or held is None:
        return True
    least, has = (tuple(map(int, found.groups()[1:])) for found in (asked, held))
    if not asked[1]:
        return has == least
    # A caret keeps the first number that is not 0, a tilde the first two.
    kept = 2 if asked[1] == "~" else next((at + 1 for at in range(2) if least[at]), 3)
    return has >= least and has[:kept] == least[:kept]


def _is_linked(folder: Path, version: str) -> bool:
    """Tell whether a package is a folder of the project, which is found without being installed."""
    if not version.startswith("file:"):
        return False
    place = folder / version.removeprefix("file:")
    return place.is_dir() or any(
        next((above / "uni_modules").glob(f"*/{_COMMON}/{place.name}"), None) is not None
        for above in folder.parents
        if (above / "uni_modules").is_dir()
    )


def _is_own(folder: Path, name: str) -> bool:
    """Tell whether a name is found in the function's folder itself, as it is on the platform."""
    return (folder / name).is_dir() or (folder / f"{name}.js").is_file()


def _manifest(folder: Path) -> Mapping[str, Any] | None:
    """Return `package.json`; what cannot be read is npm's to complain about."""
    try:
        found = json.loads((folder / "package.json").read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _required(entry: Path) -> list[str]:
    """Return the packages that the text of a file asks for."""
    try:
        if entry.stat().st_size > SOURCE_MAX_BYTES:
            return []
        text = entry.read_text("utf-8", "replace")
    except OSError:
        return []
    return sorted(set(_REQUIRED.findall(text)) - _BUILT_IN)

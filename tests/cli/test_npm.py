"""Which program installs the packages of a Node function, and with what it is told."""

import sys

import pytest

from emulator.cli.npm import install_own

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are scripts")

FOUND = [
    ((), (), ("npm", "--omit=dev")),
    (("package-lock.json",), (), ("npm", "--omit=dev")),
    (("pnpm-lock.yaml",), (), ("pnpm", "--prod", "--ignore-workspace")),
    (("../pnpm-lock.yaml",), (), ("npm", "--omit=dev")),
    (("../pnpm-lock.yaml",), ("^1.0.0", "workspace:*"), ("pnpm", "--prod")),
    (("yarn.lock",), (), ("npm", "--no-package-lock")),
]


def test_who_wrote_the_lock_file_installs_if_it_is_there(tmp_path, monkeypatch):
    for name in ("npm", "pnpm"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for number, (locks, versions, (name, *options)) in enumerate(FOUND):
        folder = tmp_path / str(number) / "fn"
        folder.mkdir(parents=True)
        for lock in locks:
            (folder / lock).touch()
        installation = install_own(folder, versions)
        assert installation.command[:2] == (str(tmp_path / name), "install")
        assert list(installation.command[2 : 2 + len(options)]) == options
        assert installation.said.startswith(f"{name} install")
    assert installation.said.endswith("(its lock file is of yarn, which was not found)")

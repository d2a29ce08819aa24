"""Wheels that a test makes itself, so that pip needs no network."""

import zipfile
from pathlib import Path


def make_wheel(folder: Path, name: str, version: str, code: str | None = None) -> Path:
    """Write a wheel of one package; by default its module tells its version."""
    text = f"VERSION = {version!r}\n" if code is None else code
    about = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": text,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{about}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, content in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(file, content)
    return wheel


def put_package(folder: Path, name: str, version: str, code: str | None = None) -> None:
    """Put a package into a folder as `pip install -t` does."""
    with zipfile.ZipFile(make_wheel(folder / "_wheels", name, version, code)) as archive:
        archive.extractall(folder)

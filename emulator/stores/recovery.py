"""Owns reading documents back: the checkpoint, then the journal's segments in order.

Not here: writing either. The one idea: reading changes nothing. It says where the journal is good
until, and lists the repairs that make the files agree with what was read; who only looks leaves
them undone. Reading stops at the first record that does not prove itself: a torn one at the end is
cut off; whatever else is damaged, and what follows it, is kept aside and never thrown away.
"""

from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from emulator.core.errors import StoreError
from emulator.core.records import dataclass
from emulator.core.values import Document, Value
from emulator.stores.checkpoint import ASIDE_NAME, CHECKPOINT_NAME, read_checkpoint
from emulator.stores.contents import Contents
from emulator.stores.files import Files, write_all
from emulator.stores.journal import FORMAT, segments
from emulator.stores.records import read_record

READ_ATTEMPTS_MAX: Final = 5
_COPY_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cut:
    """Keep only the first bytes of a segment."""

    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """Keep a segment's bytes from here on in a `.damaged` file."""

    path: Path
    start: int


@dataclass(frozen=True, slots=True)
class Discard:
    """Remove a file that holds nothing."""

    path: Path


Repair: TypeAlias = Cut | SetAside | Discard


@dataclass(slots=True, kw_only=True)
class Recovered:
    """What was read, where the journal goes on, and what has to be repaired first.

    `records` counts what no checkpoint is known to hold. `segment` is None when there is none yet.
    """

    contents: Contents
    sequence: int = 0
    records: int = 0
    segment: Path | None = None
    size_bytes: int = 0
    older_bytes: int = 0
    notices: list[str] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)


def recover(folder: Path) -> Recovered:
    """Return everything that the folder holds, in the state of the last good record.

    Raises:
        StoreError: a file cannot be read, is foreign, or is of a newer version.
    """
    found = segments(folder)
    recovered = Recovered(contents=read_checkpoint(folder))
    aside = folder / ASIDE_NAME
    if aside.exists():
        recovered.repairs.append(Discard(aside))
    if found:
        recovered.sequence = found[0][0] - 1
        if recovered.sequence > 0 and not (folder / CHECKPOINT_NAME).exists():
            recovered.notices.append(
                f"{CHECKPOINT_NAME} is missing: only what was written after sequence "
                f"{recovered.sequence} is there"
            )
    paths = [path for _, path in found]
    for index, path in enumerate(paths):
        try:
            follows = _replay(path, recovered, is_last=index == len(paths) - 1)
        except (KeyError, TypeError, IndexError) as fault:
            raise StoreError(f"{path} holds a record that is not understood: {fault!r}") from fault
        if not follows:
            _set_aside(paths[index:], recovered)
            break
    recovered.contents.settle()
    return recovered


def recover_unguarded(folder: Path) -> Recovered:
    """Return the same while a suite may be writing to the folder and replacing files in it.

    Raises:
        StoreError: as `recover`, and when the files never kept still long enough.
    """
    for _ in range(READ_ATTEMPTS_MAX):
        before = segments(folder)[:1]
        try:
            recovered = recover(folder)
        except FileNotFoundError:
            continue
        if segments(folder)[:1] == before:
            return recovered
    raise StoreError(f"{folder} is being rewritten faster than it can be read; try again")


def repair(folder: Path, recovered: Recovered, files: Files) -> None:
    """Carry the repairs out, in an order that a crash may interrupt anywhere.

    Raises:
        OSError: the disk refused.
    """
    for step in recovered.repairs:
        if isinstance(step, SetAside):
            _copy_rest(step, files)
        elif isinstance(step, Cut):
            descriptor = files.open_append(step.path)
            try:
                files.truncate(descriptor, step.size_bytes)
                files.sync(descriptor)
            finally:
                files.close(descriptor)
        else:
            files.remove(step.path)
    if recovered.repairs:
        files.sync_folder(folder)


def _replay(path: Path, recovered: Recovered, *, is_last: bool) -> bool:
    """Apply a segment as far as it is good, and tell whether the next one may follow."""
    size_bytes = path.stat().st_size
    good_bytes = 0
    opening: Document | None = None
    with path.open("rb") as stream:
        for end, payload in _good_records(stream):
            if opening is None:
                opening = _opening(path, payload)
                if opening["sequence"] != recovered.sequence:
                    return _left_over(path, recovered, is_empty=end == size_bytes)
                _open(opening, recovered.contents)
            elif payload["sequence"] != recovered.sequence + 1:
                break
            else:
                recovered.contents.apply(payload["writes"])
                recovered.sequence += 1
                recovered.records += 1
            good_bytes = end
    if opening is not None:
        recovered.older_bytes += recovered.size_bytes
        recovered.segment, recovered.size_bytes = path, good_bytes
    if good_bytes == size_bytes and opening is not None:
        return True
    return _stop(path, good_bytes, recovered, is_last=is_last)


def _stop(path: Path, good_bytes: int, recovered: Recovered, *, is_last: bool) -> bool:
    """Have a segment end before bytes that prove nothing, unless good records are among them."""
    with path.open("rb") as stream:
        stream.seek(good_bytes)
        rest = list(stream)
    if any(map(_proves_itself, rest)):
        return False
    # What a write leaves behind that did not come to its end is less than a line.
    keep = not is_last or any(line.endswith(b"\n") for line in rest)
    if rest:
        recovered.notices.append(
            f"{path.name}: a record after sequence {recovered.sequence} was "
            f"{'damaged' if keep else 'torn'}; {sum(map(len, rest))} bytes were "
            f"{'set aside in a file ending in .damaged' if keep else 'dropped'}"
        )
    _end(path, good_bytes, recovered, keep=keep)
    return True


def _good_records(stream: BinaryIO) -> Iterator[tuple[int, Value]]:
    """Yield each value and where its record ends, until a record does not prove itself."""
    end = 0
    for line in stream:
        try:
            value = read_record(line)
        except ValueError:
            return
        end += len(line)
        yield end, value


def _opening(path: Path, payload: Value) -> Document:
    """Return a segment's header.

    Raises:
        StoreError: it is of a format this version does not know.
    """
    if not isinstance(payload, dict) or payload.get("format") != FORMAT:
        raise StoreError(
            f"{path} is not of format {FORMAT}, the only one this version knows",
            hint="open it with the version of the emulator that wrote it, or move the folder away",
        )
    return payload


def _open(opening: Document, contents: Contents) -> None:
    """Take over what a header says of the collections as they were when it was written."""
    contents.arrange(opening["collections"])
    for name, documents in contents.collections.items():
        documents.describe(opening["catalogue"].get(name, {}))


def _left_over(path: Path, recovered: Recovered, *, is_empty: bool) -> bool:
    """A segment that does not follow: nothing was ever written to it, or others are missing."""
    if is_empty:
        recovered.repairs.append(Discard(path))
    return is_empty


def _proves_itself(line: bytes) -> bool:
    try:
        read_record(line)
    except ValueError:
        return False
    return True


def _set_aside(paths: list[Path], recovered: Recovered) -> None:
    """Have the rest of the first segment and all of the others kept as damaged, newest first."""
    lost_bytes = 0
    for path in reversed(paths):
        good_bytes = recovered.size_bytes if path == recovered.segment else 0
        lost_bytes += path.stat().st_size - good_bytes
        _end(path, good_bytes, recovered, keep=True)
    recovered.notices.append(
        f"{paths[0].name}: a record after sequence {recovered.sequence} is damaged or missing; "
        f"{lost_bytes} bytes that follow are kept in {len(paths)} file(s) ending in .damaged "
        f"and everything written after sequence {recovered.sequence} is lost"
    )


def _end(path: Path, good_bytes: int, recovered: Recovered, *, keep: bool) -> None:
    """Have a segment end after its good bytes, the others kept aside or not."""
    if keep and path.stat().st_size > good_bytes:
        recovered.repairs.append(SetAside(path, good_bytes))
    recovered.repairs.append(Cut(path, good_bytes) if good_bytes else Discard(path))


def _copy_rest(step: SetAside, files: Files) -> None:
    target = step.path.with_name(step.path.name + ".damaged")
    attempt = 1
    while target.exists():
        attempt += 1
        target = step.path.with_name(f"{step.path.name}.damaged-{attempt}")
    descriptor = files.open_new(target)
    try:
        with step.path.open("rb") as stream:
            stream.seek(step.start)
            while chunk := stream.read(_COPY_BYTES):
                write_all(files, descriptor, chunk)
        files.sync(descriptor)
    finally:
        files.close(descriptor)
    files.sync_folder(target.parent)

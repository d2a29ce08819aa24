"""Owns how a failure of user code is told: its message, and the frames that are the user's own.

Not here: what counts as a failure (`python_inline`). The one idea: the sources are those that were
loaded, so that lines are right even when the file has changed since.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Final

from emulator.core.wellformed import wellformed
from emulator.functions.base import Problem
from emulator.functions.python_modules import ModuleSpace

CHAIN_MAX: Final = 5
"""Causes of causes that are told."""
FRAMES_MAX: Final = 40
"""A deep recursion is told by its ends."""

INSTALL_IT: Final = (
    "; name it in the function's requirements.txt and run cloud-emu fn install, or put it into the "
    "function's folder"
)

_Place = tuple[CodeType, int]


def message_of(fault: BaseException, space: ModuleSpace) -> str:
    """Return `Type: text`."""
    name = type(fault).__name__
    try:
        text = str(fault)
    except Exception:  # noqa: BLE001  # the rim of an invocation: a broken __str__ is user code
        text = "(its text cannot be shown)"
    return space.shown(wellformed(f"{name}: {text}" if text else name))


def stack_of(fault: BaseException, space: ModuleSpace) -> str:
    """Return the user's frames, the innermost last, and those of what caused the failure."""
    chain = _chain(fault)
    parts = []
    for link, joint in reversed(chain):
        if len(chain) > 1:
            parts.append(f"{joint}{message_of(link, space)}")
        parts.append(_format(_walk(link.__traceback__), space))
    if isinstance(fault, BaseExceptionGroup):
        for member in fault.exceptions[:CHAIN_MAX]:
            parts.append(f"among them: {message_of(member, space)}")
            parts.append(stack_of(member, space))
    return "\n".join(part for part in parts if part)


def explain(fault: BaseException, space: ModuleSpace) -> tuple[str, str]:
    """Return the message, with what to do about a package that is missing, and the stack."""
    return f"{message_of(fault, space)}{cure_of(fault, space)}", stack_of(fault, space)


def cure_of(fault: BaseException, space: ModuleSpace) -> str:
    """Return what to do about a module or a file that is not there, empty where nothing helps."""
    if isinstance(fault, FileNotFoundError):
        return _cure_of_place(fault, space)
    if not isinstance(fault, ModuleNotFoundError):
        return ""
    cure = space.cure()
    return f"; {cure}" if cure else ""


def _cure_of_place(fault: FileNotFoundError, space: ModuleSpace) -> str:
    """Return what to do about a file of the function that was looked for elsewhere."""
    name = fault.filename
    if not isinstance(name, str) or Path(name).is_absolute() or not (space.folder / name).exists():
        return ""
    return (
        "; it lies in the function's folder, which is the working folder only where a function has"
        ' a process of its own: set "runtime": "process" in config.json, or open it beside __file__'
    )


def stack_at(frame: FrameType | None, space: ModuleSpace) -> str:
    """Return the user's frames of code that is running now."""
    places: list[_Place] = []
    while frame is not None:
        places.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return _format(reversed(places), space)


def stack_awaited(awaited: Any, space: ModuleSpace) -> str:
    """Return the user's frames of a coroutine that waits."""
    places: list[_Place] = []
    while awaited is not None and len(places) < FRAMES_MAX:
        frame = getattr(awaited, "cr_frame", None)
        if frame is not None:
            places.append((frame.f_code, frame.f_lineno))
        awaited = getattr(awaited, "cr_await", None)
    return _format(places, space)


def problem_of(fault: BaseException, space: ModuleSpace, entry: Path) -> Problem:
    """Return where in the user's files loading failed, and why."""
    message = message_of(fault, space)
    if isinstance(fault, SyntaxError) and fault.filename in space.sources:
        message = f"{type(fault).__name__}: {fault.msg}"
        return Problem(file=fault.filename, line=fault.lineno or 0, message=message)
    if isinstance(fault, ModuleNotFoundError):
        message += cure_of(fault, space) or INSTALL_IT
    own = [place for place in _walk(fault.__traceback__) if place[0].co_filename in space.sources]
    if not own:
        return Problem(file=str(entry), line=0, message=message)
    code, line = own[-1]
    return Problem(file=code.co_filename, line=line, message=message)


def _chain(fault: BaseException) -> list[tuple[BaseException, str]]:
    """Return the failure and what led to it, each with the words that join it to its cause."""
    links: list[BaseException] = []
    joints: list[str] = []
    link: BaseException | None = fault
    while link is not None and len(links) < CHAIN_MAX and not any(link is each for each in links):
        links.append(link)
        joints.append("which caused " if link.__cause__ else "while handling it: ")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    joints[-1] = ""
    return list(zip(links, joints, strict=True))


def _walk(traceback: TracebackType | None) -> Iterator[_Place]:
    while traceback is not None:
        yield traceback.tb_frame.f_code, traceback.tb_lineno
        traceback = traceback.tb_next


def _format(places: Iterable[_Place], space: ModuleSpace) -> str:
    own = [place for place in places if place[0].co_filename in space.sources]
    lines = [_frame(code, line, space) for code, line in own]
    if len(lines) > FRAMES_MAX:
        half = FRAMES_MAX // 2
        lines[half:-half] = [f"  ... {len(lines) - FRAMES_MAX} more frames"]
    return wellformed("\n".join(lines))


def _frame(code: CodeType, line: int, space: ModuleSpace) -> str:
    file = Path(code.co_filename).relative_to(space.folder.parent).as_posix()
    head = f'  File "{file}", line {line}, in {code.co_name}'
    sources = space.sources[code.co_filename].splitlines()
    source = sources[line - 1].strip() if 0 < line <= len(sources) else ""
    return f"{head}\n    {source}" if source else head

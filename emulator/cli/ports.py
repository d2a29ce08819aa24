"""Owns the question whether a port can be taken, and who holds it if not.

Not here: listening (`server`). The one idea: "address already in use" helps nobody; the process
that holds the port, and what to do, does.
"""

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from emulator.cli.output import Failed
from emulator.cli.processes import answer_of, name_of
from emulator.core.records import dataclass

ASK_SUITE_MAX_S: Final = 1.0
_LISTENING: Final = "0A"
_NOT_HERE: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who listens on a port, as far as it could be found out; `project` is that of a suite."""

    pid: int = 0
    name: str = ""
    env: str = ""
    project: str = ""

    def sentence(self) -> str:
        """Return who it is, to be put behind "is taken"."""
        if self.project or self.env:
            facts = [f"environment {self.env}", f"pid {self.pid}"]
            return f" by the suite of {self.project or 'another project'} ({', '.join(facts)})"
        if self.pid:
            return f" by {self.name or 'a process'} (pid {self.pid})"
        return "; who holds it could not be found out"


def refuse_busy_ports(host: str, api_port: int, site_port: int) -> None:
    """Raise Failed, naming who holds it, if one of the ports cannot be taken.

    Port 0 is any free one; then only the host may be wrong.
    """
    taken = [
        (port, option)
        for port, option in ((api_port, "--port"), (site_port, "--site-port"))
        if _is_taken(host, port, option)
    ]
    if not taken:
        return
    holders = [_holder_at(host, port) for port, _ in taken]
    projects = [f'cloud-emu stop "{holder.project}"' for holder in holders if holder.project]
    stop = projects[0] if projects else "stop it"
    free = " ".join(f"{option} 0" for _, option in taken)
    raise Failed(
        "; ".join(
            f"port {port} is taken{holder.sentence()}"
            for (port, _), holder in zip(taken, holders, strict=True)
        ),
        hint=f"{stop}, or take free ones: {free}",
        code="PORT_TAKEN",
    )


def holder_of(port: int) -> Holder | None:
    """Return the process that listens on a TCP port of this machine, if it can be found."""
    if sys.platform == "win32":
        pid = _pid_by_netstat(port)
    elif Path("/proc/net/tcp").exists():
        pid = _pid_by_proc(port)
    else:
        pid = _pid_by_lsof(port)
    return None if pid is None else Holder(pid=pid, name=name_of(pid))


def suite_at(host: str, port: int) -> dict[str, Any] | None:
    """Return what `/_emu/health` says if a suite answers there."""
    from emulator.cli.control import ControlClient

    client = ControlClient(f"http://{_reachable(host)}:{port}", timeout_s=ASK_SUITE_MAX_S)
    try:
        health = client.get("/_emu/health", accept=(200, 503))
    except Failed:
        return None
    return health if isinstance(health, dict) and "status" in health else None


def _is_taken(host: str, port: int, option: str) -> bool:
    fault = _try_to_take(host, port)
    if fault is None:
        return False
    if fault.errno == errno.EACCES:
        raise Failed(
            f"port {port} may not be taken by this user",
            hint=f"take one above 1023, or any free one: {option} 0",
        )
    if fault.errno in _NOT_HERE:
        raise Failed(
            f"{host} is no address of this machine", hint="--host 127.0.0.1, or 0.0.0.0 for all"
        )
    return True


def _holder_at(host: str, port: int) -> Holder:
    holder = holder_of(port) or Holder()
    health = suite_at(host, port)
    if health is None:
        return holder
    return Holder(
        pid=holder.pid or int(health.get("pid", 0)),
        env=str(health.get("env", "")),
        project=str(health.get("project", "")),
    )


def _try_to_take(host: str, port: int) -> OSError | None:
    """Return why the port cannot be taken on one of the host's addresses, None when it can."""
    failed: OSError | None = None
    taken = 0
    for family, address in _addresses(host, port):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as attempt:
                _as_a_server(attempt, family)
                attempt.bind(address)
                attempt.listen(1)
            taken += 1
        except OSError as fault:
            if fault.errno not in _NOT_HERE:
                return fault
            failed = fault
    return None if taken else failed


def _addresses(host: str, port: int) -> Iterator[tuple[socket.AddressFamily, Any]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as fault:
        raise Failed(f"no address for host {host}: {fault}", hint="--host 127.0.0.1") from fault
    for family, _, _, _, address in found:
        yield family, address


def _as_a_server(attempt: socket.socket, family: socket.AddressFamily) -> None:
    """Set what servers set, so that connections that are just closing do not count as taken."""
    if sys.platform == "win32":
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        attempt.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)


def _pid_by_proc(port: int) -> int | None:
    inodes = {
        fields[9]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for fields in _rows(table)
        if len(fields) > 9 and fields[3] == _LISTENING and fields[1].endswith(f":{port:04X}")
    }
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for folder in Path("/proc").iterdir() if wanted else ():
        if folder.name.isdecimal() and not wanted.isdisjoint(_links(folder / "fd")):
            return int(folder.name)
    return None


def _rows(table: str) -> Iterator[list[str]]:
    try:
        lines = Path(table).read_text("ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        yield line.split()


def _links(folder: Path) -> Iterator[str]:
    """Yield what the descriptors of a process point to; other users' processes stay silent."""
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            with contextlib.suppress(OSError):
                yield os.readlink(entry)  # noqa: PTH115  # plain text, not a path


def _pid_by_lsof(port: int) -> int | None:
    for line in answer_of("lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fp").splitlines():
        if line.startswith("p") and line[1:].isdecimal():
            return int(line[1:])
    return None


def _pid_by_netstat(port: int) -> int | None:
    for line in answer_of("netstat", "-ano", "-p", "TCP").splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[1].endswith(f":{port}") and fields[2].endswith(":0"):
            return int(fields[4]) if fields[4].isdecimal() else None
    return None

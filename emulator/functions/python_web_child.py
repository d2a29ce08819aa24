"""Owns the process of a Python program that listens on a port: it runs there as on the platform.

Not here: who starts it and sends it requests (`python_web`). The one idea: whatever port it binds,
it gets a free one of this machine, and the worker that started it hears which; so the platform's
port 9000 is never taken, and many such programs run side by side. It ends with its worker, whose
end of standard input closes.
"""

import importlib.util
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final

REPORT_VARIABLE: Final = "CLOUD_EMU_WEB_REPORT"
"""Where the worker waits for the port's number: another port of this machine."""
MODULE: Final = "-m"
_LOCAL: Final = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}

Bind = Callable[[socket.socket, Any], None]
Listen = Callable[..., None]


def redirect(report: Callable[[str, int], object]) -> None:
    """Have sockets bind to free ports of this machine, and report the first that listens."""
    bind: Bind = socket.socket.bind
    listen: Listen = socket.socket.listen
    served: set[int] = set()

    def bind_here(self: socket.socket, address: Any) -> None:
        local = _LOCAL.get(self.family) if self.type == socket.SOCK_STREAM else None
        if local is None or not address[1]:
            bind(self, address)
            return
        bind(self, (local, 0))
        served.add(self.fileno())

    def listen_told(self: socket.socket, *backlog: int) -> None:
        listen(self, *backlog)
        if self.fileno() in served:
            served.clear()
            report(*self.getsockname()[:2])

    setattr(socket.socket, "bind", bind_here)  # noqa: B010  # no type checker knows it as a field
    setattr(socket.socket, "listen", listen_told)  # noqa: B010  # likewise


def redirect_fast_loop(report: Callable[[str, int], object]) -> None:
    """Do the same for `uvloop`, where it is there: it binds and listens past Python's sockets."""
    if importlib.util.find_spec("uvloop") is None:
        return
    loop = importlib.import_module("uvloop").Loop
    create: Callable[..., Any] = loop.create_server

    async def create_server(
        self: Any, make: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        if not port or options.get("sock") is not None:
            return await create(self, make, host, port, **options)
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.bind((_LOCAL[socket.AF_INET], 0))
        for name in ("family", "flags", "reuse_address", "reuse_port"):
            options.pop(name, None)
        server = await create(self, make, **{**options, "sock": bound})
        report(*bound.getsockname()[:2])
        return server

    loop.create_server = create_server


def main(arguments: list[str]) -> None:
    """Run a program by the arguments that an interpreter would get."""
    port = int(os.environ[REPORT_VARIABLE])

    def report(host: str, number: int) -> None:
        # A program that reloads itself comes here again, when nobody waits any more.
        with (
            suppress(ConnectionRefusedError),
            socket.create_connection(("127.0.0.1", port)) as connection,
        ):
            connection.sendall(f"{host} {number}\n".encode())

    Thread(target=_end_with_worker, daemon=True).start()
    redirect(report)
    redirect_fast_loop(report)
    sys.path[0] = str(Path.cwd())
    if arguments[0] == MODULE:
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path[0] = str(Path(arguments[0]).parent)
        runpy.run_path(arguments[0], run_name="__main__")


def _end_with_worker() -> None:
    while os.read(0, 1024):
        pass
    if sys.platform == "win32":
        end = ["taskkill", "/F", "/T", "/PID", str(os.getpid())]
        subprocess.run(end, check=False, stdout=subprocess.DEVNULL)
        os._exit(0)
    else:
        # With it go those that it started, such as the workers of a server or of a reloader.
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])

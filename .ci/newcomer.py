"""A newcomer's first minutes: the README's start command, pasted as it is into a fresh copy.

The copy has no virtual environment. The command runs in a shell of its own, on free ports; then
the suite is waited for, its banner read, functions called through both ports, and Ctrl-C pressed
while connections are open. Pasted a second time, it shows the data of the first. Whatever
is not as the README promises ends this with code 1 and all that was printed.
Standard library only.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

ROOT = Path(__file__).resolve().parents[1]
COMMAND = re.compile(r"<!-- start-command -->\s*```sh\n(.+?)\n```", re.DOTALL)
READY_MAX_S = 600
"""An empty environment is made and filled first."""
BANNER_MAX_S = 10
STOP_MAX_S = 2.0
STOP_MARGIN_S = 1.5
"""The shell around the suite and a busy machine."""
LOOK_S = 0.1


class Disappointed(Exception):
    """Something is not as the README promises."""


class Pasted:
    """The command as it runs in its shell; a thread keeps what it prints."""

    def __init__(self, command: str, folder: Path, ports: tuple[int, int]) -> None:
        hidden = ("CLOUD_EMU_", "TCB_", "VIRTUAL_ENV", "PYTHONPATH", "CI")
        environ = {name: text for name, text in os.environ.items() if not name.startswith(hidden)}
        environ["CLOUD_EMU_PORT"], environ["CLOUD_EMU_SITE_PORT"] = map(str, ports)
        self.process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def printed(self) -> str:
        return "".join(self._lines)

    def wait_until_ready(self, api: str) -> None:
        """Wait until the suite says that it is ready, to programs and to people."""
        self._wait_until(lambda: is_ready(api), "readiness", READY_MAX_S)
        self._wait_until(lambda: "Ctrl-C stops." in self.printed, "banner", BANNER_MAX_S)

    def _wait_until(self, condition, what: str, max_s: float) -> None:
        deadline = time.monotonic() + max_s
        while not condition():
            expect(
                self.process.poll() is None, f"it ended with {self.process.poll()} before {what}"
            )
            expect(time.monotonic() < deadline, f"no {what} within {max_s:g} s")
            time.sleep(LOOK_S)

    def press_ctrl_c(self) -> float:
        """Interrupt all that runs in the terminal; return how long the end took, in seconds."""
        begun = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(STOP_MAX_S + STOP_MARGIN_S)
        except subprocess.TimeoutExpired:
            raise Disappointed(f"Ctrl-C did not stop it within {STOP_MAX_S:g} s") from None
        self._reader.join(STOP_MAX_S)
        return time.monotonic() - begun

    def leave(self) -> None:
        """End whatever is left of it."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._lines.append(line)


def main() -> int:
    """Paste the command twice and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "cloud-emu"
        copy_tree(copy)
        api, site = free_ports()
        for visit in (first_visit, second_visit):
            pasted = Pasted(start_command(), copy, (api, site))
            try:
                pasted.wait_until_ready(f"http://127.0.0.1:{api}")
                visit(pasted, f"http://127.0.0.1:{api}", f"http://127.0.0.1:{site}", copy)
            except Disappointed as disappointment:
                print(f"newcomer: {disappointment}\n--- what was printed ---\n{pasted.printed}")
                return 1
            finally:
                pasted.leave()
    print("newcomer: the README's start command does what it promises")
    return 0


def first_visit(pasted: Pasted, api: str, site: str, copy: Path) -> None:
    """Read the banner, call functions, leave a document, stop with connections open."""
    read_banner(pasted.printed, api, site, copy)
    answer = ask(f"{api}/_emu/functions/login/invoke", {"event": {}, "openid": "oAda"})
    expect(answer.get("result", {}).get("openid") == "oAda", f"login answered {answer}")
    ask(f"{api}/_emu/seed", {"collections": {"users": []}})
    created = ask(f"{site}/api/users", {"name": "Ada", "email": "ada@example.org"})
    expect(isinstance(created.get("id"), str), f"POST /api/users answered {created}")
    with connected(api), connected(site):
        stop(pasted)


def second_visit(pasted: Pasted, api: str, site: str, copy: Path) -> None:
    """Find the document of the first visit."""
    listed = ask(f"{site}/api/users")
    expect([each.get("name") for each in listed] == ["Ada"], f"GET /api/users answered {listed}")
    stop(pasted)


def stop(pasted: Pasted) -> None:
    """Press Ctrl-C and expect a clean end, soon."""
    took_s = pasted.press_ctrl_c()
    code = pasted.process.returncode
    expect(code == 0, f"after Ctrl-C the exit code is {code}, not 0")
    print(f"newcomer: stopped {took_s:.2f} s after Ctrl-C")


def connected(url: str) -> socket.socket:
    """Return a connection that asks nothing."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port))


def read_banner(banner: str, api: str, site: str, copy: Path) -> None:
    """Expect all that the banner is to show."""
    folders = [each.parent for each in (copy / "functions_examples").glob("[!_]*/index.*")]
    promised = [
        "environment demo-env",
        f"API       {api}",
        f"Site      {site}",
        f"Data      {copy / '.cloud-emu'}",
        f"Functions ({len(folders)})",
        *(f"ok      {each.name}" for each in folders),
        "dailyTasks/midnight",
        f"export CLOUD_EMU_URL={api}",
        "TCB_CONTEXT_CNFG=",
    ]
    missing = [text for text in promised if text not in banner]
    expect(not missing, f"the banner lacks {missing}")


def is_ready(api: str) -> bool:
    try:
        return ask(f"{api}/_emu/health").get("status") == "ready"
    except (Disappointed, OSError):
        return False


def ask(url: str, body: object = None):
    """Return the JSON that a URL answers; a body makes it a POST."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=20) as response:
            return json.load(response)
    except HTTPError as refusal:
        raise Disappointed(f"{url} answered {refusal.code}: {refusal.read()[:500]}") from None


def start_command() -> str:
    found = COMMAND.search((ROOT / "README.md").read_text("utf-8"))
    expect(found is not None, "README.md has no start command between its marker and a fence")
    return found[1]


def copy_tree(to: Path) -> None:
    """Copy what is, or is about to be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def expect(promise: bool, disappointment: str) -> None:
    if not promise:
        raise Disappointed(disappointment)


if __name__ == "__main__":
    sys.exit(main())

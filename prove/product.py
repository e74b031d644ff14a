"""The product as a person runs it: `gamehall serve`, a process that can be killed, stopped and started again on the same ports."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.servers import HOST, PATIENCE, DidNotStart, environment, free_port
from prove.caller import Broken, Caller
from prove.ground import CHIEF, PASSWORD, Ground

COMMAND: tuple[str, ...] = ("-m", "gamehall_server", "serve")


def paths(tree: Path) -> str:
    """The PYTHONPATH of a tree of the product."""
    return os.pathsep.join(str(tree / part) for part in (".", "server", "bridge", "generated"))


class Product:
    """A server of a database. `settings` are environment variables."""

    def __init__(self, on: Ground, *, tree: Path | None = None, **settings: str) -> None:
        self.ground = on
        self.http_port, self.grpc_port = free_port(), free_port()
        self.log = on.folder / f"server-{self.http_port}.log"
        self.starts = 0
        self.command = COMMAND
        self._settings = {"GAMEHALL_PASSWORD_PASSES": "1", **settings}
        self._tree = tree
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def told(self) -> str:
        """What it printed, all starts together."""
        return self.log.read_text(errors="replace")

    def spawn(self) -> "subprocess.Popen[bytes]":
        """Starts the process and does not wait."""
        arguments = [*self.command, "--host", HOST, "--http-port", str(self.http_port), "--grpc-port", str(self.grpc_port)]
        given = environment(self.ground.url) | {"GAMEHALL_DATABASE_URL": self.ground.url} | self._settings
        if self._tree is not None:
            given["PYTHONPATH"] = paths(self._tree)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *arguments], env=given, cwd=self.ground.folder, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output,
            )  # fmt: skip
        self.starts += 1
        return self._process

    def start(self) -> None:
        """Starts the process and returns when it answers through both doors."""
        process = self.spawn()
        deadline = time.monotonic() + PATIENCE
        with Caller(self.http_port) as caller:
            while process.poll() is None and time.monotonic() < deadline:
                try:
                    if caller.ask("GET", "/version").status == 200:
                        return
                except Broken:
                    time.sleep(0.01)
        raise DidNotStart(self.told[-3000:])

    def work(self) -> "subprocess.Popen[bytes]":
        """Starts a worker in its place, which answers nobody."""
        given = environment(self.ground.url) | {"GAMEHALL_DATABASE_URL": self.ground.url} | self._settings
        with self.log.open("ab") as output:
            return subprocess.Popen([sys.executable, "-m", "gamehall_server", "worker"], env=given, cwd=self.ground.folder, stderr=output)

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Tells it to end; gives its exit code, -9 when it did not end within 30 s."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9

    def chief(self) -> str:
        """An administrator's access token."""
        form = f"grant_type=password&client_id=web&username={CHIEF}&password={PASSWORD.replace(' ', '+')}"
        with Caller(self.http_port) as caller:
            told = caller.ask("POST", "/oauth/token", form.encode(), content_type="application/x-www-form-urlencoded")
        token: str = told.json()["access_token"]
        return token

    def open_files(self) -> int:
        """How many descriptors the process has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def open_times(self, file: Path) -> int:
        """How often the process has a file open."""
        return sum(entry.readlink() == file for entry in Path(f"/proc/{self.pid}/fd").iterdir())

    def threads(self) -> int:
        """How many threads the process has."""
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def bugs(self) -> list[str]:
        """The last lines of the stack traces in its log."""
        return re.findall(r"^(?:[\w.]+(?:Error|Exception|Fault)): .*$", self.told, re.MULTILINE) if "Traceback" in self.told else []


@contextmanager
def served(on: Ground, *, tree: Path | None = None, **settings: str) -> Iterator[Product]:
    """A running product; it has ended when the block has."""
    product = Product(on, tree=tree, **settings)
    try:
        product.start()
        yield product
    finally:
        if product.alive:
            product.stop()

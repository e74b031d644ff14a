"""Processes of the command `gamehall`, as a person at a terminal starts them."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import requests
from people import PASSWORD, fresh

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {
    # What is compiled once is there for every process.
    **{name: value for name, value in os.environ.items() if not name.startswith(("GAMEHALL_", "PYTHONDONTWRITEBYTECODE"))},
    "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in ("server", "bridge", "generated")),
    # Wide enough that no sentence is broken.
    "COLUMNS": "300",
    "GAMEHALL_PASSWORD_PASSES": "2",
}
COMMAND = [sys.executable, "-m", "gamehall_server"]


def gamehall(folder, *arguments, **environment):
    """A command that ends by itself. Its database is gamehall.db in the folder unless told."""
    given = {**ENVIRONMENT, "GAMEHALL_DATABASE_URL": f"sqlite:///{folder / 'gamehall.db'}", **environment}
    # A command that does not end is a failure, not a test run that hangs.
    return subprocess.run([*COMMAND, *arguments], cwd=folder, env=given, capture_output=True, text=True, check=False, timeout=60)


class Server:
    """A running `gamehall serve`. What it prints goes to a file."""

    def __init__(self, folder, *options, **environment):
        given = {**ENVIRONMENT, "GAMEHALL_DATABASE_URL": f"sqlite:///{folder / 'gamehall.db'}", **environment}
        command = [*COMMAND, "serve", "--http-port", "0", "--grpc-port", "0", *options]
        self._printed = folder / f"{fresh('printed')}.txt"
        with self._printed.open("w") as printed:
            self.process = subprocess.Popen(command, cwd=folder, env=given, stdout=printed, stderr=printed)
        while "  database  " not in self.told:
            assert self.process.poll() is None, self.told
            time.sleep(0.02)
        self.http = re.search(r"https?://localhost:\d+", self.told).group()
        self.grpc = re.search(r"gRPC +(localhost:\d+)", self.told).group(1)

    @property
    def told(self):
        """Everything it printed up to now."""
        return self._printed.read_text()

    def end(self, number=signal.SIGTERM):
        """Tells it to end; gives its exit code."""
        self.process.send_signal(number)
        return self.process.wait()

    def sign_in(self, username, password=PASSWORD, **more):
        form = {"grant_type": "password", "client_id": "web", "username": username, "password": password, **more}
        return requests.post(self.http + "/oauth/token", data=form)


@contextmanager
def serving(folder, *options, **environment):
    server = Server(folder, *options, **environment)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            assert server.end() == 0, server.told
        assert PASSWORD not in server.told

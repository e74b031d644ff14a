"""Every client against one real server: `python clients/run.py [LANGUAGE...]` after the clients are built (`make clients`).

Starts `gamehall serve` on free ports and an empty database, and runs each client's conformance script over a line that breaks once. Its
exit status is 1 when one found a difference; a script's lines are printed then only.
"""

import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).parent
BREAKS = b"cut the line"
PASSWORD = secrets.token_urlsafe()
GAMEHALL = [sys.executable, "-m", "gamehall_server"]
# How each is run: its folder, and its command up to the words that name the registered client. {grpc} is an address, {http} a URL.
SCRIPTS = {
    "python": ("python", [sys.executable, "conformance.py", "{grpc}"]),
    "python, async": ("python", [sys.executable, "conformance.py", "{grpc}", "--async"]),
    "typescript, grpc": ("typescript", ["node", "dist/conformance-node.js", "http://{grpc}", "grpc"]),
    "typescript, connect": ("typescript", ["node", "dist/conformance-node.js", "{http}", "connect"]),
    "typescript, grpc-web": ("typescript", ["node", "dist/conformance-node.js", "{http}", "grpc-web"]),
    "typescript, connect in a browser": ("typescript", ["node", "dist/conformance-browser.js", "{http}", "connect"]),
    "typescript, grpc-web in a browser": ("typescript", ["node", "dist/conformance-browser.js", "{http}", "grpc-web"]),
    "go": ("go", ["target/conformance", "{grpc}"]),
    "java": ("java", ["java", "-cp", "target/classes:target/test-classes:target/conformance/*", "gamehall.client.Conformance", "{grpc}"]),
}


def gamehall(folder: Path) -> dict[str, str]:
    """The environment of a deployment in the folder."""
    given = {"DATABASE_URL": f"sqlite:///{folder / 'gamehall.db'}", "PASSWORD_PASSES": "2", "ADMIN_PASSWORD": PASSWORD}
    return os.environ | {f"GAMEHALL_{name}": value for name, value in given.items()}


@contextmanager
def serving(folder: Path) -> Iterator[dict[str, str]]:
    """The addresses of a running server."""
    printed = folder / "printed.txt"
    with printed.open("w") as out:
        command = [*GAMEHALL, "serve", "--http-port", "0", "--grpc-port", "0"]
        process = subprocess.Popen(command, env=gamehall(folder), stdout=out, stderr=out)
    try:
        while not (told := re.search(r"HTTP/JSON\s+(http://\S+)\s+gRPC\s+(\S+)", printed.read_text())):
            if process.poll() is not None:
                raise SystemExit(printed.read_text())
            time.sleep(0.05)
        yield {"http": told[1], "grpc": told[2]}
    finally:
        process.terminate()
        process.wait()


class Line:
    """A line to a server; the first connection that carries BREAKS is cut when the server says something afterwards."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.cuts = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(self._target)
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            broken = threading.Event()
            threading.Thread(target=self._carry, args=(near, far, broken, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, broken, False), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, broken: threading.Event, asks: bool) -> None:
        try:
            while data := source.recv(65536):
                if asks and BREAKS in data and not self.cuts:
                    self.cuts += 1
                    broken.set()
                elif broken.is_set() and not asks:
                    break
                sink.sendall(data)
        except OSError:
            pass  # One end is gone; so is the other, then.
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def main(languages: list[str]) -> int:
    """Runs all, or those of the languages."""
    failed = 0
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        created = subprocess.check_output([*GAMEHALL, "client", "create", "conformance"], env=gamehall(folder), text=True)
        who = ["client=conformance", f"secret={created.split()[-1]}", f"password={PASSWORD}"]
        # The Python client runs as it is installed: from its two wheels.
        wheels = os.environ | {"PYTHONPATH": str(HERE.parent / "build/clients/python")}
        with serving(folder) as addresses:
            for name, (language, command) in SCRIPTS.items():
                if languages and language not in languages:
                    continue
                grpc, http = Line(addresses["grpc"]), Line(addresses["http"].removeprefix("http://"))
                words = [word.format(grpc=grpc.address, http=f"http://{http.address}") for word in command] + who
                done = subprocess.run(
                    words, cwd=HERE / language, env=wheels, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
                )
                steps = done.stdout.count("ok   ")
                print(f"{name}: {steps} steps" if done.returncode == 0 else f"{name}: FAILED\n{done.stdout}", flush=True)
                failed += done.returncode != 0 or grpc.cuts + http.cuts != 1
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

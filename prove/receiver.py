"""A server that takes posts, as somebody else's game server would: it writes down what it was told, in a file, and then answers.

`python -m prove.receiver PORT FILE SEED DEATHS BAD`: of a hundred posts it answers BAD badly, and so many times it dies after it has
written down a post and before it answers.
"""

import asyncio
import hashlib
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple, cast

import uvloop

from bench.servers import HOST, ROOT, environment

LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
ID = re.compile(rb"(?i)\r\nwebhook-id: *(\S+)")
TOLD = re.compile(rb'"type":"([^"]+)".*"data":\{"number":(\d+)')
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
# One in so many posts kills the server that takes it, while it has deaths left.
RARELY = 500


class Post(NamedTuple):
    """What was written down of a post: when, its id, a digest of its body, the event's name and its number."""

    at: float
    id: str
    digest: str
    name: str
    number: int


def posts(file: Path) -> list[Post]:
    """Everything that a server wrote down, in its order."""
    rows = (line.split() for line in file.read_text().splitlines())
    return [Post(float(at), id, digest, name, int(number)) for at, id, digest, name, number in rows]


class Server(asyncio.Protocol):
    """One connection."""

    descriptor: int
    chance: random.Random
    bad: int
    deaths: int

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._got = b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            head = self._got[:end]
            length = LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._got) < whole:
                return
            body, self._got = self._got[end + 4 : whole], self._got[whole:]
            self._take(head, body)

    def _take(self, head: bytes, body: bytes) -> None:
        kind = self.chance.choice(("500", "reset", "hang", "429", "away")) if self.chance.random() * 100 < self.bad else ""
        if not kind:
            id, told = ID.search(head), TOLD.search(body)
            digest = hashlib.sha256(body).hexdigest()[:16].encode()
            fields = (b"%.6f" % time.time(), id[1] if id else b"-", digest, *(told.groups() if told else (b"-", b"0")))
            os.write(self.descriptor, b" ".join(fields) + b"\n")
            if self.deaths and self.chance.random() * RARELY < 1:
                os._exit(9)
            self._transport.write(GOOD)
        elif kind == "reset":
            self._transport.abort()
        elif kind == "429":
            self._transport.write(b"HTTP/1.1 429 No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n")
        elif kind == "500":
            self._transport.write(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        elif kind == "away":
            self._transport.write(b"HTTP/1.1 307 No\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")


class Receiver:
    """Such a server as a process, which is started again whenever it has died."""

    def __init__(self, port: int, file: Path, seed: int, *, deaths: int = 0, bad: int = 0) -> None:
        self.url = f"http://{HOST}:{port}/events"
        self.file = file
        self.deaths = 0
        self._port, self._seed, self._left, self._bad = port, seed, deaths, bad
        self._process: subprocess.Popen[bytes] | None = None
        file.touch()

    def __enter__(self) -> "Receiver":
        self.look()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def lines(self) -> int:
        """How much it has written down."""
        return self.file.read_bytes().count(b"\n")

    def look(self) -> None:
        """Starts it where it does not run."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self.deaths += 1
        left = max(0, self._left - self.deaths)
        arguments = [str(self._port), str(self.file), str(self._seed + self.deaths), str(left), str(self._bad)]
        command = [sys.executable, "-m", "prove.receiver", *arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment(""), stdin=subprocess.DEVNULL)


async def serve(port: int) -> None:
    """Until it dies or is killed."""
    server = await asyncio.get_running_loop().create_server(Server, HOST, port, reuse_address=True, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    Server.descriptor = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    Server.chance = random.Random(int(sys.argv[3]))
    Server.deaths, Server.bad = int(sys.argv[4]), int(sys.argv[5])
    uvloop.run(serve(int(sys.argv[1])))

"""A server of somebody else's that takes posts: it keeps what it was sent, and answers as it is told."""

import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Received(NamedTuple):
    """One post."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """The server. `answers` has the statuses of the next answers for a path; when they are used up it is 200."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: dict[str, list[int]] = {}
        there = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                there.received.append(Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                waiting = there.answers.get(self.path)
                self.send_response(waiting.pop(0) if waiting else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *told: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}"

    def at(self, path: str, count: int = 1, seconds: float = 30) -> list[Received]:
        """What was posted to a path, once it is at least so much."""
        until = time.monotonic() + seconds
        while len(found := [each for each in tuple(self.received) if each.path == path]) < count:
            assert time.monotonic() < until, f"{len(found)} of {count} at {path}"
            time.sleep(0.02)
        return found


@cache
def receiver() -> Receiver:
    """One for the whole run."""
    return Receiver()

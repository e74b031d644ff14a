"""Servers on the loopback address that take posts, each as it is told to."""

import contextlib
import json
import socket
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from tests.waiting import until


class Got(NamedTuple):
    """A post that was received: at which second, its path, its headers by names in small letters, its body."""

    at: float
    path: str
    headers: dict
    body: bytes


class Receiver:
    """Takes posts. `answer` is asked of each for (status, headers, body), or does what it likes with the handler and gives None."""

    def __init__(self, answer=None):
        self.got: list[Got] = []
        self.answer = answer or (lambda got, handler: (200, {}, b"ok"))
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                got = Got(time.time(), self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                receiver.got.append(got)
                made = receiver.answer(got, self)
                if made is None:
                    self.close_connection = True
                    return
                status, headers, told = made
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                # Clients that go away are what some tests are about.
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.base}/hook"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        """Takes nothing more."""
        self._server.shutdown()
        self._server.server_close()

    def at(self, path, count=1):
        """What was posted to a path, once it is at least so much."""

        def there():
            found = [each for each in tuple(self.got) if each.path == path]
            return found if len(found) >= count else None

        return until(there)

    def of(self, **data):
        """What was got that tells this."""
        return [each for each in self.got if data.items() <= json.loads(each.body)["data"].items()]


@contextlib.contextmanager
def receiving(answer=None):
    """A receiver, until the block ends."""
    made = Receiver(answer)
    try:
        yield made
    finally:
        made.close()


@cache
def receiver():
    """One for the whole run. `answers` has the statuses of the next answers for a path; when they are used up it is 200."""

    def told(got, handler):
        waiting = made.answers.get(got.path)
        return waiting.pop(0) if waiting else 200, {}, b""

    made = Receiver(told)
    made.answers = {}
    return made


def nowhere():
    """A URL at which nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}/hook"

"""HTTP by hand: requests as bytes over a socket, for what no client library would send."""

import contextlib
import json
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

SECONDS = 20.0
# The response headers of the published example.
SEED = {
    "pragma": "no-cache",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache, no-store, max-age=0, must-revalidate",
    "x-xss-protection": "1; mode=block",
    "x-application-context": "KnetikCloud:remote",
    "expires": "0",
}
# What only somebody who reads our code or our tables should know.
LEAKS = (
    "Traceback",
    "sqlalchemy",
    "SQLAlchemy",
    "sqlite",
    "asyncpg",
    "postgres",
    'File "',
    ".py",
    "Exception",
    " object at 0x",
    "_server",
    "/usr/",
)


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header; None when it is absent. Twice is an error."""
        found = [value for key, value in self.headers if key.lower() == name]
        assert len(found) < 2, found
        return found[0] if found else None

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class Wire:
    """One connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=SECONDS)
        self._file = self.socket.makefile("rb")

    def send(self, *parts: bytes) -> None:
        """Sends bytes."""
        self.socket.sendall(b"".join(parts))

    def answer(self, method: str = "GET") -> Answer:
        """The next answer; `method` is the request's."""
        version, _, status = self.line().partition(b" ")
        if version != b"HTTP/1.1":
            raise ConnectionError(f"no answer: {version!r}")
        headers = []
        while line := self.line():
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        told = Answer(int(status[:3]), headers, b"")
        length = 0 if method == "HEAD" or told.status == 204 else int(told.header("content-length") or "")
        body = self._file.read(length)
        assert len(body) == length
        return told._replace(body=body)

    def line(self) -> bytes:
        """One line, without its end."""
        return self._file.readline().rstrip(b"\r\n")

    def is_closed(self) -> bool:
        """Waits for the other side; whether it closed without a further byte."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True

    def send_until_closed(self, parts: Iterable[bytes], pause: float = 0.0) -> bool:
        """Sends one part after another; whether the other side closed before the last."""
        try:
            for part in parts:
                self.send(part)
                time.sleep(pause)
        except ConnectionError:
            return True
        return False

    def close(self) -> None:
        """Hangs up."""
        self._file.close()
        self.socket.close()


@contextlib.contextmanager
def wire(url: str) -> Iterator[Wire]:
    """A connection for a while."""
    connection = Wire(url)
    try:
        yield connection
    finally:
        connection.close()


def request(verb: str, target: str | bytes, headers: dict[str, str | bytes] | None = None, body: bytes | None = None) -> bytes:
    """A request as bytes. The length of the body is told unless the headers tell how it is framed."""
    given: dict[str, str | bytes] = {"Host": "here", **(headers or {})}
    if body is not None and not {"Content-Length", "Transfer-Encoding"} & given.keys():
        given["Content-Length"] = str(len(body))
    lines = [_bytes(verb) + b" " + _bytes(target) + b" HTTP/1.1"]
    lines += [_bytes(name) + b": " + _bytes(value) for name, value in given.items()]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def _bytes(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


def ask(url: str, verb: str, target: str | bytes, headers: dict[str, str | bytes] | None = None, body: bytes | None = None) -> Answer:
    """One request on a connection of its own."""
    with wire(url) as connection:
        # A server that refuses the head may close before the body is through.
        with contextlib.suppress(ConnectionError):
            connection.send(request(verb, target, {"Connection": "close", **(headers or {})}, body))
        return connection.answer(verb)


def chunked(body: bytes, size: int = 1000) -> bytes:
    """A body in chunks."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def check_headers(answer: Answer) -> None:
    """The published headers, a date, a request id, and nobody's name."""
    assert {name: answer.header(name) for name in SEED} == SEED
    assert answer.header("date")
    assert answer.header("x-request-id")
    assert answer.header("server") is None


def check_silence(answer: Answer) -> None:
    """An answer tells nothing of what the server is made of."""
    told = answer.body.decode(errors="replace") + repr(answer.headers)
    assert not [leak for leak in LEAKS if leak in told], told


def check_refusal(answer: Answer, status: int) -> dict[str | None, str]:
    """The published error shape with this status; gives what is told of each field."""
    assert answer.status == status, answer
    check_headers(answer)
    check_silence(answer)
    told = answer.json()
    assert {"code", "request_id", "result"} <= told.keys() <= {"code", "request_id", "result", "error", "error_description"}, told
    assert ("error" in told) == (status == 401)
    assert isinstance(told["code"], int)
    assert told["code"] > 0
    assert told["request_id"] == answer.header("x-request-id")
    assert told["result"]
    for result in told["result"]:
        assert result.keys() == {"field", "message", "details"}, result
        assert result["field"] is None or result["field"] != ""
        assert result["message"]
    return {result["field"]: result["message"] for result in told["result"]}


def check_oauth_refusal(answer: Answer, status: int, error: str) -> str:
    """The error shape of RFC 6749 section 5.2; gives the description."""
    assert answer.status == status, answer
    check_headers(answer)
    check_silence(answer)
    told = answer.json()
    assert told.keys() == {"error", "error_description"}
    assert told["error"] == error
    description: str = told["error_description"]
    return description


def registration(name):
    """A registration that lacks a password: refused after the whole body was read."""
    return b'{"username": "%s", "email": "%s@example.com"}' % (name.encode(), name.encode())

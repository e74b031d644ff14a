"""A client that repeats nothing by itself: every answer and every broken connection is told."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bench.servers import HOST

SECONDS = 40.0


class Broken(Exception):
    """No answer came, or only a part of one."""


class Reply(NamedTuple):
    """An answer over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class Caller:
    """One connection, made anew after it broke."""

    def __init__(self, port: int, token: str = "", timeout: float = SECONDS, address: str = "") -> None:
        """`address`: of this machine, to come from."""
        self._connection = HTTPConnection(HOST, port, timeout=timeout, source_address=(address, 0) if address else None)
        self.token = token

    def ask(
        self, verb: str, path: str, body: object = None, *, key: str = "", deaf: bool = False, content_type: str = "application/json"
    ) -> Reply:
        """One call. A `deaf` one hangs up as soon as it has asked. Raises Broken."""
        headers = {"Content-Type": content_type}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if key:
            headers["Idempotency-Key"] = key
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self._connection.request(verb, path, sent, headers)
            if deaf:
                self._connection.close()
                raise Broken("nobody listened")
            answer = self._connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        except (HTTPException, OSError) as error:
            self._connection.close()
            raise Broken(repr(error)) from error

    def post_form(self, path: str, **form: str) -> Reply:
        """One call with a form, as OAuth has them. Raises Broken."""
        return self.ask("POST", path, urlencode(form).encode(), content_type="application/x-www-form-urlencoded")

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

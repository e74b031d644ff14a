"""What every script is made of: the server's address, calls of its REST API, and the five scenarios."""

import json
import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench import dataset

PASSWORD = "correct horse battery staple"
SCENARIOS = ("account", "read", "write", "list", "login")
PAGE = 25


class Refused(Exception):
    """An answer that is none; holds what was asked and what came."""


class Call(NamedTuple):
    """One request. A `body` that is a dictionary travels as JSON, a string as a form."""

    verb: str
    path: str
    authorization: str = ""
    body: Mapping[str, Any] | str | None = None

    @property
    def sent(self) -> bytes:
        """The body's bytes."""
        return b"" if self.body is None else self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()

    @property
    def headers(self) -> dict[str, str]:
        """What it says of itself."""
        headers = {"Accept": "application/json"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        if self.body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded" if isinstance(self.body, str) else "application/json"
        return headers


class Site:
    """A running server. Raises ValueError for an address that is not http://host[:port]."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"the server's address must be http://host:port, without a path: {url!r}")
        self.host, self.port = parts.hostname, parts.port or 80
        self._connection = HTTPConnection(self.host, self.port, timeout=60)

    def ask(self, call: Call) -> Any:
        """The JSON of an answer with status 200; raises Refused for any other, OSError where nobody listens."""
        try:
            self._connection.request(call.verb, call.path, call.sent or None, call.headers)
            answer = self._connection.getresponse()
            body = answer.read()
        except HTTPException as broken:
            self._connection.close()
            raise Refused(f"{call.verb} {call.path}: {broken!r}") from broken
        if answer.status != 200:
            raise Refused(f"{call.verb} {call.path}: {answer.status} {body[:500].decode(errors='replace')}")
        return json.loads(body or b"null")

    def written(self, call: Call) -> bytes:
        """A call as the load generator sends it."""
        headers = {"Host": f"{self.host}:{self.port}", **call.headers}
        if call.body is not None:
            headers["Content-Length"] = str(len(call.sent))
        lines = [f"{call.verb} {call.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + call.sent

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()


class Script(ABC):
    """A kind of server. `tag` keeps what one run leaves behind apart from all others'; `settings` are the environment."""

    items: str
    """The field of a page that holds its objects."""

    def __init__(self, site: Site, tag: str, users: int, objects: int, settings: Mapping[str, str]) -> None:
        self.site, self.tag, self.users, self.objects, self.settings = site, tag, users, objects, settings
        self.chance = random.Random(2017)

    @abstractmethod
    def prepare(self) -> None:
        """Makes the users and objects that the scenarios are about; every user signs in. Raises Refused."""

    def renew(self) -> None:
        """Called before each scenario: where tokens last a minute, new ones are asked for."""
        return

    @abstractmethod
    def account(self) -> Call:
        """A user reads the own account."""

    @abstractmethod
    def read(self) -> Call:
        """A user reads one object."""

    @abstractmethod
    def write(self) -> Call:
        """A user makes an object."""

    @abstractmethod
    def list(self) -> Call:
        """A user reads a page of 25 objects."""

    @abstractmethod
    def login(self) -> Call:
        """A user signs in with a password."""

    def checked(self, scenario: str) -> None:
        """One call of a scenario; raises Refused when the answer is not what is to be measured."""
        call = getattr(self, scenario)()
        answer = self.site.ask(call)
        if scenario == "list" and len(answer[self.items]) != PAGE:
            raise Refused(f"{call.verb} {call.path}: {len(answer[self.items])} objects instead of {PAGE}")

    def text(self) -> str:
        """What an object says."""
        return dataset.text(self.chance)

    def any_user(self) -> int:
        """One of the users."""
        return self.chance.randrange(self.users)

"""The one way out: every request that the product makes to another server goes through here, whoever chose its URL.

What it may reach is decided on the address itself, at the moment of connecting (docs/decisions/0025): a name may lead anywhere, and
somewhere else the next time it is asked.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from functools import cache, lru_cache
from importlib import import_module
from ipaddress import ip_address
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from gamehall_server.kit.addresses import Address, is_public, literal, networks, unwrapped

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from yarl import URL

log = logging.getLogger("gamehall.egress")
SECONDS, CONNECT_SECONDS = 10.0, 5.0
LARGEST_ANSWER = 64 * 1024
LONGEST_URL = 4096
MOST_CONNECTIONS = 100
# Connections that are kept go before servers tire of them: a post that meets a closing one would count as a failure.
KEPT_SECONDS = 2.0
# What the system answers for a name: (family, type, protocol, canonical name, socket address) each, as socket.getaddrinfo.
Found = list[tuple[Any, ...]]
LookUp = Callable[[str, int], Awaitable[Found]]


class Refused(OSError):
    """The URL leads where the product does not go."""


class Unanswered(Exception):
    """No answer that can be used: unreachable, too slow, too large, or not HTTP."""


class Answered(NamedTuple):
    """What the other server said. A redirect is an answer like any other; nobody follows it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def system_look_up(host: str, port: int) -> Found:
    """Every address of a name, asked of the system."""
    return cast(Found, await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM))


@cache
def library() -> "Future[None]":
    """Begins to load what requests need, beside everything else: it takes a fifth of a second, which nobody else is to wait for, and
    many deployments never make a request."""
    loaded: Future[None] = Future()
    # Whoever gives up waiting for it does not end it.
    loaded.set_running_or_notify_cancel()

    def load() -> None:
        try:
            import_module("aiohttp")
        except BaseException as problem:
            loaded.set_exception(problem)
        else:
            loaded.set_result(None)

    Thread(target=load, name="gamehall-egress", daemon=True).start()
    return loaded


class Egress:
    """Requests to other servers.

    allow: networks that may be reached though they are not public, also in plain HTTP and at any port; comma separated.
    ports: what may be reached on the public internet, by https alone.
    seconds: how long an answer may take where a request does not say.
    Raises ValueError for texts that are no networks or ports.
    """

    def __init__(self, allow: str = "", ports: str = "443,8443", look_up: LookUp = system_look_up, seconds: float = SECONDS) -> None:
        try:
            self._allowed = networks(allow)
        except ValueError as problem:
            raise ValueError(f"GAMEHALL_EGRESS_ALLOW must be addresses and networks, comma separated: {problem}") from None
        if not all(part.strip().isdecimal() and 0 < int(part) < 65536 for part in ports.split(",")):
            raise ValueError("GAMEHALL_EGRESS_PORTS must be ports, comma separated")
        self._ports = frozenset(int(part) for part in ports.split(","))
        self._look_up = look_up
        self._seconds = seconds
        self._sessions: dict[tuple[str, bool], ClientSession] = {}
        # The judgement of a text never changes, and the same few are asked for again and again.
        self.checked = lru_cache(1024)(self._checked)
        if self._allowed:
            log.warning("requests to other servers may reach %s: whoever may name a URL reaches what answers there", allow)

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
        largest: int = LARGEST_ANSWER,
        cut: bool = False,
        keep: bool = False,
    ) -> Answered:
        """The answer to one request, of which nothing is kept: no cookie, no name, and no connection but where `keep` says so, for a
        moment, because many follow. `cut`: of a body that is too large the first part is enough.

        Raises Refused for a URL or an address that is not allowed, and Unanswered.
        """
        if not library().done():
            await asyncio.wrap_future(library())
        from aiohttp import ClientConnectorError, ClientError, ClientTimeout

        target = self.checked(url)
        seconds = self._seconds if seconds is None else seconds
        session = self._sessions.get((target.scheme, keep)) or self._open(target.scheme, keep)
        options: dict[str, Any] = {"data": body if form is None else dict(form), "headers": headers, "allow_redirects": False}
        try:
            async with session.request(
                method,
                target.update_query(query) if query else target,
                timeout=ClientTimeout(total=seconds, connect=min(seconds, CONNECT_SECONDS)),
                **options,
            ) as answer:
                read = await _at_most(answer.content, largest, cut)
                return Answered(answer.status, answer.headers, read)
        except ClientConnectorError as problem:
            if isinstance(problem.os_error, Refused):
                raise problem.os_error from None
            raise Unanswered(f"{target.host} cannot be reached") from None
        except TimeoutError:
            raise Unanswered(f"{target.host} did not answer within {seconds:g} seconds") from None
        except (ClientError, OSError, ValueError) as problem:
            raise Unanswered(f"{target.host} gave no answer that can be read: {type(problem).__name__}") from None

    def _checked(self, url: str) -> "URL":
        """A URL as far as it can be judged before its name is looked up: for a good message when somebody saves it. Raises Refused."""
        from yarl import URL

        # Where a URL is saved, a request to it is not far.
        library()
        try:
            target = URL(url)
            host, port = target.host, target.port
        except ValueError:
            raise Refused("The URL cannot be read.") from None
        if len(url) > LONGEST_URL or target.scheme not in ("https", "http") or not host or port is None:
            raise Refused("The URL must begin with https:// and name a server.")
        if target.user is not None or target.password is not None:
            raise Refused("The URL must not hold a user or a password.")
        address = literal(host)
        if address is not None:
            self._judge(address, port, target.scheme)
        elif not self._allowed and (target.scheme == "http" or port not in self._ports):
            raise Refused(f"The URL must begin with https:// and lead to port {' or '.join(map(str, sorted(self._ports)))}.")
        return target

    async def close(self) -> None:
        """Ends what is under way."""
        for session in self._sessions.values():
            await session.close()

    def _judge(self, address: Address, port: int, scheme: str) -> None:
        real = unwrapped(address)
        if any(real in network for network in self._allowed):
            return
        if not is_public(real):
            raise Refused("The URL leads to an address that is not public.")
        if scheme != "https" or port not in self._ports:
            raise Refused(f"The URL must begin with https:// and lead to port {' or '.join(map(str, sorted(self._ports)))}.")

    def _open(self, scheme: str, keep: bool) -> "ClientSession":
        from aiohttp import ClientSession, DummyCookieJar, TCPConnector

        def judged_socket(found: tuple[Any, ...]) -> socket.socket:
            # The last wall: the very address that is connected to next.
            family, kind, protocol, _, address = found
            self._judge(ip_address(address[0]), address[1], scheme)
            return socket.socket(family, kind, protocol)

        connector = TCPConnector(
            resolver=cast(Any, _Judged(self, scheme)),
            use_dns_cache=False,
            limit=0 if keep else MOST_CONNECTIONS,
            socket_factory=judged_socket,
            **({"keepalive_timeout": KEPT_SECONDS} if keep else {"force_close": True}),
        )
        # Answers are taken as they are sent: what is small packed may be large unpacked.
        plain = {"Accept-Encoding": "identity", "User-Agent": "gamehall"}
        session = ClientSession(connector=connector, cookie_jar=DummyCookieJar(), headers=plain, auto_decompress=False, trust_env=False)
        self._sessions[scheme, keep] = session
        return session


class _Judged:
    """A resolver for aiohttp. One address that is not allowed condemns a name, whatever else it has."""

    def __init__(self, egress: Egress, scheme: str) -> None:
        self._egress = egress
        self._scheme = scheme

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        """The addresses of a name."""
        results = []
        for kind, _, protocol, _, address in await self._egress._look_up(host, port):
            self._egress._judge(ip_address(address[0]), port, self._scheme)
            results.append(
                {"hostname": host, "host": address[0], "port": port, "family": kind, "proto": protocol, "flags": socket.AI_NUMERICHOST}
            )
        if not results:
            raise OSError("a name without an address")
        return results

    async def close(self) -> None:
        """There is nothing to close."""


async def _at_most(content: Any, largest: int, cut: bool) -> bytes:
    read = bytearray()
    async for chunk in content.iter_any():
        read += chunk
        if len(read) > largest:
            if cut:
                break
            raise ValueError("too large")
    return bytes(read[:largest])

"""URLs that lead inside: each is asked for by the product's one way out, and a hook of the interpreter sees every address that a socket is
connected to, and lets none of them through."""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any
from unittest import mock

from gamehall_server.kit.egress import Egress, Refused, Unanswered

from bench.servers import HOST
from prove.proof import Found, main
from prove.targets import PUBLIC, Target, found, is_special, targets

BAR = (
    "at least 300 URLs that lead inside, each asked for plainly and as webhooks do, and each as a redirect: 0 sockets to what is not public"
)
LEAST = 300
# How the product asks: providers once, webhooks many times at one server, of whose answer the first part is enough.
WAYS: dict[str, dict[str, Any]] = {"plain": {}, "webhooks": {"keep": True, "cut": True}}
STATUSES = (301, 302, 303, 307, 308)
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class Hook:
    """Sees every connection and every datagram of the thread for which it watches, which the egress never leaves. Meanwhile none comes
    about, but to the `own` listener."""

    def __init__(self) -> None:
        self.watched: int | None = None
        self.own: tuple[str, int] | None = None
        self.seen: list[str] = []
        # It stays for as long as the process does.
        sys.addaudithook(self._hear)

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        if event not in ("socket.connect", "socket.sendto", "socket.sendmsg") or threading.get_ident() != self.watched:
            return
        address = given[1]
        if self.own is not None and tuple(address or ())[:2] == self.own:
            return
        self.seen.append(str(address[0]) if isinstance(address, tuple) else repr(address))
        raise ConnectionRefusedError("no packet leaves")

    @contextmanager
    def watching(self, own: tuple[str, int] | None = None) -> Iterator[list[str]]:
        """What is connected to, until the block ends."""
        self.watched, self.own, self.seen = threading.get_ident(), own, []
        try:
            yield self.seen
        finally:
            self.watched = None


HOOK = Hook()


def service(target: Target) -> Any:
    """A name service that knows this target's name. Numbers are read as the system reads them, without asking anybody."""
    left = list(target.answers)

    async def look_up(host: str, port: int) -> list[tuple[Any, ...]]:
        if host == "public.test":
            return found(("8.8.8.8",), port)
        if not left:
            return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
        return found(left.pop(0) if len(left) > 1 else left[0], port, target.canonical)

    return look_up


async def _asked(proof: Found, target: Target, way: str) -> None:
    egress = Egress(look_up=service(target))
    try:
        for _ in target.answers or (None,):
            try:
                await egress.fetch("POST", target.url, body=b"{}", **WAYS[way])
                proof.check(False, f"{target}: answered")
            except (Refused, Unanswered):
                proof.count(f"asked: {way}")
    finally:
        await egress.close()


def asked(proof: Found, wanted: list[Target]) -> None:
    """Each URL in each way; with proxies in the environment, which nobody heeds."""
    inside = 0
    with mock.patch.dict(os.environ, dict.fromkeys(PROXIES, "http://10.0.0.1:3128")):
        for target in wanted:
            for way in WAYS:
                with HOOK.watching() as seen:
                    asyncio.run(_asked(proof, target, way))
                inner = [address for address in seen if is_special(address)]
                proof.check(not inner, f"{target}, {way}: connected to {inner}")
                inside += len(inner)
            proof.count(f"URLs: {target.kind}")
        # The hook sees what may be reached: otherwise it would prove nothing.
        for public in PUBLIC:
            for url, answers in ((f"https://{f'[{public}]' if ':' in public else public}/", ()), ("https://outer.test/", ((public,),))):
                for way in WAYS:
                    with HOOK.watching() as seen:
                        asyncio.run(_asked(proof, Target("public", url, answers), way))
                    proof.check([ip_address(each) for each in seen] == [ip_address(public)], f"{url}: connected to {seen}, not to {public}")
                    proof.count("connections to public addresses seen", len(seen))
    proof.count("URLs", len(wanted))
    proof.zero("sockets to what is not public", inside)


def redirected(proof: Found, wanted: list[Target]) -> None:
    """Each URL as the place that a server, which may be reached, sends on to."""

    async def every(listener: socket.socket) -> None:
        said = [b""]

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.readline():
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(2)
                writer.write(said[0])
            writer.close()

        server = await asyncio.start_server(serve, sock=listener)
        egress = Egress(f"{HOST}/32")
        for turn, target in enumerate(wanted):
            status = STATUSES[turn % len(STATUSES)]
            there = target.url.encode("utf-8", "replace").replace(b"\n", b"").replace(b"\t", b"")
            said[0] = b"HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\nRefresh: 0; url=%s\r\nContent-Length: 0\r\n\r\n" % (status, there, there)
            for way, how in WAYS.items():
                answer = await egress.fetch("POST", f"http://{HOST}:{port}/", body=b"{}", **how)
                proof.check(answer.status == status, f"a redirect to {target.url}, {way}: {answer.status}")
                proof.count("redirects")
        await egress.close()
        server.close()
        await asyncio.sleep(0)

    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        with HOOK.watching((HOST, port)) as seen:
            asyncio.run(every(listener))
    proof.zero("redirects followed", len(seen))


def prove(_seconds: float, _seed: int) -> Found:
    """All of it."""
    proof = Found()
    wanted = targets()
    asked(proof, wanted)
    redirected(proof, wanted)
    proof.check(len(wanted) >= LEAST, f"fewer than {LEAST} URLs")
    return proof


if __name__ == "__main__":
    main("ssrf", BAR, prove, 0)

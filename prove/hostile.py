"""Hostile clients at both doors: whatever one connection sends, the others are served, nothing grows, and nothing smuggled is answered."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.machine import memory_mb
from bench.servers import HOST
from prove.attacks import BY_HTTP, BY_HTTP2, Attack
from prove.doors import Doors
from prove.ground import Ground, ground
from prove.product import Product, served
from prove.proof import Found, main

BAR = "other clients always served, no call over 1 s, +64 MB at most, no smuggled request answered; exceptions: docs/decisions/0009"
FULL, SHORT = 100_000, 2_000
MORE_MB = 64
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
# What the native engine cannot refuse before it costs (docs/decisions/0009-libraries.md): the engine, the attack, why.
EXCEPTIONS = {("native", "a gzip bomb"): "it unpacks a message before it knows its size"}


class Witness:
    """A client that minds its own business at both doors meanwhile."""

    def __init__(self, product: Product, found: Found, what: str) -> None:
        self._doors, self._found, self._what = Doors(product, found, f"during {what}"), found, what
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.calls, self.slowest = 0, 0.0

    def _run(self) -> None:
        while not self._stop.is_set() or self.calls < 4:
            began = time.monotonic()
            door = (self._doors.write_http, self._doors.write_grpc, self._doors.read_http, self._doors.read_grpc)[self.calls % 4]
            made = door(str(self.calls + 1) if self.calls % 4 < 2 else "1")
            self._found.check(made is not None, f"{self._what}: another client was refused")
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.calls += 1
        self._doors.close()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Calls during the block, and at least once through each door."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()


def attacked(found: Found, product: Product, engine: str, attack: Attack, port: int, size: int, *, timed: bool) -> None:
    """One attack."""
    name = f"{engine}: {attack.name}"
    memory, files = memory_mb(product.pid), product.open_files()
    witness = Witness(product, found, name)
    with witness.watching(), ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection((HOST, port), 5)) for _ in range(attack.connections)]
        heard = [_send(each, attack, size) for each in sockets]
    statuses = [int(status) for answer in heard for status in STATUS.findall(answer)]
    found.check(not attack.statuses or set(statuses) <= set(attack.statuses), f"{name}: answered {statuses[:5]}")
    smuggled = b'"version"' in b"".join(heard) and attack.statuses and 200 not in attack.statuses
    found.check(not smuggled, f"{name}: what was smuggled was answered")
    found.check(not timed or witness.slowest <= 1, f"{name}: a call of another client took {witness.slowest:.1f} s")
    found.check(product.alive, f"{name}: the server has ended")
    # What a connection took may be given back a while after it was closed.
    patience = time.monotonic() + 15
    allowed = MORE_MB if (engine, attack.name) not in EXCEPTIONS else float("inf")
    while (product.open_files() > files + 4 or memory_mb(product.pid) - memory > allowed) and time.monotonic() < patience:
        time.sleep(0.05)
    grown = memory_mb(product.pid) - memory
    found.check(grown <= allowed, f"{name}: {grown:.0f} MB more")
    found.check(product.open_files() <= files + 4, f"{name}: {product.open_files() - files} descriptors more")
    found.count("attacks")
    found.count("calls of others", witness.calls)


def _send(connection: socket.socket, attack: Attack, size: int) -> bytes:
    """Sends what an attack sends, for as long as the server takes it; gives the first of what came back."""
    heard = b""
    connection.settimeout(1)
    try:
        for part in attack.parts(size):
            connection.sendall(part)
            heard += _heard(connection, 0) if attack.reads and len(heard) < 65536 else b""
        return heard + (_heard(connection, 0.3) if attack.reads else b"")
    except OSError:
        # Closed, or not read any more: both are right. What it said before may still be there.
        return heard + _heard(connection, 0.05)


def _heard(connection: socket.socket, patience: float) -> bytes:
    heard = b""
    connection.settimeout(patience)
    try:
        while len(heard) < 65536 and (part := connection.recv(65536)):
            heard += part
    except OSError:
        pass
    connection.settimeout(1)
    return heard


def besieged(found: Found, on: Ground, engine: str, attacks: dict[str, tuple[Attack, ...]], size: int, *, timed: bool) -> None:
    """A server, and every attack after the other: those at "http" and those at "grpc"."""
    with served(on, GAMEHALL_GRPC_ENGINE=engine) as product:
        for door, many in attacks.items():
            port = product.http_port if door == "http" else product.grpc_port
            for attack in many:
                attacked(found, product, "uvicorn" if door == "http" else engine, attack, port, size, timed=timed)
        found.check(product.stop() == 0, f"{engine}: the server did not end well")
    found.check(not product.bugs(), f"{engine}: {product.bugs()[:1]}")


def prove(seconds: float, seed: int) -> Found:
    """Every attack, at HTTP and at both engines of gRPC."""
    found = Found()
    for engine, attacks in (("native", {"http": BY_HTTP, "grpc": BY_HTTP2}), ("grpcio", {"grpc": BY_HTTP2})):
        with ground("sqlite") as on:
            besieged(found, on, engine, attacks, FULL, timed=True)
    found.count("exceptions", len(EXCEPTIONS))
    return found


if __name__ == "__main__":
    main("hostile", BAR, prove, 0)

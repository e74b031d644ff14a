"""Hostile clients at both doors: whatever one connection sends, the others are served, nothing grows, and nothing smuggled is answered."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context

from bench.load.http2 import GOAWAY, HEADERS, RST_STREAM
from bench.machine import memory_mb
from bench.servers import HOST
from prove.attacks import BY_HTTP, BY_HTTP2, Attack
from prove.doors import Doors
from prove.ground import Ground, ground
from prove.product import Product, served
from prove.proof import Found, main

BAR = "others always served, no call > 1 s, their p99 <= 2x; refusals within 100 ms, none smuggled; +64 MB at most; exceptions told"
FULL, SHORT = 100_000, 2_000
MORE_MB = 64
SECONDS, QUIET, SOON, SLOWER = 2.0, 10.0, 0.1, 2.0
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
# What an engine cannot refuse before it costs (docs/decisions/0009-libraries.md): the engine, the attack, why. Others are served all the
# same, but memory, how soon it is refused and the time of their calls are told and not judged.
EXCEPTIONS = {
    ("native", "a gzip bomb"): "it unpacks a message before it knows its size",
    ("grpcio", "an HPACK bomb"): "it keeps a field for every reference to one, however many there are beyond the limit of metadata",
}


class Witness:
    """A client that minds its own business at both doors meanwhile."""

    def __init__(self, product: Product, found: Found, what: str) -> None:
        self._doors, self._found, self._what = Doors(product, found, f"during {what}"), found, what
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.times: list[float] = []

    def _run(self) -> None:
        doors = (self._doors.write_http, self._doors.write_grpc, self._doors.read_http, self._doors.read_grpc)
        while not self._stop.is_set() or len(self.times) < 4:
            began, turn = time.monotonic(), len(self.times)
            made = doors[turn % 4](str(turn + 1) if turn % 4 < 2 else "1")
            self._found.check(made is not None, f"{self._what}: another client was refused")
            self.times.append(time.monotonic() - began)
        self._doors.close()

    def until_well(self) -> None:
        """Waits until four calls in a row that begin after this take no longer than a refusal may; half a minute at most."""
        patience, since = time.monotonic() + 30, len(self.times) + 1
        while time.monotonic() < patience and (len(self.times) < since + 4 or max(self.times[-4:]) > SOON):
            time.sleep(0.05)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Calls during the block, and at least once through each door."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()


class Siege:
    """A server, and what it did under attack."""

    def __init__(self, found: Found, product: Product, name: str, *, timed: bool) -> None:
        self.found, self.product, self.name, self.timed = found, product, name, timed
        # The attacker has a process of its own: in this one it would keep the other clients from running.
        self._attacker = ProcessPoolExecutor(1, get_context("spawn"))
        self._refused: dict[str, float] = {}
        # Those of the exceptions.
        self._late: dict[str, float] = {}
        self._borne: list[str] = []
        self._times: list[float] = []

    def attack(self, door: str, number: int, size: int) -> None:
        """One attack."""
        attack, product, found = ATTACKS[door][number], self.product, self.found
        name = f"{self.name}: {attack.name}"
        excepted = (self.name, attack.name) in EXCEPTIONS
        memory, files = memory_mb(product.pid), product.open_files()
        witness = Witness(product, found, name)
        with witness.watching():
            port = product.http_port if door == "http" else product.grpc_port
            heard, after = self._attacker.submit(_attack, door, number, port, size, SECONDS if self.timed else 0).result()
            if excepted and self.timed:
                # What it leaves behind is no doing of the next attack's.
                witness.until_well()
        statuses = [int(status) for status in STATUS.findall(heard)]
        found.check(not attack.statuses or set(statuses) <= set(attack.statuses), f"{name}: answered {statuses[:5]}")
        smuggled = b'"version"' in heard and attack.statuses and 200 not in attack.statuses
        found.check(not smuggled, f"{name}: what was smuggled was answered")
        quick = not self.timed or excepted or max(witness.times) <= 1
        found.check(quick, f"{name}: a call of another client took {max(witness.times):.1f} s")
        found.check(product.alive, f"{name}: the server has ended")
        # What a connection took may be given back a while after it was closed.
        patience = time.monotonic() + 15
        allowed = float("inf") if excepted else MORE_MB
        while (product.open_files() > files + 4 or memory_mb(product.pid) - memory > allowed) and time.monotonic() < patience:
            time.sleep(0.05)
        grown = memory_mb(product.pid) - memory
        if excepted and self.timed:
            found.count(f"{name}: MB more", round(grown))
            found.count(f"{name}: slowest call of others, ms", round(max(witness.times) * 1000))
        found.check(grown <= allowed, f"{name}: {grown:.0f} MB more")
        found.check(product.open_files() <= files + 4, f"{name}: {product.open_files() - files} descriptors more")
        found.count(f"{self.name}: attacks")
        self._times += [] if excepted else witness.times
        if after is None:
            self._borne.append(attack.name)
        else:
            (self._late if excepted else self._refused)[attack.name] = after

    def close(self, quiet: list[float]) -> None:
        """Tells what all attacks together did; `quiet` is how long calls of others take without."""
        self._attacker.shutdown()
        self.found.count(f"{self.name}: calls of others", len(self._times))
        if self.timed:
            slowest = max(self._refused, key=self._refused.__getitem__)
            self.found.count(f"{self.name}: refused at once", len(self._refused))
            self.found.count(f"{self.name}: ms until refused, at most ({slowest})", round(self._refused[slowest] * 1000))
            self.found.check(self._refused[slowest] <= SOON, f"{self.name}: {slowest} was refused after {self._refused[slowest]:.2f} s")
            for attack, seconds in self._late.items():
                self.found.count(f"{self.name}: {attack}: ms until refused", round(seconds * 1000))
            alone, besides = (sorted(times)[int(len(times) * 0.99)] for times in (quiet, self._times))
            self.found.count(f"{self.name}: p99 us of others alone", round(alone * 1e6))
            self.found.count(f"{self.name}: p99 us of others under attack", round(besides * 1e6))
            self.found.check(besides <= SLOWER * alone, f"{self.name}: others' p99 is {besides / alone:.1f} times as long")
            self.found.exceptions.append(f"{self.name} puts up with, until it is bored: {', '.join(self._borne)}.")


ATTACKS = {"http": BY_HTTP, "grpc": BY_HTTP2}


def _attack(door: str, number: int, port: int, size: int, seconds: float) -> tuple[bytes, float | None]:
    """Attacks again and again for so long, at least once. Gives what was heard on all connections, and how long after the last byte of an
    attack its refusal came at the latest, if any came."""
    attack, began = ATTACKS[door][number], time.monotonic()
    heard: list[bytes] = []
    times: list[float] = []
    while not heard or time.monotonic() - began < seconds:
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_connection((HOST, port), 5)) for _ in range(attack.connections)]
            for each in sockets:
                answer, after = _send(each, attack, size, door)
                heard.append(answer)
                times += [] if after is None else [after]
    return b"".join(heard), max(times, default=None)


def _send(connection: socket.socket, attack: Attack, size: int, door: str) -> tuple[bytes, float | None]:
    """Sends what an attack sends, for as long as the server takes it; gives the first of what came back, and how long a refusal took."""
    heard = b""
    connection.settimeout(1)
    try:
        for part in attack.parts(size):
            connection.sendall(part)
            heard += _heard(connection, 0)[0] if attack.reads and len(heard) < 65536 else b""
    except ConnectionError:
        # Closed: that is right. What it said before may still be there.
        return heard + _heard(connection, 0.05)[0], 0.0
    except TimeoutError:
        # Not read any more: that is right as well.
        return heard + _heard(connection, 0.05)[0], None
    if not attack.reads:
        return heard, None
    began = time.monotonic()
    closed = False
    while not closed and not _refusal(heard, door):
        more, closed = _heard(connection, 0.3)
        if not more and not closed:
            return heard, None
        heard += more
    return heard, time.monotonic() - began


def _refusal(heard: bytes, door: str) -> bool:
    """Whether the server said no: by an answer, or by an end of the stream or the connection."""
    if door == "http":
        return bool(STATUS.search(heard))
    at, kinds = 0, set()
    while at + 9 <= len(heard):
        kinds.add(heard[at + 3])
        at += 9 + int.from_bytes(heard[at : at + 3])
    return not kinds.isdisjoint({HEADERS, RST_STREAM, GOAWAY})


def _heard(connection: socket.socket, patience: float) -> tuple[bytes, bool]:
    """What can be read now or comes first, and whether the server hung up."""
    heard, closed = b"", False
    connection.settimeout(patience)
    try:
        part = connection.recv(65536)
        heard, closed = part, not part
    except ConnectionError:
        closed = True
    except OSError:
        pass
    connection.settimeout(1)
    return heard, closed


def besieged(found: Found, on: Ground, engine: str, doors: tuple[str, ...], size: int, *, timed: bool) -> None:
    """A server, and every attack after the other at each of these doors."""
    with served(on, GAMEHALL_GRPC_ENGINE=engine) as product:
        alone = Witness(product, found, "nothing")
        with alone.watching():
            time.sleep(QUIET if timed else 0)
        for door in doors:
            siege = Siege(found, product, "uvicorn" if door == "http" else engine, timed=timed)
            for number in range(len(ATTACKS[door])):
                siege.attack(door, number, size)
            siege.close(alone.times)
        found.check(product.stop() == 0, f"{engine}: the server did not end well")
    found.check(not product.bugs(), f"{engine}: {product.bugs()[:1]}")


def prove(seconds: float, seed: int) -> Found:
    """Every attack, at HTTP and at both engines of gRPC."""
    found = Found()
    for engine, doors in (("native", ("http", "grpc")), ("grpcio", ("grpc",))):
        with ground("sqlite") as on:
            besieged(found, on, engine, doors, FULL, timed=True)
    found.exceptions += [f"{engine}, {attack}: {why} (docs/decisions/0009)." for (engine, attack), why in EXCEPTIONS.items()]
    return found


if __name__ == "__main__":
    main("hostile", BAR, prove, 0)

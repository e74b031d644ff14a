"""PostgreSQL goes away under load: restarted without warning, its connections cut, its processes stopped for ten seconds."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prove import books
from prove.doors import Doors
from prove.ground import Ground, ground
from prove.product import Product, served
from prove.proof import Found, main
from tests.databases import PostgresServer

BAR = "nothing but UNAVAILABLE with retry info, first success at most 2 s after it is back, nothing lost, doubled or leaked"
CALLERS = 8
MOST_CONNECTIONS = 8
SOON = 2.0
# A cluster may have databases of others.
OURS = "FROM pg_stat_activity WHERE application_name = 'gamehall' AND datname = current_database()"
CUT, OPEN = f"SELECT pg_terminate_backend(pid) {OURS}", f"SELECT count(*) {OURS}"


def within_the_pool(on: Ground) -> bool:
    """Whether no more connections are open than the pool may have. PostgreSQL lets one that was closed go a moment later."""
    for _ in range(50):
        if int(books.rows(on.url, OPEN)[0][0]) <= MOST_CONNECTIONS:
            return True
        time.sleep(0.1)
    return False


class Load:
    """Callers that read and write through both doors. A write that is told to come back comes back with the same key."""

    def __init__(self, product: Product, found: Found, seed: int) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.refused = 0
        self.successes: dict[int, float] = {}
        self._product, self._found, self._seed = product, found, seed
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CALLERS)]

    def _run(self, number: int) -> None:
        chance = random.Random(self._seed * 1000 + number)
        doors, turn = Doors(self._product, self._found, "outage"), 0
        while True:
            key = f"k{number}.{turn}"
            made = doors.write(key)
            if made is not None:
                self.told.append(("comment", key, made))
                turn += 1
            read = doors.read(chance.randint(1, 1000))
            if made is not None and read is not None:
                self.successes[number] = time.monotonic()
                if self._stop.is_set():
                    return doors.close()
            else:
                self.refused += 1
                time.sleep(0.02)

    def all_served_since(self, moment: float) -> float:
        """Waits until a caller wrote and read after a moment, and then until all did; the seconds until the first."""
        while not (late := [at for at in self.successes.values() if at > moment]):
            time.sleep(0.005)
        first = min(late) - moment
        while sum(at > moment for at in self.successes.values()) < CALLERS:
            time.sleep(0.005)
        return first

    @contextmanager
    def running(self) -> Iterator[None]:
        """Goes on during the block; the last call of each caller ends well."""
        for thread in self._threads:
            thread.start()
        try:
            self.all_served_since(0)
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()


def restarted(server: PostgresServer, seconds: float) -> float:
    """Ends it without warning, starts it again after so many seconds; gives when it was back."""
    server.stop("immediate")
    time.sleep(seconds)
    server.start()
    return time.monotonic()


def cut(server: PostgresServer, on: Ground) -> float:
    """Ends every connection of the product."""
    books.rows(on.url, CUT)
    return time.monotonic()


def paused(server: PostgresServer, seconds: float) -> float:
    """Stops its processes for so many seconds."""
    pids = server.pids()
    for pid in pids:
        _signal(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in pids:
        _signal(pid, signal.SIGCONT)
    return time.monotonic()


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # A connection's process that had ended.


def outages(found: Found, on: Ground, rounds: int, down: float, pause: float, seed: int, *, timed: bool) -> None:
    """Each kind of outage, so many times. Times are judged where `timed`."""
    server = on.postgres
    assert server is not None
    with served(on) as product:
        load = Load(product, found, seed)
        with load.running():
            files, threads = product.open_files(), product.threads()
            kinds: list[tuple[str, Callable[[], float]]] = [
                ("restarted", lambda: restarted(server, down)),
                ("cut", lambda: cut(server, on)),
                ("paused", lambda: paused(server, pause)),
            ]
            slowest = 0.0
            for _ in range(rounds):
                for name, outage in kinds:
                    first = load.all_served_since(outage())
                    slowest = max(slowest, first)
                    found.count(name)
                    found.check(not timed or first <= SOON, f"{name}: first success after {first:.2f} s")
            found.check(product.open_files() <= files + MOST_CONNECTIONS, f"open files: {files}, then {product.open_files()}")
            found.check(product.threads() <= threads + 2, f"threads: {threads}, then {product.threads()}")
            found.check(within_the_pool(on), "connections beyond the pool")
        if timed:
            found.count("ms until the first success, at most", round(slowest * 1000))
        found.count("told to come back", load.refused)
        found.count("acknowledged", len(load.told))
        found.check(product.stop() == 0, "the server did not end well")
    books.audit(found, on.url, load.told)
    found.check(not product.bugs(), f"{product.bugs()[:1]}")


def prove(seconds: float, seed: int) -> Found:
    """Three rounds; PostgreSQL is down for half of `seconds`, and stopped for all of them."""
    found = Found()
    with ground("postgresql") as on:
        outages(found, on, 3, seconds / 2, seconds, seed, timed=True)
    return found


if __name__ == "__main__":
    main("outage", BAR, prove, 10)

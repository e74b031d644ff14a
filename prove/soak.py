"""A minute of mixed load on each database: memory, open files, threads and connections stay as they are, and the log of writes short."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import linear_regression
from typing import NamedTuple

from bench import dataset
from bench.load import requests
from bench.machine import memory_mb
from prove import books, crowd, outage
from prove.ground import Ground, ground
from prove.product import Product, served
from prove.proof import Found, main

BAR = "+1 MB per 100,000 calls at most, but for pages of the database; files, threads, connections flat; WAL <= 64 MB; no call fails"
CALLERS = 32
WARM_UP, WARM_CALLS = 5.0, 40_000
# Of a hundred calls.
MIX = {"get": 60, "list": 35, "create": 5}
MOST_WAL_MB, MOST_SLOPE = 64, 1.0


class Sample(NamedTuple):
    """The server at one moment."""

    memory: float
    files: int
    threads: int
    log: float


class Samples:
    """The server from moment to moment."""

    def __init__(self, product: Product) -> None:
        self.taken: list[Sample] = []
        self._product = product
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        log = self._product.ground.file.with_name("gamehall.db-wal")
        while not self._stop.wait(0.1):
            size = log.stat().st_size / 1e6 if log.exists() else 0
            self.taken.append(Sample(memory_mb(self._product.pid), self._product.open_files(), self._product.threads(), size))

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Looks ten times a second during the block."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()


def soaked(found: Found, on: Ground, seconds: float, seed: int, *, timed: bool) -> None:
    """Mixed load over HTTP."""
    chance = random.Random(seed)
    prepared = [one for scenario, share in MIX.items() for one in requests.http(scenario, on.tokens, seed)[: share * 200]]
    chance.shuffle(prepared)
    with served(on) as product:
        # By then caches are full: statements, callers of tokens, pages.
        warm_up, calls = (WARM_UP, WARM_CALLS) if timed else (0, 200)
        crowd.load("http", product.http_port, prepared, CALLERS, warm_up, calls, 0)
        samples, size = Samples(product), _cached(on)
        with samples.taking():
            answers, _ = crowd.load("http", product.http_port, prepared, CALLERS, seconds, 1000, 0)
        taken = samples.taken
        found.check(not answers.outcomes, f"{on.kind}: {answers.outcomes.most_common(2)}")
        found.check(taken[-1].files <= taken[0].files + CALLERS, f"{on.kind}: files {taken[0].files}, then {taken[-1].files}")
        found.check(taken[-1].threads <= taken[0].threads + 1, f"{on.kind}: threads {taken[0].threads}, then {taken[-1].threads}")
        found.check(max(sample.log for sample in taken) <= MOST_WAL_MB, f"{on.kind}: WAL {max(sample.log for sample in taken):.0f} MB")
        if on.kind == "postgresql":
            found.check(outage.within_the_pool(on), "connections beyond the pool")
        calls = len(answers.latencies)
        if timed:
            slope, _ = linear_regression([calls * at / len(taken) for at in range(len(taken))], [sample.memory for sample in taken])
            found.count(f"{on.kind}: calls", calls)
            found.count(f"{on.kind}: kB per 100,000 calls", round(slope * 1e5 * 1000))
            found.count(
                f"{on.kind}: kB per 100,000 calls that the database grew by, in memory too", round((_cached(on) - size) * 1e8 / calls)
            )
            found.check((slope - (_cached(on) - size) / calls) * 1e5 <= MOST_SLOPE, f"{on.kind}: {slope * 1e5:.2f} MB per 100,000 calls")
        found.check(product.stop() == 0, f"{on.kind}: the server did not end well")
    found.check(not product.bugs(), f"{on.kind}: {product.bugs()[:1]}")


def _cached(on: Ground) -> float:
    """How many MB of the database the server may have in memory: of a SQLite file what is used, up to 64 MiB on each connection."""
    return int(books.rows(on.url, "PRAGMA page_count")[0][0]) * 4096 / 1e6 if on.kind == "sqlite" else 0


def prove(seconds: float, seed: int) -> Found:
    """Each database for so many seconds."""
    found = Found()
    for kind in ("sqlite", "postgresql"):
        with ground(kind, comments=dataset.COMMENTS, objects=dataset.OBJECTS) as on:
            soaked(found, on, seconds, seed, timed=True)
    return found


if __name__ == "__main__":
    main("soak", BAR, prove, 55)

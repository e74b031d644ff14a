"""What every proof has in common: what it counts, what it finds wrong, and how it tells both."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Lock

MOST_TOLD = 10


class Found:
    """What a proof found. Safe to use from several threads."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.exceptions: list[str] = []
        self._lock = Lock()

    def count(self, what: str, number: int = 1) -> None:
        """Adds to a figure; with 0 it is told as 0."""
        with self._lock:
            self.counts[what] += number

    def check(self, holds: bool, what: str) -> bool:
        """Notes what is wrong unless it holds; gives whether it does."""
        if not holds:
            with self._lock:
                self.wrong[what] += 1
        return holds

    def zero(self, what: str, number: int) -> None:
        """A figure that must be 0."""
        self.count(what, number)
        self.check(number == 0, f"{what}: {number}")

    def line(self) -> str:
        """Every figure."""
        return ", ".join(f"{what} {number:,}" for what, number in self.counts.items())


class Missing(Exception):
    """This machine, or this clone, lacks what a proof needs; says what."""


Prove = Callable[[float, int], Found]


def main(name: str, bar: str, prove: Prove, seconds: float) -> None:
    """The command of a proof: `python -m prove.NAME`. Exits with 1 below the bar."""
    parser = argparse.ArgumentParser(prog=f"python -m prove.{name}", description=bar)
    parser.add_argument("--seconds", type=float, default=seconds, help="how long each part goes on")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed makes the same choices")
    parser.add_argument("--into", type=Path, help="a file for the result, as JSON")
    wanted = parser.parse_args()
    print(f"prove.{name}: {bar}\nseed {wanted.seed}", flush=True)
    began = time.monotonic()
    try:
        found = prove(wanted.seconds, wanted.seed)
    except Missing as missing:
        sys.exit(f"prove.{name} cannot be run: {missing}")
    for what, times in found.wrong.most_common(MOST_TOLD):
        print(f"wrong, {times} times: {what}")
    print(("below the bar: " if found.wrong else "") + found.line())
    if wanted.into:
        told = {"bar": bar, "seed": wanted.seed, "seconds": round(time.monotonic() - began), "counts": found.counts}
        wanted.into.write_text(json.dumps(told | {"wrong": dict(found.wrong.most_common(MOST_TOLD)), "exceptions": found.exceptions}))
    sys.exit(1 if found.wrong else 0)

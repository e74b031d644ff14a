"""Passwords: argon2id in a bounded pool beside the loop, so that sign-ins never stand in the way of other calls."""

import asyncio
import base64
import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from gamehall_server.kit import clock
from gamehall_server.kit.errors import Exhausted

T = TypeVar("T")
# OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
MEMORY_KIB = 19 * 1024
FEWEST_PASSES = 2
MOST_PASSES = 12
AIM_SECONDS = 0.025
LONGEST_QUEUE = 128
_M_MMAP_THRESHOLD = -3


def give_memory_back() -> None:
    """Makes glibc map argon2's 19 MiB afresh for each hash. It would keep them otherwise, in every thread that ever hashed."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 4 * 1024 * 1024)


def step_back() -> None:
    """Lets this thread compute only while nothing else wants its core, and be put aside at once when something does (Linux).

    Niceness is not enough: a nice thread still keeps the core for a whole slice, some milliseconds, while calls wait.
    """
    if sys.platform == "linux":
        # Some containers forbid it.
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def measured_passes() -> int:
    """Passes that take about 25 ms on this machine; never fewer than OWASP's two."""
    give_memory_back()
    hasher = Argon2(time_cost=FEWEST_PASSES, memory_cost=MEMORY_KIB, parallelism=1)
    hasher.hash("warm up")
    started = time.perf_counter()
    hasher.hash("measured")
    each = (time.perf_counter() - started) / FEWEST_PASSES
    return max(FEWEST_PASSES, min(MOST_PASSES, round(AIM_SECONDS / each)))


def _letters(size: int) -> str:
    """So many bytes, as an encoded hash writes them."""
    return base64.b64encode(clock.token(size).encode()[:size]).decode().rstrip("=")


class PasswordHasher:
    """Hashes and verifies. Raises Exhausted when too many wait already."""

    def __init__(self, passes: int) -> None:
        give_memory_back()
        self._argon2 = Argon2(time_cost=passes, memory_cost=MEMORY_KIB, parallelism=1)
        # One core stays free for every other call.
        self._pool = ThreadPoolExecutor(max(1, cores() - 1), thread_name_prefix="argon2", initializer=step_back)
        self._waiting = 0
        # Of nobody's password, and never made by hashing one: verifying it takes as long as any.
        self._dummy = f"$argon2id$v=19$m={MEMORY_KIB},t={passes},p=1${_letters(16)}${_letters(32)}"

    async def hash(self, password: str, salt: bytes | None = None) -> str:
        """The hash to keep; with a salt of 16 bytes that is told, always the same."""
        return await self._beside(partial(self._argon2.hash, salt=salt), password)

    def hash_at_once(self, password: str) -> str:
        """The hash to keep, in this thread and giving way to nothing: for a process that serves nobody yet."""
        return self._argon2.hash(password)

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the hashed one. None stands for a user who does not exist, an empty text for one who has no password;
        both take as long."""
        if not hashed:
            await self._beside(self._verify, self._dummy, password)
            return False
        return await self._beside(self._verify, hashed, password)

    def outdated(self, hashed: str) -> bool:
        """Whether the hash was made with other costs than today's."""
        return self._argon2.check_needs_rehash(hashed)

    def close(self) -> None:
        """Lets the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._argon2.verify(hashed, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    async def _beside(self, work: Callable[..., T], *args: str) -> T:
        if self._waiting >= LONGEST_QUEUE:
            raise Exhausted("Too many sign-ins at once: try again in a moment.", retry_after=1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        finally:
            self._waiting -= 1

"""Reads that would wait for each other anyway are asked together: while one round trip is under way, those who want another row by the same
statement gather, and the next round trip brings all of theirs (docs/decisions/0042).

Only for statements that find one row by a key (`Query.seeks`): of what takes long, one would hold up the others.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from gamehall_server.kit.errors import Fault, Unavailable
from gamehall_server.kit.storage.postgres_pool import ALL_ROWS, DRIVER_ERRORS, FIRST_ROW
from gamehall_server.kit.storage.query import Plan

log = logging.getLogger("gamehall.storage")
MOST_TOGETHER = 100
# Nobody waits longer for the round trip of others before the next begins, on another connection.
LONG = 0.1
# Longer than any call: who waited for this one has gone, and its connection is dead.
LONGEST = 60.0
_PARAMETER = re.compile(r"\$(\d+)(?:::(BIGINT|INTEGER|VARCHAR|TEXT|BOOLEAN)(?![\[(\w]))?")
Read = Callable[[Callable[..., Awaitable[Any]], str, Iterable[Any]], Awaitable[Any]]
Wanted = tuple[Sequence[Any], "asyncio.Future[Any]"]


class Together:
    """Of one database. `read` is one read outside a transaction."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._groups: dict[str, _Group] = {}

    async def row(self, plan: Plan, values: Sequence[Any]) -> Any:
        """The driver's row of a statement, or None."""
        group = self._groups.get(plan.sql)
        if group is None:
            group = self._groups[plan.sql] = _Group(self._read, plan.sql)
        return await group.row(values)


class _Group:
    """Those who read by one statement."""

    def __init__(self, read: Read, sql: str) -> None:
        self._read = read
        self._sql = sql
        self._of_many = of_many(sql)
        self._waiting: list[Wanted] = []
        # The round trip for which others wait, if any, and the end of their patience.
        self._trip = 0
        self._under_way = False
        self._timer: asyncio.TimerHandle
        self._tasks: set[asyncio.Task[None]] = set()

    async def row(self, values: Sequence[Any]) -> Any:
        if self._of_many is None:
            return await self._read(FIRST_ROW, self._sql, values)
        if self._under_way:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append((values, future))
            return await future
        trip = self._begin()
        try:
            return await self._read(FIRST_ROW, self._sql, values)
        finally:
            self._end(trip)

    def _begin(self) -> int:
        self._trip += 1
        self._under_way = True
        self._timer = asyncio.get_running_loop().call_later(LONG, self._end, self._trip)
        return self._trip

    def _end(self, trip: int) -> None:
        """A round trip has ended, or takes too long: the next takes those who wait."""
        if trip != self._trip or not self._under_way:
            return
        self._timer.cancel()
        self._under_way = False
        wanted, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        if wanted:
            task = asyncio.create_task(self._bring(wanted, self._begin()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _bring(self, wanted: list[Wanted], trip: int) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                if len(wanted) == 1 or not await self._brought(self._of_many or "", wanted):
                    for values, future in wanted:
                        await _settle(future, self._read(FIRST_ROW, self._sql, values))
        except TimeoutError:
            log.warning("a read took longer than %d s", LONGEST)
        finally:
            for _, future in wanted:
                _fail(future, Unavailable(retry_after=1))
            self._end(trip)

    async def _brought(self, sql: str, wanted: list[Wanted]) -> bool:
        """False where somebody has a value that the driver does not take: the others have nothing to do with that."""
        columns = [list(column) for column in zip(*(values for values, _ in wanted), strict=True)]
        try:
            rows = await self._read(ALL_ROWS, sql, columns)
        except Fault as fault:
            for _, future in wanted:
                _fail(future, fault)
            return True
        except DRIVER_ERRORS:
            return False
        # The first of a caller's counts, as it does where one is asked for alone.
        found = {row[0]: row for row in reversed(rows)}
        for number, (_, future) in enumerate(wanted, 1):
            row = found.get(number)
            if not future.done():
                future.set_result(None if row is None else row[1:])
        return True


def of_many(sql: str) -> str | None:
    """The statement for the parameters of several callers, each an array; its rows begin with the caller's number, from 1. None where a
    parameter is of a type that this does not know, or a quoted text could hold what only looks like one."""
    kinds = dict(_PARAMETER.findall(sql))
    if not kinds or not all(kinds.values()) or "'" in sql:
        return None
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in kinds.items())
    names = ", ".join(f"p{number}" for number in kinds)
    each = _PARAMETER.sub(r"given__.p\1", sql)
    return (
        f"SELECT given__.n, found__.* FROM unnest({arrays}) WITH ORDINALITY AS given__({names}, n) CROSS JOIN LATERAL ({each}) AS found__"  # noqa: S608  # All of it is compiled SQL.
    )


async def _settle(future: "asyncio.Future[Any]", reading: Awaitable[Any]) -> None:
    try:
        row = await reading
    except (Fault, *DRIVER_ERRORS) as problem:
        _fail(future, problem)
    else:
        if not future.done():
            future.set_result(row)


def _fail(future: "asyncio.Future[Any]", problem: Exception) -> None:
    if not future.done():
        future.set_exception(problem)

"""The one writer of a SQLite file. Calls that arrive together share a transaction: group commit.

A call is stepped by hand from its first statement to its last. If it could suspend in between, another call's statements would land
among its own, and undoing one would undo the other's. A group runs without savepoints; when a call fails after it wrote, the whole
group is taken back and run again, each call in a savepoint. COMMIT runs in a thread, because it waits for
the disk; calls that arrive meanwhile form the next group. Nobody hears an answer, good or bad, before the commit.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any

from gamehall_server.kit.errors import Unavailable
from gamehall_server.kit.storage.handle import Handle
from gamehall_server.kit.storage.sqlite_file import Driver
from gamehall_server.kit.storage.sqlite_handles import WriteHandle
from gamehall_server.kit.tally import Tally

log = logging.getLogger("gamehall.storage")
Work = Callable[[Handle], Awaitable[Any]]
# Calls of one group: at some 20 us each, a full one holds the loop for about a millisecond.
MOST_IN_GROUP = 64
GROUPS = (1, 2, 4, 8, 16, 32, 64)


class _Call:
    """A call that waits for its commit."""

    __slots__ = ("after", "context", "done", "error", "result", "work")

    def __init__(self, work: Work, done: "asyncio.Future[Any]", context: Context) -> None:
        self.work = work
        self.done = done
        self.context = context
        self.result: Any = None
        self.error: BaseException | None = None
        self.after: list[Callable[[], None]] = []

    def tell(self, failure: BaseException | None) -> None:
        """Wakes the caller, unless it has gone. With a `failure` nothing was kept, whatever the call said."""
        if self.done.done():
            return
        if failure is not None:
            fault = Unavailable(retry_after=1)
            fault.__cause__ = failure
            self.done.set_exception(fault)
        elif self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.result)


class Writer:
    """Runs calls in groups on one connection. `columns`: those of unique indexes, by name."""

    def __init__(
        self, driver: Driver, connection: Any, columns: dict[str, tuple[str, ...]], listeners: Sequence[Callable[[Any], None]] = ()
    ) -> None:
        self.listeners = listeners
        self.driver = driver
        self.connection = connection
        self.columns = columns
        self.ids: dict[str, int] = {}
        # The tables that the open transaction wrote to, and how many transactions wrote to each.
        self.touched: set[str] = set()
        self._versions: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Call] = deque()
        self._scheduled = False
        self._stepping = False
        self._idle: list[asyncio.Future[None]] = []
        self._commits: SimpleQueue[list[_Call] | None] = SimpleQueue()
        self.groups = Tally(GROUPS)
        self.committing = False
        self._thread = Thread(target=self._commit_in_thread, name="gamehall-commit", daemon=True)
        self._thread.start()

    async def write(self, work: Work) -> Any:
        """The result of `work`, when it is durable."""
        if self._stepping:
            raise RuntimeError("a transaction inside a transaction: pass the handle on")
        call = _Call(work, self._loop.create_future(), copy_context())
        self._waiting.append(call)
        self._schedule()
        return await call.done

    async def settled(self) -> None:
        """Waits until no transaction is open."""
        while self.committing:
            idle = self._loop.create_future()
            self._idle.append(idle)
            await idle

    def version(self, tables: frozenset[str]) -> int | None:
        """How often these tables were written to; None while it is open whether readers see the last time yet."""
        if not self.touched.isdisjoint(tables):
            return None
        return sum(map(self._versions.__getitem__, tables))

    async def close(self) -> None:
        """Commits what waits, then stops the thread."""
        while self._waiting or self.committing:
            self._schedule()
            if self.committing:
                await self.settled()
            else:
                await asyncio.sleep(0)
        self._commits.put(None)
        self._thread.join()

    def _schedule(self) -> None:
        if not self._scheduled and not self.committing:
            self._scheduled = True
            # Not now: calls of the same turn of the loop belong to the same group.
            self._loop.call_soon(self._run_group)

    def _run_group(self) -> None:
        self._scheduled = False
        connection, waiting = self.connection, self._waiting
        group: list[_Call] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            before = connection.total_changes
        except self.driver.Error as error:
            log.error("no transaction: %s", error)
            group = [waiting.popleft() for _ in range(len(waiting))]
            return self._deliver(group, error)
        while waiting and len(group) < MOST_IN_GROUP:
            call = waiting.popleft()
            if not call.done.done():
                group.append(call)
            # Else its caller has gone, and nothing of it was run.
        if not self._run(group, careful=False):
            # A call failed half-way. Everything goes back and runs again, where each can be undone alone.
            try:
                connection.execute("ROLLBACK")
                connection.execute("BEGIN IMMEDIATE")
            except self.driver.Error as error:
                return self._deliver(group, error)
            before = connection.total_changes
            self._run(group, careful=True)
        if not connection.in_transaction:
            # A full disk, for one, makes SQLite give up everything since BEGIN.
            return self._deliver(group, next((call.error for call in group if call.error is not None), None))
        if connection.total_changes == before:
            return self._finish(group)
        self.committing = True
        self.groups.add(len(group))
        self._commits.put(group)
        return None

    def _run(self, group: list[_Call], *, careful: bool) -> bool:
        """Runs the calls of a group; False when one failed with writes that only the whole transaction can take back."""
        for call in group:
            if not call.context.run(self._step, call, careful):
                return False
            if not self.connection.in_transaction:
                break
        return True

    def _step(self, call: _Call, careful: bool) -> bool:
        """Runs a call to its end and keeps its result or its error. What it wrote stays only with a result: False when it would not."""
        handle = WriteHandle(self, careful)
        call.error = None
        self._stepping = True
        try:
            step = call.work(handle).__await__()
            try:
                next(step)
            except StopIteration as end:
                call.result = end.value
            else:
                handle.close()
                step.close()
                raise RuntimeError("suspended inside a transaction: on SQLite a call awaits nothing but its handle")
            handle.finish()
            call.after = handle.callbacks
        except BaseException as error:
            call.error = error
            handle.undo()
        finally:
            handle.close()
            self._stepping = False
        return not handle.torn

    def _finish(self, group: list[_Call]) -> None:
        """Ends a transaction that changed nothing: no disk is waited for."""
        try:
            self.connection.execute("COMMIT")
        except self.driver.Error as error:
            return self._deliver(group, error)
        return self._deliver(group, None)

    def _commit_in_thread(self) -> None:
        while (group := self._commits.get()) is not None:
            failure: Exception | None = None
            try:
                self.connection.execute("COMMIT")
            except self.driver.Error as error:
                failure = error
            self._loop.call_soon_threadsafe(self._deliver, group, failure)

    def _deliver(self, group: list[_Call], failure: BaseException | None) -> None:
        """Tells each caller of a group how it ended. With a `failure` nothing of the group was kept."""
        self.committing = False
        self._versions.update(self.touched)
        self.touched.clear()
        if failure is not None:
            log.error("a group of %d calls was not committed: %s", len(group), failure)
            if self.connection.in_transaction:
                with suppress(self.driver.Error):
                    self.connection.execute("ROLLBACK")
        else:
            for call in group:
                for callback in call.after:
                    # The loop runs what it is given in order, so before the callers go on; and it keeps from them what it raises.
                    self._loop.call_soon(callback)
        for call in group:
            call.tell(failure)
        for idle in self._idle:
            if not idle.done():
                idle.set_result(None)
        self._idle.clear()
        if self._waiting:
            self._schedule()

"""Handles on SQLite. Their methods are coroutines that never suspend, but for scans in the reader's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from gamehall_server.kit.errors import Exhausted
from gamehall_server.kit.storage.handle import MOST_ROWS, Handle
from gamehall_server.kit.storage.query import Parameters, Plan, Query

if TYPE_CHECKING:
    from gamehall_server.kit.storage.sqlite_writer import Writer

R = TypeVar("R")
_HIGHEST = "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?), 0), coalesce((SELECT max(id) FROM {table}), 0))"


def limited(cursor: Any) -> list[Any]:
    """Every row of a cursor. Raises Exhausted beyond MOST_ROWS."""
    rows: list[Any] = cursor.fetchmany(MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        raise Exhausted(f"The answer has more than {MOST_ROWS} rows.")
    return rows


class WriteHandle(Handle):
    """One call on the writer's connection.

    Nearly every call succeeds, so a group first runs without savepoints. A call that fails after it wrote is `torn`: the writer takes
    the whole group back and runs it again, each call in a savepoint of its own (`careful`).
    """

    __slots__ = ("_careful", "_closed", "_deferred", "_failure", "_saved", "_writer", "_wrote", "callbacks", "torn")

    def __init__(self, writer: Writer, careful: bool) -> None:
        self._writer = writer
        self._careful = careful
        self._wrote = False
        self.torn = False
        self._deferred: list[tuple[Plan, Sequence[Any]]] = []
        self._saved = False
        self._closed = False
        self._failure: BaseException | None = None
        self.callbacks: list[Callable[[], None]] = []

    async def one(self, query: Query[R], /, **parameters: Any) -> R | None:
        plan = query.sqlite
        row = self._execute(plan, parameters).fetchone()
        return None if row is None else plan.make(row)

    async def all(self, query: Query[R], /, **parameters: Any) -> list[R]:
        plan = query.sqlite
        rows: list[R] = plan.every(self._execute(plan, parameters).fetchall())
        return rows

    async def value(self, query: Query[Any], /, **parameters: Any) -> Any:
        plan = query.sqlite
        row = self._execute(plan, parameters).fetchone()
        return None if row is None else plan.first(row)

    async def scan(self, query: Query[R], /, **parameters: Any) -> list[R]:
        plan = query.sqlite
        rows: list[R] = plan.every(limited(self._execute(plan, parameters)))
        return rows

    async def run(self, query: Query[Any], /, **parameters: Any) -> int:
        changed: int = self._execute(query.sqlite, parameters).rowcount
        return changed

    def later(self, query: Query[Any], /, **parameters: Any) -> None:
        if self._closed:
            raise RuntimeError("the transaction has ended")
        plan = query.sqlite
        self._deferred.append((plan, plan.bind(parameters)))

    async def new_id(self, table: str) -> int:
        ids = self._writer.ids
        number = ids.get(table)
        if number is None:
            number = self._highest(table)
        ids[table] = number = number + 1
        return number

    @property
    def listeners(self) -> Sequence[Callable[[Any], None]]:
        return self._writer.listeners

    def after(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)

    def _highest(self, table: str) -> int:
        """The highest number ever committed for a table; in this process it is asked for once."""
        connection = self._writer.connection
        schema = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
        if schema is None or "AUTOINCREMENT" not in schema[0]:
            raise RuntimeError(f"{table} is not a table with numbered rows in this database")
        quoted = '"' + table.replace('"', '""') + '"'
        highest: int = connection.execute(_HIGHEST.format(table=quoted), (table,)).fetchone()[0]
        return highest

    def _execute(self, plan: Plan, parameters: Parameters) -> Any:
        if self._closed:
            raise RuntimeError("the transaction has ended")
        if self._failure is not None:
            raise self._failure
        writer = self._writer
        values = plan.bind(parameters)
        try:
            if self._deferred:
                self._flush()
            if not plan.writes:
                return writer.connection.execute(plan.sql, values)
            self._save()
            writer.touched |= plan.changes
            cursor = writer.connection.execute(plan.sql, values)
            self._wrote = True
            return cursor
        except writer.driver.refusals as error:
            raise self._failed(error) from error

    def _save(self) -> None:
        if self._careful and not self._saved:
            self._writer.connection.execute("SAVEPOINT call")
            self._saved = True

    def _flush(self) -> None:
        deferred, self._deferred = self._deferred, []
        self._save()
        execute, touched = self._writer.connection.execute, self._writer.touched
        for plan, values in deferred:
            touched |= plan.changes
            execute(plan.sql, values)
            self._wrote = True

    def _failed(self, error: Exception) -> BaseException:
        self._failure = self._writer.driver.fault(error, self._writer.columns)
        return self._failure

    def finish(self) -> None:
        """Runs what was deferred and keeps the call's writes."""
        if self._failure is not None:
            raise self._failure
        try:
            if self._deferred:
                self._flush()
            if self._saved:
                self._writer.connection.execute("RELEASE call")
                self._saved = False
        except self._writer.driver.refusals as error:
            raise self._failed(error) from error

    def undo(self) -> None:
        """Takes the call's writes back, unless SQLite has already given up the whole transaction."""
        connection = self._writer.connection
        if not (self._wrote and connection.in_transaction):
            return
        if not self._saved:
            self.torn = True
            return
        try:
            connection.execute("ROLLBACK TO call")
            connection.execute("RELEASE call")
        except self._writer.driver.Error:
            # What cannot be taken back alone goes with its whole group.
            connection.execute("ROLLBACK")

    def close(self) -> None:
        """From here on the handle refuses to be used."""
        self._closed = True

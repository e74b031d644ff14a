"""The outbox: what happened, written in the transaction in which it happened, and who is to hear of it.

An event that some consumer wants gets one delivery for each of them, in the same transaction; one that nobody wants costs nothing more than
its row. Dispatchers (kit/dispatch.py) hand deliveries on; nobody else sends anything. Rows go when they are old enough and nothing waits.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from sqlalchemy import BigInteger, Identity, Index, bindparam, delete, false, func, insert, select
from sqlmodel import Field, SQLModel

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.kit.events import Entry
from gamehall_server.kit.storage import IN_ORDER, Handle, Query, any_of, table_of


class OutboxRow(NumberedRow, table=True):
    """One event or task. `body` is its JSON.

    request:  the call that it is from.
    listed:   an event that the contract declares: the log shows it.
    depth:    how many events led to it; `budget`: to how many it may lead. Rules that set off each other end so.
    seq:      drawn by PostgreSQL as the row is written; null on SQLite, where numbers stand in the order of commits.
    position: its place among all events, which it gets when somebody who watches asks (modules/events).
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_position", "listed", "position", "seq", "id"), {"info": IN_ORDER})

    at: int = Field(sa_type=Moment, nullable=False, index=True)
    type: str = Field(nullable=False)
    key: str = Field(nullable=False)
    body: str = Field(nullable=False)
    request: str | None = Field(default=None)
    listed: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": false()})
    seq: int | None = Field(default=None, sa_type=BigInteger)
    depth: int = Field(default=0, nullable=False, sa_column_kwargs={"server_default": "0"})
    budget: int = Field(default=0, nullable=False, sa_column_kwargs={"server_default": "0"})
    position: int | None = Field(default=None, sa_type=BigInteger)


class DeliveryRow(SQLModel, table=True):
    """An event that a consumer has yet to take. The database numbers them as they are written, so writers that wait for each other's locks
    stand in the order of their commits, which numbers given out in blocks would not.

    due:   from when on it may be tried; while it is tried, when the lease ends. Null: given up.
    fence: how often it was claimed. Who ends a try says which; another one's end counts for nothing.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_due", "consumer", "due", "seq"),
        Index("ix_delivery_order", "consumer", "seq"),
        Index("ix_delivery_key", "consumer", "key", "seq"),
        {"sqlite_autoincrement": True, "info": IN_ORDER},
    )

    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_args=(Identity(),))
    event_id: int = Field(foreign_key="outbox.id", sa_type=BigInteger, nullable=False, index=True)
    consumer: str = Field(nullable=False)
    key: str = Field(nullable=False)
    at: int = Field(sa_type=Moment, nullable=False, index=True)
    due: int | None = Field(default=None, sa_type=Moment)
    fence: int = Field(nullable=False)
    problem: str | None = Field(default=None)


outbox, deliveries = table_of(OutboxRow), table_of(DeliveryRow)
_o, _d = outbox.table, deliveries.table
_big = BigInteger
_written = ("id", "at", "type", "key", "body", "request", "listed", "depth", "budget")
_insert = Query(insert(_o).values({name: bindparam(name, type_=_o.c[name].type) for name in _written}))
_deliver = Query(
    insert(_d).values(
        event_id=bindparam("event", type_=_big),
        consumer=bindparam("consumer"),
        key=bindparam("key"),
        at=bindparam("at", type_=_big),
        due=bindparam("due", type_=_big),
        fence=0,
        problem=None,
    )
)
# A count of more would cost more than it tells: then the age of the oldest says how bad it is.
MOST_COUNTED = 10_000
# What waits after so long is given up, or of a consumer that is no more.
LONGEST_KEPT: Micros = 30 * 24 * 3600 * SECOND
MOST_SWEPT = 1_000
# To how many others an event may lead.
BUDGET = 100
_waits = _d.c.due.is_not(None)
_count = Query(select(func.count()).select_from(select(_d.c.seq).where(_waits).limit(MOST_COUNTED).subquery()))
_dead = Query(select(func.count()).select_from(select(_d.c.seq).where(_d.c.due.is_(None)).limit(MOST_COUNTED).subquery()))
_oldest = Query(select(func.min(_d.c.at)).where(_waits))
_before = bindparam("before", type_=_big)
_old = (
    select(_o.c.id).where(_o.c.at < _before, ~select(_d.c.seq).where(_d.c.event_id == _o.c.id).exists()).order_by(_o.c.at).limit(MOST_SWEPT)
)
_finished = Query(_old)
_sweep = Query(delete(_o).where(any_of(_o.c.id, "ids")))
_give_up = Query(delete(_d).where(_d.c.at < _before))


class Waiting(NamedTuple):
    """How many deliveries wait, the moment of the oldest, and how many were given up."""

    events: int
    oldest: Micros | None
    dead: int


async def waiting(db: Handle) -> Waiting:
    """The outbox as it is now."""
    return Waiting(await db.value(_count), await db.value(_oldest), await db.value(_dead))


class Outbox:
    """Which consumer wants which events. `wake` is called after a commit that wrote deliveries."""

    def __init__(self, kept: Micros = 0) -> None:
        self._kept = kept
        self._wanted: dict[str, list[str]] = {}
        self._asked: list[tuple[str, Callable[[str], bool]]] = []
        self.wake: Callable[[], None] = lambda: None
        # Called after a commit that wrote events.
        self.listeners: set[Callable[[], None]] = set()

    def want(self, consumer: str, types: Iterable[str]) -> None:
        """From now on the consumer gets the events of these types."""
        for type in types:
            self._wanted.setdefault(type, []).append(consumer)

    def ask(self, consumer: str, wants: Callable[[str], bool]) -> None:
        """From now on the consumer is asked of each listed event, by its type, whether it wants it."""
        self._asked.append((consumer, wants))

    async def keep(
        self, db: Handle, now: Micros, events: Iterable[Entry], request: str | None = None, *, depth: int = 0, budget: int = BUDGET
    ) -> None:
        """Writes events and tasks, in their order, in the transaction of `db`; `request` is the call that they are from."""
        # Leases keep real time, also where a sandbox has another.
        wanted, real = False, clock.real_micros()
        for type, key, body, listed, known in events:
            number = known or await db.new_id("outbox")
            from_there = {"request": request, "listed": listed, "depth": depth, "budget": budget}
            db.later(_insert, id=number, at=now, type=type, key=key, body=body, **from_there)
            consumers = self._wanted.get(type, [])
            if listed and self._asked:
                consumers = [*consumers, *(name for name, wants in self._asked if wants(type))]
            for consumer in consumers:
                wanted = True
                db.later(_deliver, event=number, consumer=consumer, key=key, at=real, due=real)
        if wanted:
            db.after(self.wake)
        if self.listeners:
            db.after(self._tell)

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()

    async def sweep(self, db: Handle, now: Micros) -> None:
        """Removes events that are old enough and that nobody has yet to take, so many at a time that it holds nobody up."""
        await db.run(_give_up, before=clock.real_micros() - LONGEST_KEPT)
        found = await db.all(_finished, before=now - self._kept)
        if found:
            await db.run(_sweep, ids=[row[0] for row in found])

"""The outbox: what happened, written in the transaction in which it happened. Dispatchers read it; nobody else sends anything."""

from typing import NamedTuple

import msgspec
from sqlalchemy import func, insert, select
from sqlmodel import Field

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import Micros
from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.kit.storage import Handle, Query, table_of


class OutboxRow(NumberedRow, table=True):
    """One event. `body` is its JSON; rows with the same `key` are handed on in the order of their ids."""

    __tablename__ = "outbox"

    at: int = Field(sa_type=Moment, nullable=False)
    type: str = Field(nullable=False)
    key: str = Field(nullable=False)
    body: str = Field(nullable=False)


outbox = table_of(OutboxRow)
_insert = Query(insert(outbox.table))
# A count of more would cost more than it tells: then the age of the oldest says how bad it is.
MOST_COUNTED = 10_000
_ids = outbox.table.c.id
_count = Query(select(func.count()).select_from(select(_ids).limit(MOST_COUNTED).subquery()))
_oldest = Query(select(outbox.table.c.at).order_by(_ids).limit(1))


class Waiting(NamedTuple):
    """How many events wait, and the moment of the oldest."""

    events: int
    oldest: Micros | None


async def waiting(db: Handle) -> Waiting:
    """The outbox as it is now."""
    return Waiting(await db.value(_count), await db.value(_oldest))


async def keep(call: Call) -> None:
    """Writes the events of a call, in their order."""
    for type, event in call.events:
        number = await call.db.new_id("outbox")
        call.db.later(_insert, id=number, at=call.now, type=type, key=event.key, body=msgspec.json.encode(event).decode())

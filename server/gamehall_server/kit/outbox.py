"""The outbox: what happened, written in the transaction in which it happened. Dispatchers read it; nobody else sends anything."""

import msgspec
from sqlalchemy import insert
from sqlmodel import Field

from gamehall_server.kit.call import Call
from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.kit.storage import Query, table_of


class OutboxRow(NumberedRow, table=True):
    """One event. `body` is its JSON; rows with the same `key` are handed on in the order of their ids."""

    __tablename__ = "outbox"

    at: int = Field(sa_type=Moment, nullable=False)
    type: str = Field(nullable=False)
    key: str = Field(nullable=False)
    body: str = Field(nullable=False)


outbox = table_of(OutboxRow)
_insert = Query(insert(outbox.table))


async def keep(call: Call) -> None:
    """Writes the events of a call, in their order."""
    for type, event in call.events:
        number = await call.db.new_id("outbox")
        call.db.later(_insert, id=number, at=call.now, type=type, key=event.key, body=msgspec.json.encode(event).decode())

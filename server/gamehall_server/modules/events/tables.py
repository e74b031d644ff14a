"""What is kept of triggers and of who watches events, and the rows of the outbox as readers of the log see them."""

import json
from typing import Any

from sqlalchemy import BigInteger, asc, bindparam, or_, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import JSONText, Wire
from gamehall_server.kit.filters import Filter
from gamehall_server.kit.listing import Listing
from gamehall_server.kit.outbox import OutboxRow, outbox
from gamehall_server.kit.storage import Handle, Query, holding, like, lock, renamed, table_of

# Events that get their place in one transaction.
MOST_TOGETHER = 500
MOST_READ = 100
HEAD = "events"


class TriggerRow(SQLModel, table=True):
    """Which events there are: those of the product, which the start writes here, and those of the application."""

    __tablename__ = "bre_trigger"

    event_name: str = Field(primary_key=True)
    trigger_name: str = Field(nullable=False)
    trigger_description: str = Field(nullable=False)
    category: str = Field(nullable=False)
    parameters: bytes | None = Field(default=None, sa_type=Wire)
    system_trigger: bool = Field(nullable=False)
    tags: bytes | None = Field(default=None, sa_type=Wire)


class EventHeadRow(SQLModel, table=True):
    """The last place that an event has got, which outlives the event, and the version of the rules. The migrations make both rows."""

    __tablename__ = "event_head"

    name: str = Field(primary_key=True)
    position: int = Field(sa_type=BigInteger, nullable=False)


class EventRulesRow(SQLModel, table=True):
    """What rules made of an event, as JSON, for the log."""

    __tablename__ = "bre_event_rules"

    event_id: int = Field(primary_key=True, foreign_key="outbox.id", sa_type=BigInteger, ondelete="CASCADE")
    told: str = Field(nullable=False, sa_type=JSONText)


triggers, heads, judged = table_of(TriggerRow), table_of(EventHeadRow), table_of(EventRulesRow)
_t, _o, _h = triggers.table, outbox.table, heads.table
holds_words = or_(*(like(column, "filter_search") for column in (_t.c.event_name, _t.c.trigger_name, _t.c.trigger_description)))
_named = Query(select(_t).where(_t.c.event_name == bindparam("name")), triggers.Row)
_built_in = Query(select(_t).where(_t.c.system_trigger), triggers.Row)
_rewrite = Query(
    update(_t)
    .where(_t.c.event_name == bindparam("name"))
    .values(
        trigger_name=bindparam("title"),
        trigger_description=bindparam("told"),
        category=bindparam("about"),
        parameters=bindparam("tells", type_=Wire()),
        system_trigger=True,
    )
)


async def trigger_named(db: Handle, name: str) -> Any:
    """The row of a trigger, or None."""
    return await db.one(_named, name=name)


async def built_in(db: Handle) -> dict[str, Any]:
    """The product's own triggers, as the database has them."""
    return {row.event_name: row for row in await db.all(_built_in)}


def rewrite(db: Handle, name: str, title: str, told: str, about: str, tells: bytes | None) -> None:
    """Makes a trigger one of the product's own, and this."""
    db.later(_rewrite, name=name, title=title, told=told, about=about, tells=tells)


# The log.

log = renamed(
    OutboxRow,
    id="id",
    event_start_date="at",
    event_name="type",
    event_id="request",
    body="body",
    listed="listed",
    position="position",
)
_r = judged.table
rows = select(log, _r.c.told).outerjoin(_r, _r.c.event_id == log.c.id)
# Another name for the table: the rows that are looked through have it joined already.
_j = _r.alias("judged_by")
of_rule = Filter(
    "filter_rule_id",
    lambda value: (None, {"filter_rule_id": holding(f'"rule_id":{json.dumps(value, ensure_ascii=False)}')}),
    lambda shape: select(_j.c.event_id).where(_j.c.event_id == log.c.id, like(_j.c.told, "filter_rule_id")).exists(),
)
one = Query(rows.where(log.c.id == bindparam("id", type_=BigInteger), log.c.listed))
listing = Listing(log, lambda: rows, frozenset({"id", "event_start_date", "event_name", "event_id"}), "id:DESC")
is_event = (Filter("listed__", lambda value: (None, {}), lambda shape: log.c.listed, pins="listed"), None)

# Watching. Numbers of events are given out in blocks and become visible in the order of commits, so neither is a place to go on from: each
# event gets one when somebody asks what is new. PostgreSQL draws `seq` as a row is written, so events of the same thing, whose writers wait
# for each other, stand in the order of their commits; on SQLite the numbers do.

_waits = Query(select(_o.c.id).where(_o.c.listed, _o.c.position.is_(None)).limit(1))
_waiting = Query(select(_o.c.id).where(_o.c.listed, _o.c.position.is_(None)).order_by(asc(_o.c.seq), asc(_o.c.id)).limit(MOST_TOGETHER))
_place = Query(update(_o).where(_o.c.id == bindparam("event", type_=BigInteger)).values(position=bindparam("place", type_=BigInteger)))
_head = Query(select(_h.c.position).where(_h.c.name == HEAD))
_move = Query(update(_h).where(_h.c.name == HEAD).values(position=bindparam("last", type_=BigInteger)))
_after = Query(rows.where(log.c.listed, log.c.position > bindparam("after", type_=BigInteger)).order_by(log.c.position).limit(MOST_READ))
_oldest = Query(select(_o.c.position).where(_o.c.listed, _o.c.position.is_not(None)).order_by(_o.c.position).limit(1))


async def waits(db: Handle) -> bool:
    """Whether an event has no place yet."""
    return await db.one(_waits) is not None


async def give_places(db: Handle) -> int:
    """Gives some events that have none their places, in a transaction of its own; how many."""
    await lock(db, HEAD)
    found = await db.all(_waiting)
    if found:
        last = await db.value(_head)
        for place, (event,) in enumerate(found, last + 1):
            db.later(_place, event=event, place=place)
        db.later(_move, last=last + len(found))
    return len(found)


async def head(db: Handle) -> int:
    """The last place that was given."""
    return int(await db.value(_head))


async def oldest(db: Handle) -> int | None:
    """The first place whose event is still kept; None where none is."""
    found = await db.value(_oldest)
    return None if found is None else int(found)


async def events_after(db: Handle, place: int) -> list[Any]:
    """Events after a place, some at a time."""
    return await db.all(_after, after=place)

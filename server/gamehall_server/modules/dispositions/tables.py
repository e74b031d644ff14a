"""What is kept of dispositions."""

from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Index, desc, func, select
from sqlmodel import Field

from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.kit.filters import Chosen, Parameters
from gamehall_server.kit.storage import Handle, Query, Totals, table_of

MOST_NAMES = 1_000


class DispositionRow(NumberedRow, table=True):
    """What a user thinks of something, once in each word."""

    __tablename__ = "disposition"
    __table_args__ = (
        Index("ix_disposition_one", "context", "context_id", "user_id", "name", unique=True),
        Index("ix_disposition_thing", "context", "context_id", "id"),
        Index("ix_disposition_user", "user_id", "id"),
    )

    context: str = Field(nullable=False)
    context_id: str = Field(nullable=False)
    name: str = Field(nullable=False)
    user_id: int | None = Field(default=None, foreign_key="user.id", sa_type=BigInteger)
    created_date: int = Field(sa_type=Moment, nullable=False)


disposition_totals = Totals(DispositionRow, "context", "context_id")
dispositions = table_of(DispositionRow)


@lru_cache(maxsize=64)
def _counted(chosen: Chosen) -> Query[Any]:
    name, number = dispositions.table.c.name, func.count()
    counted = select(name, number).where(*(each.where(shape) for each, shape in chosen)).group_by(name)
    return Query(counted.order_by(desc(number), name).limit(MOST_NAMES))


async def counts(db: Handle, chosen: Chosen, parameters: Parameters, *, near: bool) -> list[tuple[str, int]]:
    """How many of these there are of each name, the most frequent first. `near`: an index finds them."""
    return [(row[0], row[1]) for row in await (db.all if near else db.scan)(_counted(chosen), **parameters)]

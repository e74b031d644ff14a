"""What is kept of flags, and of what is decided about them."""

from typing import Any

from sqlalchemy import BigInteger, Index, SmallInteger, bindparam, select, text
from sqlmodel import Field

from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.kit.storage import Handle, Query, lock, partial, table_of

_OPEN: Any = text("resolved IS NULL")


class FlagRow(NumberedRow, table=True):
    """That somebody finds something wrong."""

    __tablename__ = "flag"
    __table_args__ = (Index("ix_flag_one", "context", "context_id", "user_id", unique=True), Index("ix_flag_user", "user_id", "id"))

    context: str = Field(nullable=False)
    context_id: str = Field(nullable=False)
    reason: str | None = Field(default=None)
    user_id: int | None = Field(default=None, foreign_key="user.id", sa_type=BigInteger)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


class FlagReportRow(NumberedRow, table=True):
    """What is decided about something that was flagged; of each thing one at most is open. `resolution` is the number of Resolution."""

    __tablename__ = "flag_report"
    __table_args__ = (
        partial("ix_flag_report_open", "context", "context_id", unique=True, where=_OPEN),
        Index("ix_flag_report_resolved", "resolved", "id"),
    )

    context: str = Field(nullable=False)
    context_id: str = Field(nullable=False)
    reason: str | None = Field(default=None)
    resolution: int | None = Field(default=None, sa_type=SmallInteger)
    resolved: int | None = Field(default=None, sa_type=Moment)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


flags, reports = table_of(FlagRow), table_of(FlagReportRow)
_f, _r = flags.table, reports.table
_kind: Any = bindparam("kind_is")
_id: Any = bindparam("id_is")
_user: Any = bindparam("user", type_=BigInteger)
_of = _f.c.context == _kind, _f.c.context_id == _id, _f.c.user_id == _user
_find, _any = Query(select(_f.c.id).where(*_of)), Query(select(_f.c.id).where(*_of[:2]).limit(1))
_report = Query(select(_r.c.id).where(_r.c.context == _kind, _r.c.context_id == _id, _r.c.resolved.is_(None)))


async def flag_of(db: Handle, context: str, context_id: str, user: int) -> int | None:
    """The number of a user's flag on something."""
    found: int | None = await db.value(_find, kind_is=context, id_is=context_id, user=user)
    return found


async def is_flagged(db: Handle, context: str, context_id: str) -> bool:
    """Whether somebody finds something wrong."""
    return await db.one(_any, kind_is=context, id_is=context_id) is not None


async def has_open_report(db: Handle, context: str, context_id: str) -> bool:
    """Whether somebody is to decide about something. Until the transaction ends nobody else makes a report of it."""
    await lock(db, f"report {context} {context_id}")
    return await db.one(_report, kind_is=context, id_is=context_id) is not None

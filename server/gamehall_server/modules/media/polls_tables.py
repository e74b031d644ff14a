"""What is kept of polls and of what is answered. A poll's own row counts the answers: whoever answers holds it for that long."""

from typing import Any

from gamehall.media.v1 import polls_pb2 as pb
from sqlalchemy import BigInteger, Index, SmallInteger, bindparam, delete, func, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Moment, Wire
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.modules import users


class PollRow(SQLModel, table=True):
    """A poll. `type` is the number of PollType; `answers` has how many gave each."""

    __tablename__ = "poll"
    __table_args__ = (Index("ix_poll_category", "category_id", "id"),)

    id: str = Field(primary_key=True)
    text: str = Field(nullable=False)
    type: int = Field(sa_type=SmallInteger, nullable=False)
    active: bool = Field(nullable=False)
    answers: bytes | None = Field(default=None, sa_type=Wire)
    category_id: str = Field(foreign_key="category.id", nullable=False)
    tags: bytes | None = Field(default=None, sa_type=Wire)
    template: str | None = Field(default=None, foreign_key="template.id", index=True)
    additional_properties: bytes | None = Field(default=None, sa_type=Wire)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


class PollVoteRow(SQLModel, table=True):
    """What somebody answered: a user, or a client."""

    __tablename__ = "poll_vote"
    __table_args__ = (Index("ix_poll_vote_answer", "poll_id", "answer"),)

    poll_id: str = Field(primary_key=True, foreign_key="poll.id", ondelete="CASCADE")
    principal: str = Field(primary_key=True)
    id: str = Field(nullable=False)
    answer: str = Field(nullable=False)
    user_id: int | None = Field(default=None, foreign_key="user.id", sa_type=BigInteger)
    answered_date: int = Field(sa_type=Moment, nullable=False)


polls, votes = table_of(PollRow), table_of(PollVoteRow)
_p, _v = polls.table, votes.table
_poll: Any = bindparam("poll")
_mine = _v.c.poll_id == _poll, _v.c.principal == bindparam("principal_is")
_people = users.summary[0].table
_vote = Query(
    select(_v.c.id, _v.c.answer, _v.c.answered_date, *users.summary)
    .select_from(_v.outerjoin(_people, _people.c.id == _v.c.user_id))
    .where(*_mine)
)
_counts = Query(select(_v.c.answer, func.count()).where(_v.c.poll_id == _poll).group_by(_v.c.answer))
_drop = Query(delete(_v).where(_v.c.poll_id == _poll, _v.c.answer == bindparam("answer_is")))
_change = Query(update(_v).where(*_mine).values(answer=bindparam("given"), answered_date=bindparam("now", type_=BigInteger)))
_tally = Query(update(_p).where(_p.c.id == _poll).values(answers=bindparam("counted", type_=Wire)))


async def vote_of(db: Handle, poll: str, principal: str) -> Any:
    """(id, answer, moment, who) of what somebody answered; None for nothing."""
    return await db.one(_vote, poll=poll, principal_is=principal)


async def counts(db: Handle, poll: str) -> dict[str, int]:
    """How many gave each answer."""
    return {row[0]: row[1] for row in await db.all(_counts, poll=poll)}


def keep_counts(db: Handle, poll: str, answers: pb.Poll) -> None:
    """Keeps answers with how many gave each, of a poll that is locked."""
    db.later(_tally, poll=poll, counted=pb.Poll(answers=answers.answers).SerializeToString(deterministic=True))


def change_vote(db: Handle, poll: str, principal: str, answer: str, now: int) -> None:
    """Somebody answers otherwise."""
    db.later(_change, poll=poll, principal_is=principal, given=answer, now=now)


def drop_votes(db: Handle, poll: str, answer: str) -> None:
    """Nobody has given an answer that is no more."""
    db.later(_drop, poll=poll, answer_is=answer)

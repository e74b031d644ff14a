"""What is kept of friendships: two rows for each, so that each side finds it as its own, and what is asked and waits."""

from typing import Any

from sqlalchemy import BigInteger, Index, bindparam, delete, select
from sqlmodel import Field, SQLModel

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.columns import Moment
from gamehall_server.kit.filters import Filter, equals
from gamehall_server.kit.listing import Listing
from gamehall_server.kit.storage import Handle, Query, renamed, table_of
from gamehall_server.modules import users


class FriendRow(SQLModel, table=True):
    """A user is another one's friend."""

    __tablename__ = "friend"

    user_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger)
    friend_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger, index=True)
    since: int = Field(sa_type=Moment, nullable=False)


class FriendRequestRow(SQLModel, table=True):
    """A user has been asked by another to be a friend, and has not said yes."""

    __tablename__ = "friend_request"
    __table_args__ = (Index("ix_friend_request_asks", "asking_id", "user_id"),)

    user_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger)
    asking_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger)
    since: int = Field(sa_type=Moment, nullable=False)


class BlockedRow(SQLModel, table=True):
    """A user wants nothing from another one."""

    __tablename__ = "blocked"

    user_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger)
    blocked_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger, index=True)
    since: int = Field(sa_type=Moment, nullable=False)


friends, requests, blocked = table_of(FriendRow), table_of(FriendRequestRow), table_of(BlockedRow)
_f, _r, _b, _people = friends.table, requests.table, blocked.table, users.summary[0].table
_user, _other = bindparam("user", type_=BigInteger), bindparam("other", type_=BigInteger)
_are = Query(select(_f.c.user_id).where(_f.c.user_id == _user, _f.c.friend_id == _other))
_has_asked = Query(select(_r.c.user_id).where(_r.c.user_id == _user, _r.c.asking_id == _other))
_blocks = Query(select(_b.c.user_id).where(_b.c.user_id == _user, _b.c.blocked_id == _other))
_unblock = Query(delete(_b).where(_b.c.user_id == _user, _b.c.blocked_id == _other))
_end = Query(delete(_f).where(_f.c.user_id == _user, _f.c.friend_id == _other))
_withdraw = Query(delete(_r).where(_r.c.user_id == _user, _r.c.asking_id == _other))

_friend = renamed(FriendRow, user_id="user_id", id="friend_id")
_asking = renamed(FriendRequestRow, user_id="user_id", id="asking_id")
_unwanted = renamed(BlockedRow, user_id="user_id", id="blocked_id")


def _of(table: Any) -> Listing:
    rows = select(*table.columns, *users.summary).select_from(table.join(_people, _people.c.id == table.c.id))
    return Listing(table, lambda: rows, frozenset({"id"}), "id:ASC")


friend_lists, invite_lists, blocked_lists = _of(_friend), _of(_asking), _of(_unwanted)
FRIENDS_OF, INVITES_OF, BLOCKED_BY = ((equals("user__", table.c.user_id), None) for table in (_friend, _asking, _unwanted))
_named = _friend.c.id == select(_people.c.id).where(_people.c.username_key == bindparam("filter_username")).scalar_subquery()
FILTERS = [
    Filter("filter_username", lambda name: (None, {"filter_username": users.folded(name)}), lambda shape: _named),
    equals("filter_user_id", _friend.c.id),
]


def lock_of(one: int, other: int) -> str:
    """The name of the lock that decides what two users are to each other."""
    return f"friends {min(one, other)} {max(one, other)}"


async def are_friends(db: Handle, user: int, other: int) -> bool:
    """Whether two users are friends."""
    return await db.one(_are, user=user, other=other) is not None


async def has_asked(db: Handle, user: int, other: int) -> bool:
    """Whether a user has been asked by another."""
    return await db.one(_has_asked, user=user, other=other) is not None


def ask(db: Handle, user: int, other: int, now: Micros) -> None:
    """A user is asked by another."""
    db.later(requests.insert, user_id=user, asking_id=other, since=now)


def befriend(db: Handle, user: int, other: int, now: Micros) -> None:
    """Makes friends of two who are none; nothing is asked between them any more."""
    withdraw(db, user, other)
    for one, two in ((user, other), (other, user)):
        db.later(friends.insert, user_id=one, friend_id=two, since=now)


def withdraw(db: Handle, user: int, other: int) -> None:
    """Nothing is asked between two users."""
    for one, two in ((user, other), (other, user)):
        db.later(_withdraw, user=one, other=two)


def part(db: Handle, user: int, other: int) -> None:
    """Two users are no friends, and nothing is asked between them."""
    withdraw(db, user, other)
    for one, two in ((user, other), (other, user)):
        db.later(_end, user=one, other=two)


async def blocks(db: Handle, user: int, other: int) -> bool:
    """Whether a user wants nothing from another."""
    return await db.one(_blocks, user=user, other=other) is not None


def block(db: Handle, user: int, other: int, now: Micros) -> None:
    """A user wants nothing from another, whom nobody has blocked yet."""
    part(db, user, other)
    db.later(blocked.insert, user_id=user, blocked_id=other, since=now)


def unblock(db: Handle, user: int, other: int) -> None:
    """A user minds another no more."""
    db.later(_unblock, user=user, other=other)

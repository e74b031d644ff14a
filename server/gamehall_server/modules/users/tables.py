"""What is kept of users, and the few statements that other modules need."""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, select, update
from sqlmodel import Field

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.kit.storage import Handle, Query, table_of


class UserRow(NumberedRow, table=True):
    """A user. `username_key` and `email_key` are what must be unique: case and width of letters do not count."""

    __tablename__ = "user"

    username: str = Field(nullable=False)
    username_key: str = Field(nullable=False, unique=True)
    display_name: str = Field(nullable=False)
    email: str = Field(nullable=False)
    email_key: str = Field(nullable=False, unique=True)
    password_hash: str = Field(nullable=False)
    avatar_url: str | None = Field(default=None)
    first_name: str | None = Field(default=None)
    last_name: str | None = Field(default=None)
    fullname: str | None = Field(default=None)
    description: str | None = Field(default=None)
    gender: str | None = Field(default=None)
    date_of_birth: int | None = Field(default=None, sa_type=BigInteger)
    mobile_number: str | None = Field(default=None)
    address: str | None = Field(default=None)
    address2: str | None = Field(default=None)
    city: str | None = Field(default=None)
    state: str | None = Field(default=None)
    postal_code: str | None = Field(default=None)
    country_code: str | None = Field(default=None)
    language_code: str | None = Field(default=None)
    currency_code: str | None = Field(default=None)
    timezone_code: str | None = Field(default=None)
    member_since: int = Field(sa_type=Moment, nullable=False)
    last_updated: int = Field(sa_type=Moment, nullable=False)
    last_activity: int | None = Field(default=None, sa_type=Moment)


users = table_of(UserRow)
_t = users.table

# The columns of gamehall.common.v1.UserReference: how other records show a user.
summary = (_t.c.id, _t.c.username, _t.c.display_name, _t.c.avatar_url)
_summary = Query(select(*summary).where(_t.c.id == bindparam("id", type_=BigInteger)))
_credentials = Query(select(_t.c.id, _t.c.password_hash).where(_t.c.username_key == bindparam("key")))
_signed_in = Query(
    update(_t).where(_t.c.id == bindparam("user", type_=BigInteger)).values(last_activity=bindparam("now", type_=BigInteger))
)
_rehash = Query(update(_t).where(_t.c.id == bindparam("user", type_=BigInteger)).values(password_hash=bindparam("hashed")))


class Credentials(NamedTuple):
    """What a password is checked against."""

    user_id: int
    password_hash: str


async def summary_of(db: Handle, user_id: int) -> tuple[Any, ...] | None:
    """The values of `summary` for a user."""
    found: tuple[Any, ...] | None = await db.one(_summary, id=user_id)
    return None if found is None else tuple(found)


async def credentials_of(db: Handle, key: str) -> Credentials | None:
    """The user who signs in with this name, folded by `registration.folded`."""
    found = await db.one(_credentials, key=key)
    return None if found is None else Credentials(*found)


def signed_in(db: Handle, user_id: int, now: Micros, rehashed: str | None) -> None:
    """Notes a sign-in, and keeps the password's new hash when its cost has risen."""
    db.later(_signed_in, user=user_id, now=now)
    if rehashed is not None:
        db.later(_rehash, user=user_id, hashed=rehashed)

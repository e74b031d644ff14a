"""What is kept of users, and the few statements that other modules need."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from gamehall.common.v1.user_pb2 import UserReference
from sqlalchemy import BigInteger, bindparam, delete, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.columns import Moment, NumberedRow, Wire
from gamehall_server.kit.storage import Handle, Query, any_of, table_of, upsert


class UserRow(NumberedRow, table=True):
    """A user. `username_key` and `email_key` are what must be unique: case and width of letters do not count.

    `email_key` is null where addresses need not be unique; `email_folded` finds them all the same. Who signs in otherwise has no password.
    """

    __tablename__ = "user"

    username: str = Field(nullable=False)
    username_key: str = Field(nullable=False, unique=True)
    display_name: str = Field(nullable=False)
    email: str | None = Field(default=None)
    email_key: str | None = Field(default=None, unique=True)
    email_folded: str | None = Field(default=None, index=True)
    password_hash: str | None = Field(default=None)
    avatar_url: str | None = Field(default=None)
    first_name: str | None = Field(default=None)
    last_name: str | None = Field(default=None)
    fullname: str | None = Field(default=None)
    description: str | None = Field(default=None)
    gender: str | None = Field(default=None)
    date_of_birth: int | None = Field(default=None, sa_type=BigInteger)
    mobile_number: str | None = Field(default=None, index=True)
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
    additional_properties: bytes | None = Field(default=None, sa_type=Wire)
    template: str | None = Field(default=None, foreign_key="template.id", index=True)


class UserTagRow(SQLModel, table=True):
    """A word that groups users."""

    __tablename__ = "user_tag"

    user_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger)
    tag: str = Field(primary_key=True, index=True)


class PasswordResetRow(SQLModel, table=True):
    """A code that was sent to somebody who forgot a password, by its SHA-256. It is removed when it is used."""

    __tablename__ = "password_reset"

    hash: str = Field(primary_key=True)
    user_id: int = Field(foreign_key="user.id", sa_type=BigInteger, nullable=False, index=True)
    expires_at: int = Field(sa_type=Moment, nullable=False, index=True)


users, user_tags = table_of(UserRow), table_of(UserTagRow)
_t, _tags = users.table, user_tags.table
_user = bindparam("user", type_=BigInteger)
_of_user = _tags.c.user_id == _user

# The columns of gamehall.common.v1.UserReference: how other records show a user.
summary = (_t.c.id, _t.c.username, _t.c.display_name, _t.c.avatar_url)


def summary_as(name: str) -> tuple[Any, ...]:
    """The columns of `summary`, for records that show several users."""
    other = _t.alias(name)
    return tuple(other.c[column.key] for column in summary)


_summary = Query(select(*summary).where(_t.c.id == bindparam("id", type_=BigInteger)))
_credentials = Query(select(_t.c.id, _t.c.password_hash).where(_t.c.username_key == bindparam("key")))
_at_sign_in = {"last_activity": bindparam("now", type_=BigInteger)}
_signed_in = Query(update(_t).where(_t.c.id == _user).values(**_at_sign_in))
_by_password = Query(
    update(_t).where(_t.c.id == _user, _t.c.password_hash == bindparam("proved")).values(**_at_sign_in, password_hash=bindparam("hashed"))
)
set_password = Query(
    update(_t).where(_t.c.id == _user).values(password_hash=bindparam("hashed"), last_updated=bindparam("now", type_=BigInteger))
)


_tags_of = Query(select(_tags.c.tag).where(_of_user).order_by(_tags.c.tag))
_untag = Query(delete(_tags).where(_of_user, any_of(_tags.c.tag, "tags")))
_tag = Query(upsert(_tags))
has_tag = _t.c.id.in_(select(_tags.c.user_id).where(_tags.c.tag == bindparam("filter_tag")))


class Credentials(NamedTuple):
    """What a password is checked against."""

    user_id: int
    password_hash: str | None


def reference(row: Sequence[Any]) -> UserReference | None:
    """A user as other records show one, from the columns of `summary`; None where there is no user."""
    id, username, display_name, avatar_url = row
    if id is None:
        return None
    return UserReference(id=id, username=username, display_name=display_name, avatar_url=avatar_url)


async def summary_of(db: Handle, user_id: int) -> tuple[Any, ...] | None:
    """The values of `summary` for a user."""
    found: tuple[Any, ...] | None = await db.one(_summary, id=user_id)
    return None if found is None else tuple(found)


async def credentials_of(db: Handle, key: str) -> Credentials | None:
    """The user who signs in with this name, folded by `registration.folded`."""
    found = await db.one(_credentials, key=key)
    return None if found is None else Credentials(*found)


def signed_in(db: Handle, user_id: int, now: Micros) -> None:
    """Notes a sign-in."""
    db.later(_signed_in, user=user_id, now=now)


async def signed_in_by_password(db: Handle, user_id: int, now: Micros, proved: str, rehashed: str | None) -> bool:
    """Notes a sign-in, and keeps the password's new hash when its cost has risen. False where the password is another by now: it was proved
    before the transaction, and whoever changed it meanwhile ended every session that there was."""
    return await db.run(_by_password, user=user_id, now=now, proved=proved, hashed=rehashed or proved) == 1


async def tags_of(db: Handle, user_id: int) -> list[str]:
    """The tags of a user, by their letters."""
    return [row[0] for row in await db.all(_tags_of, user=user_id)]


async def change_tags(db: Handle, user_id: int, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
    """Gives and takes tags. Lock the user before."""
    if remove:
        db.later(_untag, user=user_id, tags=list(remove))
    for tag in add:
        db.later(_tag, user_id=user_id, tag=tag)


_has_password = Query(select(_t.c.id).where(_t.c.id == bindparam("id", type_=BigInteger), _t.c.password_hash.is_not(None)))
_has_email = Query(select(_t.c.id).where(_t.c.email_key == bindparam("key")))


async def has_password(db: Handle, user_id: int) -> bool:
    """Whether a user can sign in with a password."""
    return await db.value(_has_password, id=user_id) is not None


async def email_taken(db: Handle, key: str) -> bool:
    """Whether an address, folded by `folded`, is some user's and nobody else's."""
    return await db.value(_has_email, key=key) is not None

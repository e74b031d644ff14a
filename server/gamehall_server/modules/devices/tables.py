"""What is kept of devices: their owners, their users, their tags, and what those that sign in prove themselves with."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Index, bindparam, delete, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit import clock
from gamehall_server.kit.columns import JSONText, Moment, Wire
from gamehall_server.kit.storage import Handle, Query, any_of, table_of
from gamehall_server.modules import users
from gamehall_server.modules.users.tables import UserRow

# Ten digits that an integer of 32 bits holds: what ids were in 2017.
SMALLEST_ID, IDS = 10**9, 10**9


class DeviceRow(SQLModel, table=True):
    """A device. What mobile devices alone have is null for others; `device_type` tells which they are."""

    __tablename__ = "device"
    __table_args__ = (Index("ix_device_owner", "owner_id", "id"),)

    id: str = Field(primary_key=True)
    device_type: str | None = Field(default=None)
    name: str | None = Field(default=None)
    description: str | None = Field(default=None)
    location: str | None = Field(default=None)
    mac_address: str | None = Field(default=None)
    make: str | None = Field(default=None)
    model: str | None = Field(default=None)
    os: str | None = Field(default=None)
    serial: str | None = Field(default=None)
    authorization: str | None = Field(default=None)
    condition: str | None = Field(default=None)
    status: str | None = Field(default=None)
    data_json: str | None = Field(default=None, sa_type=JSONText)
    imei: str | None = Field(default=None)
    notification_platform: str | None = Field(default=None)
    number: str | None = Field(default=None)
    owner_id: int | None = Field(default=None, foreign_key="user.id", sa_type=BigInteger)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)
    additional_properties: bytes | None = Field(default=None, sa_type=Wire)
    template: str | None = Field(default=None, foreign_key="template.id", index=True)


class DeviceUserRow(SQLModel, table=True):
    """Somebody who uses a device now."""

    __tablename__ = "device_user"

    device_id: str = Field(primary_key=True, foreign_key="device.id", ondelete="CASCADE")
    user_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger, index=True)


class DeviceTagRow(SQLModel, table=True):
    """A word that groups devices."""

    __tablename__ = "device_tag"

    device_id: str = Field(primary_key=True, foreign_key="device.id", ondelete="CASCADE")
    tag: str = Field(primary_key=True, index=True)


class DeviceSecretRow(SQLModel, table=True):
    """What a device signs in with, as argon2id keeps it, and as whom: the user who was made for it."""

    __tablename__ = "device_secret"

    device_id: str = Field(primary_key=True, foreign_key="device.id", ondelete="CASCADE")
    user_id: int = Field(foreign_key="user.id", sa_type=BigInteger, nullable=False, unique=True)
    secret_hash: str = Field(nullable=False)


_d, _u, _t, _s = (table_of(row) for row in (DeviceRow, DeviceUserRow, DeviceTagRow, DeviceSecretRow))
_people = table_of(UserRow).table
_device: Any = bindparam("device")
_known = Query(
    select(_s.table.c.user_id, _s.table.c.secret_hash)
    .select_from(_d.table.outerjoin(_s.table, _s.table.c.device_id == _d.table.c.id))
    .where(_d.table.c.id == _device)
)
_keep = Query(
    update(_s.table)
    .where(_s.table.c.device_id == _device, _s.table.c.secret_hash == bindparam("proved"))
    .values(secret_hash=bindparam("its"))
)
_forget = Query(delete(_s.table).where(_s.table.c.device_id == _device))
_tags_of = Query(
    select(_t.table.c.device_id, _t.table.c.tag)
    .where(any_of(_t.table.c.device_id, "devices"))
    .order_by(_t.table.c.device_id, _t.table.c.tag)
)
_users_of = Query(
    select(_u.table.c.device_id, *users.summary)
    .join(_people, _people.c.id == _u.table.c.user_id)
    .where(any_of(_u.table.c.device_id, "devices"))
    .order_by(_u.table.c.device_id, _u.table.c.user_id)
)
_some = Query(select(*users.summary).where(any_of(_people.c.id, "ids")).order_by(_people.c.id))
_untag = Query(delete(_t.table).where(_t.table.c.device_id == _device))
_remove = Query(delete(_u.table).where(_u.table.c.device_id == _device, any_of(_u.table.c.user_id, "ids")))
# The tags that a list chooses by: one of several.
has_tag = _d.table.c.id.in_(select(_t.table.c.device_id).where(any_of(_t.table.c.tag, "filter_tag")))


class Known(NamedTuple):
    """A device: who signs in with it, and by what, if anybody."""

    user_id: int | None
    hashed: str | None


def lock_of(device_id: str) -> str:
    """The name of the lock that decides who adds a device."""
    return f"device {device_id}"


async def known_device(db: Handle, device_id: str) -> Known | None:
    """The device with this id."""
    found = await db.one(_known, device=device_id)
    return None if found is None else Known(*found)


async def free_id(db: Handle) -> str:
    """An id that no device has."""
    while True:
        id = str(SMALLEST_ID + int(clock.chance() * IDS))
        if await known_device(db, id) is None:
            return id


def add_secret(db: Handle, device_id: str, user_id: int, hashed: str) -> None:
    """Lets a device sign in as a user."""
    db.later(_s.insert, device_id=device_id, user_id=user_id, secret_hash=hashed)


async def keep_secret(db: Handle, device_id: str, proved: str, hashed: str) -> bool:
    """Keeps the hash of a secret that was proved, anew where its cost has risen; False where the device no longer signs in by it."""
    return await db.run(_keep, device=device_id, proved=proved, its=hashed) == 1


def remove_secret(db: Handle, device_id: str) -> None:
    """The device signs in no more."""
    db.later(_forget, device=device_id)


async def tags_of(db: Handle, ids: list[str]) -> list[tuple[str, str]]:
    """(device, tag) pairs of these devices, by their letters."""
    return list(await db.all(_tags_of, devices=ids))


async def users_of(db: Handle, ids: list[str]) -> list[tuple[Any, ...]]:
    """The users of these devices: the device, and what `users.summary` tells of each."""
    return list(await db.all(_users_of, devices=ids))


async def some_users(db: Handle, ids: Iterable[int]) -> dict[int, tuple[Any, ...]]:
    """What `users.summary` tells of those of these ids who exist."""
    return {row[0]: tuple(row) for row in await db.all(_some, ids=list(ids))}


def change_tags(db: Handle, device_id: str, tags: Iterable[str]) -> None:
    """Gives a device these tags and no others."""
    db.later(_untag, device=device_id)
    add_tags(db, device_id, tags)


def add_tags(db: Handle, device_id: str, tags: Iterable[str]) -> None:
    """Gives a device tags that it does not have."""
    for tag in tags:
        db.later(_t.insert, device_id=device_id, tag=tag)


def add_users(db: Handle, device_id: str, ids: Iterable[int]) -> None:
    """Adds users who do not use the device yet."""
    for user_id in ids:
        db.later(_u.insert, device_id=device_id, user_id=user_id)


def remove_users(db: Handle, device_id: str, ids: Iterable[int]) -> None:
    """Removes users of a device."""
    db.later(_remove, device=device_id, ids=list(ids))

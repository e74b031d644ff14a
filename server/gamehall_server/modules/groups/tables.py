"""What is kept of groups and of their members."""

from typing import Any

from sqlalchemy import BigInteger, Index, SmallInteger, bindparam, literal, select
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import NumberedRow, Wire
from gamehall_server.kit.storage import Handle, Query, any_of, lock, table_of
from gamehall_server.modules.users.tables import users as people


class GroupRow(SQLModel, table=True):
    """A group. `status` is the number of GroupStatus; the counts follow the members."""

    __tablename__ = "group"

    unique_name: str = Field(primary_key=True)
    name: str = Field(nullable=False)
    description: str | None = Field(default=None)
    message_of_the_day: str | None = Field(default=None)
    status: int = Field(sa_type=SmallInteger, nullable=False)
    parent: str | None = Field(default=None, foreign_key="group.unique_name", ondelete="CASCADE", index=True)
    member_count: int = Field(sa_type=BigInteger, nullable=False)
    sub_member_count: int = Field(sa_type=BigInteger, nullable=False)
    tags: bytes | None = Field(default=None, sa_type=Wire)
    template: str | None = Field(default=None, foreign_key="template.id", index=True)
    additional_properties: bytes | None = Field(default=None, sa_type=Wire)


class GroupMemberRow(NumberedRow, table=True):
    """A member of a group: added to it, or a member of groups below it, or both. `through` is of how many groups right below it."""

    __tablename__ = "group_member"
    __table_args__ = (
        Index("ix_group_member_one", "group_name", "user_id", unique=True),
        Index("ix_group_member_order", "group_name", "order", "id"),
        Index("ix_group_member_user", "user_id", "group_name"),
    )

    group_name: str = Field(foreign_key="group.unique_name", ondelete="CASCADE", nullable=False)
    user_id: int = Field(foreign_key="user.id", sa_type=BigInteger, nullable=False)
    # The number of MemberStatus.
    status: int = Field(sa_type=SmallInteger, nullable=False)
    implicit: bool = Field(nullable=False)
    through: int = Field(nullable=False)
    order: str | None = Field(default=None)
    template: str | None = Field(default=None, foreign_key="template.id", index=True)
    additional_properties: bytes | None = Field(default=None, sa_type=Wire)


groups, members = table_of(GroupRow), table_of(GroupMemberRow)
_g, _m = groups.table, members.table
_name: Any = bindparam("name_is")
_user = bindparam("user", type_=BigInteger)
_here = select(_g.c.unique_name, _g.c.parent, literal(0).label("far")).where(_g.c.unique_name == _name)
_up = _here.cte("up", recursive=True)
_up = _up.union_all(select(_g.c.unique_name, _g.c.parent, _up.c.far + 1).join(_up, _g.c.unique_name == _up.c.parent))
_down = _here.cte("down", recursive=True)
_down = _down.union_all(select(_g.c.unique_name, _g.c.parent, _down.c.far + 1).join(_down, _g.c.parent == _down.c.unique_name))
_names_above = Query(select(_up.c.unique_name).order_by(_up.c.far))
_above = Query(select(_g).join(_up, _g.c.unique_name == _up.c.unique_name).where(_up.c.far > 0).order_by(_up.c.far))
_names_below = Query(select(_down.c.unique_name, _down.c.far).order_by(_down.c.far))
_member = Query(select(_m.c.id, _m.c.status, _m.c.implicit, _m.c.through).where(_m.c.group_name == _name, _m.c.user_id == _user))
_some = Query(select(_m.c.user_id, _m.c.id, _m.c.implicit).where(_m.c.group_name == _name, any_of(_m.c.user_id, "users")))
_everybody = Query(select(_m.c.user_id).where(_m.c.group_name == _name).order_by(_m.c.user_id))
_in_template = Query(select(_m.c.id).where(any_of(_m.c.group_name, "names"), _m.c.template.is_not(None)))
_there = Query(select(people.table.c.id).where(any_of(people.table.c.id, "users")))
_of_user = select(_m.c.group_name).where(_m.c.user_id == _user).order_by(_m.c.group_name)
_with_parent = _of_user.join(_g, _g.c.unique_name == _m.c.group_name)
_groups_of = {
    None: Query(_of_user),
    True: Query(_with_parent.where(_g.c.parent.is_not(None))),
    False: Query(_with_parent.where(_g.c.parent.is_(None))),
}


async def names_above(db: Handle, name: str) -> list[str]:
    """A group and the groups above it, by their names; none where there is no such group."""
    return [row[0] for row in await db.all(_names_above, name_is=name)]


async def above(db: Handle, name: str) -> list[Any]:
    """The rows of the groups above a group, its parent first."""
    return await db.all(_above, name_is=name)


async def names_below(db: Handle, name: str) -> list[tuple[str, int]]:
    """A group and the groups below it: their names, and how far below."""
    return [(row[0], row[1]) for row in await db.all(_names_below, name_is=name)]


async def member_of(db: Handle, name: str, user: int) -> Any:
    """(id, status, implicit, through) of a member; None where the user is none."""
    return await db.one(_member, name_is=name, user=user)


async def some_members(db: Handle, name: str, users_: list[int]) -> dict[int, tuple[int, bool]]:
    """By user: the number of the membership, and whether it is implicit, of those of these users who are members."""
    return {row[0]: (row[1], bool(row[2])) for row in await db.all(_some, name_is=name, users=tuple(users_))}


async def everybody(db: Handle, name: str) -> list[int]:
    """All members of a group."""
    return [row[0] for row in await db.all(_everybody, name_is=name)]


async def with_templates(db: Handle, names: list[str]) -> list[int]:
    """The memberships in these groups that have a template."""
    return [row[0] for row in await db.all(_in_template, names=tuple(names))]


async def those_there(db: Handle, users_: list[int]) -> set[int]:
    """Those of these users who exist."""
    return {row[0] for row in await db.all(_there, users=tuple(users_))}


async def groups_of(db: Handle, user: int, children: bool | None) -> list[str]:
    """The groups that a user is in; those with a parent alone, or those without."""
    return [row[0] for row in await db.scan(_groups_of[children], user=user)]


async def hold(db: Handle, *names: str) -> None:
    """Until the transaction ends nobody else changes who is in which group, or which group is below which, in the trees of these groups."""
    held: list[str] | None = None
    while True:
        # A tree may have come under another one while this one was waited for.
        roots = sorted({found[-1] for name in names if (found := await names_above(db, name))})
        if roots == held:
            return
        for root in roots:
            await lock(db, f"groups {root}")
        held = roots

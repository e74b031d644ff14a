"""Members of a group are members of the groups above it. Each function wants the trees to be held (`tables.hold`)."""

from typing import Any

from gamehall.groups.v1 import members_pb2 as pb
from sqlalchemy import BigInteger, bindparam, delete, select, update

from gamehall_server.kit.storage import Handle, Query, any_of
from gamehall_server.modules.groups.tables import groups, members, names_above, some_members

_g, _m = groups.table, members.table
_name: Any = bindparam("name_is")
_by: Any = bindparam("by", type_=BigInteger)
_these = _m.c.group_name == _name, any_of(_m.c.user_id, "users")
_gone = *_these, _m.c.implicit, _m.c.through == 0
_through = Query(update(_m).where(*_these).values(through=_m.c.through + _by))
_leaving, _leave = Query(select(_m.c.user_id).where(*_gone)), Query(delete(_m).where(*_gone))
_subs = Query(update(_g).where(_g.c.unique_name == _name).values(sub_member_count=_g.c.sub_member_count + _by))
_own = Query(update(_g).where(_g.c.unique_name == _name).values(member_count=_g.c.member_count + _by))


def implicit_member(id: int, group: str, user: int) -> dict[str, Any]:
    """The row of a member of a group right below this one."""
    row = {"id": id, "group_name": group, "user_id": user, "status": pb.MEMBER_STATUS_MEMBER, "implicit": True, "through": 1}
    return {**row, "order": None, "template": None, "additional_properties": None}


async def came(db: Handle, group: str | None, users: list[int]) -> None:
    """These users have become members of a group right below this one, who were none before."""
    for name in await names_above(db, group) if group and users else ():
        known = await some_members(db, name, users)
        await db.run(_through, name_is=name, users=tuple(users), by=1)
        users = [user for user in users if user not in known]
        if not users:
            return
        for user in users:
            await db.run(members.insert, **implicit_member(await db.new_id("group_member"), name, user))
        await db.run(_subs, name_is=name, by=len(users))


async def went(db: Handle, group: str | None, users: list[int]) -> None:
    """These users are members no more of a group right below this one."""
    for name in await names_above(db, group) if group and users else ():
        await db.run(_through, name_is=name, users=tuple(users), by=-1)
        users = [row[0] for row in await db.all(_leaving, name_is=name, users=tuple(users))]
        if not users:
            return
        await db.run(_leave, name_is=name, users=tuple(users))
        await db.run(_subs, name_is=name, by=-len(users))


async def count(db: Handle, group: str, own: int, implicit: int) -> None:
    """A group has so many more members that were added to it, and so many more that were not."""
    if own:
        await db.run(_own, name_is=group, by=own)
    if implicit:
        await db.run(_subs, name_is=group, by=implicit)

"""Which groups lists are about, and the members of groups as they are shown."""

from typing import Any

from gamehall.groups.v1 import members_pb2 as pb
from sqlalchemy import Table, bindparam, select

from gamehall_server.kit.filters import Filter, Written
from gamehall_server.kit.mapping import Computed, Embed
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.storage import Handle, Query, any_of
from gamehall_server.modules import users
from gamehall_server.modules.groups import tables
from gamehall_server.modules.templates import Templated
from gamehall_server.modules.users.tables import users as people

MEMBER_KIND = "group_member"
_g, _m = tables.groups.table, tables.members.table
of_members = Templated(MEMBER_KIND, _m, pb.GroupMember)
members = Resource(
    tables.GroupMemberRow,
    pb.GroupMember,
    order="order:ASC",
    embeds={"user": Embed("user_id", users.summary), "group": Embed("group_name", (_g.c.unique_name, _g.c.name))},
    computed={"membership_id": Computed("id", int)},
    within={"unique_name": "group_name"},
    parts=(of_members,),
)


def by_status(table: Table) -> Filter:
    """The filter of a list's `filter_status`."""
    return Filter("filter_status", lambda value: (None, {"status__": value}), lambda shape: table.c.status == bindparam("status__"))


def in_group() -> Written:
    """The condition of a list of users whose `filter_group` names a group."""
    return Written(people.table.c.id.in_(select(_m.c.user_id).where(_m.c.group_name == bindparam("filter_group"))))


_some = Query(members.joined().where(_m.c.group_name == bindparam("name_is"), any_of(_m.c.user_id, "users")))


async def members_of(db: Handle, group: str, users_: list[int]) -> dict[int, Any]:
    """Rows of members as `members.mapper` takes them, by their users."""
    at = list(_m.c.keys()).index("user_id")
    return {row[at]: row for row in await db.all(_some, name_is=group, users=tuple(users_))}

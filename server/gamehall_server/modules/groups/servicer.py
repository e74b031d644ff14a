"""Groups, one below the other."""

import re
from typing import Any

from gamehall.groups.v1 import groups_pb2 as pb
from gamehall.groups.v1.members_pb2 import MEMBER_STATUS_MODERATOR

from gamehall_server.kit.call import Call, Scope
from gamehall_server.kit.clock import random_uuid
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.parts import Part
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.verbs import Create, Get, List, Update
from gamehall_server.modules import users
from gamehall_server.modules.groups import hierarchy, tables
from gamehall_server.modules.groups.search import by_status, of_members
from gamehall_server.modules.tags import Tagged, tag_filters
from gamehall_server.modules.templates import Templated, by_property

KIND = "group"
DEEPEST = 32
NAME = re.compile(r"[A-Za-z0-9-]{1,50}", re.ASCII)
# What these stand for in paths.
WORDS = ("templates", "members")
_t = tables.groups.table


class _Named(Part):
    """A group has a name for paths, which stays, and its parent is there."""

    async def check(self, call: Call, message: Any, path: str) -> None:
        if not message.unique_name:
            message.unique_name = random_uuid()
        elif not NAME.fullmatch(message.unique_name) or message.unique_name in WORDS:
            raise Invalid("letters, digits and hyphens, at most 50, and no word of a path", field=f"{path}.unique_name")
        if message.HasField("parent"):
            above = await tables.names_above(call.db, message.parent)
            if not above:
                raise Invalid("no group has this name", field=f"{path}.parent")
            if len(above) >= DEEPEST:
                raise Invalid(f"at most {DEEPEST} groups stand below each other", field=f"{path}.parent")


groups = Resource(
    tables.GroupRow,
    pb.Group,
    order="name:ASC",
    defaults={"status": pb.GROUP_STATUS_CLOSED, "member_count": 0, "sub_member_count": 0},
    parts=(_Named(), Tagged(KIND), Templated(KIND, _t, pb.Group)),
)


class Groups:
    """gamehall.groups.v1.GroupService."""

    service = pb.DESCRIPTOR.services_by_name["GroupService"]

    ListGroups = List(groups, {"filter_status": by_status(_t), **tag_filters(KIND, _t), "filter_property": by_property(KIND, _t)})
    CreateGroup = Create(groups)
    GetGroup = Get(groups)

    def __init__(self) -> None:
        self._update: Any = Update(groups).bound_to(self.service.methods_by_name["UpdateGroup"])

    async def UpdateGroup(self, request: pb.UpdateGroupRequest, call: Call) -> Any:
        name, told = request.unique_name, request.group
        if call.scope is Scope.OWN:
            member = None if call.user_id is None else await tables.member_of(call.db, name, call.user_id)
            if member is None or member[1] != MEMBER_STATUS_MODERATOR:
                raise NotFound("No group with this unique_name.", field="unique_name")
            call.reaches()
        parent = told.parent if told.HasField("parent") else None
        await tables.hold(call.db, name, *([parent] if parent else []))
        before = (await groups.load(call, name, lock=True)).parent
        # What a path names is not made up here.
        told.unique_name = name
        if parent != before:
            await self._move(call, name, before, parent)
        return await self._update(request, call)

    async def _move(self, call: Call, name: str, before: str | None, parent: str | None) -> None:
        """Takes the members of a group from the groups above it to those above its new place."""
        below = await tables.names_below(call.db, name)
        if parent is not None:
            if parent in {each for each, _ in below}:
                raise Invalid("is this group, or below it", field="group.parent")
            if len(await tables.names_above(call.db, parent)) + below[-1][1] >= DEEPEST:
                raise Invalid(f"at most {DEEPEST} groups stand below each other", field="group.parent")
        everybody = await tables.everybody(call.db, name)
        await hierarchy.went(call.db, before, everybody)
        await hierarchy.came(call.db, parent, everybody)

    async def DeleteGroup(self, request: pb.DeleteGroupRequest, call: Call) -> pb.DeleteGroupResponse:
        name = request.unique_name
        await tables.hold(call.db, name)
        row = await groups.load(call, name, lock=True)
        names = [each for each, _ in await tables.names_below(call.db, name)]
        await hierarchy.went(call.db, row.parent, await tables.everybody(call.db, name))
        for member in await tables.with_templates(call.db, names):
            await of_members.drop(call, member)
        for below in names[1:]:
            for part in groups.parts:
                await part.drop(call, below)
        # The database takes along what is below it, and all their members.
        await groups.remove(call, row)
        for each in names:
            call.emit("group_deleted", group=each)
        return pb.DeleteGroupResponse()

    async def ListAncestors(self, request: pb.ListAncestorsRequest, call: Call) -> pb.ListAncestorsResponse:
        answer = pb.ListAncestorsResponse()
        rows = await tables.above(call.db, request.unique_name)
        if not rows:
            await groups.load(call, request.unique_name)
        for row in rows:
            groups.mapper.fill(answer.groups.add(), row)
        return answer

    async def ListGroupsOfUser(self, request: pb.ListGroupsOfUserRequest, call: Call) -> pb.ListGroupsOfUserResponse:
        user = int(request.user_id)
        if await users.summary_of(call.db, user) is None:
            raise NotFound("No user with this id.", field="user_id")
        children = request.filter_children if request.HasField("filter_children") else None
        return pb.ListGroupsOfUserResponse(unique_names=await tables.groups_of(call.db, user, children))

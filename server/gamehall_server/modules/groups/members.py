"""Members of groups: who is added, what they may do, and who is a member because of a group below."""

from typing import Any

from gamehall.groups.v1 import members_pb2 as pb
from gamehall.groups.v1.groups_pb2 import GROUP_STATUS_OPEN

from gamehall_server.kit.call import Call, Scope
from gamehall_server.kit.errors import Forbidden, Invalid, NotFound, Violation
from gamehall_server.kit.mapping import compile_values
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.verbs import List
from gamehall_server.modules.groups import hierarchy, tables
from gamehall_server.modules.groups.search import MEMBER_KIND, members, members_of, of_members
from gamehall_server.modules.groups.servicer import groups
from gamehall_server.modules.templates import by_property

_m = tables.members.table
_fields: Any = pb.GroupMember.DESCRIPTOR.fields_by_name
_values = compile_values(pb.GroupMember, _m, [_fields[name] for name in ("status", "order", "template", "additional_properties")])


class GroupMembers:
    """gamehall.groups.v1.GroupMemberService."""

    service = pb.DESCRIPTOR.services_by_name["GroupMemberService"]

    def __init__(self) -> None:
        filters = {"filter_property": by_property(MEMBER_KIND, _m)}
        self._page: Any = List(members, filters).bound_to(self.service.methods_by_name["ListGroupMembers"])

    async def ListGroupMembers(self, request: pb.ListGroupMembersRequest, call: Call) -> Rows:
        rows: Rows = await self._page(request, call)
        if not rows.rows:
            await groups.load(call, request.unique_name)
        return rows

    async def GetGroupMember(self, request: pb.GetGroupMemberRequest, call: Call) -> pb.GetGroupMemberResponse:
        answer, user = pb.GetGroupMemberResponse(), int(request.user_id)
        found = await members_of(call.db, request.unique_name, [user])
        if user not in found:
            await groups.load(call, request.unique_name)
            raise NotFound("No member with this id.", field="user_id")
        members.mapper.fill(answer.member, found[user])
        return answer

    async def AddGroupMember(self, request: pb.AddGroupMemberRequest, call: Call) -> pb.AddGroupMemberResponse:
        told = request.member
        if call.scope is Scope.OWN:
            if told.user.id != call.user_id:
                raise NotFound("No user with this id.", field="member.user.id")
            call.reaches()
            group = await groups.load(call, request.unique_name)
            if group.status != GROUP_STATUS_OPEN:
                raise Forbidden("Users do not add themselves to this group.", field="unique_name")
            if told.status == pb.MEMBER_STATUS_MODERATOR:
                raise Forbidden("Users do not make themselves moderators.", field="member.status")
        (shown,) = await self._add(call, request.unique_name, [(told, "member")])
        return pb.AddGroupMemberResponse(member=shown)

    async def AddGroupMembers(self, request: pb.AddGroupMembersRequest, call: Call) -> pb.AddGroupMembersResponse:
        told = [(each, f"members[{at}]") for at, each in enumerate(request.members)]
        return pb.AddGroupMembersResponse(members=await self._add(call, request.unique_name, told))

    async def _add(self, call: Call, name: str, told: list[tuple[Any, str]]) -> list[pb.GroupMember]:
        """Adds all of them, or none where something is wrong with one."""
        await tables.hold(call.db, name)
        group, ids = await groups.load(call, name, lock=True), [each.user.id for each, _ in told]
        there, known = await tables.those_there(call.db, ids), await tables.some_members(call.db, name, ids)
        wrong, seen = [], set()
        for id, (_, path) in zip(ids, told, strict=True):
            if id not in there:
                wrong.append(Violation(f"{path}.user.id", "no user has this id"))
            elif id in seen or (id in known and not known[id][1]):
                wrong.append(Violation(f"{path}.user.id", "a member already"))
            seen.add(id)
        if wrong:
            raise Invalid(violations=tuple(wrong))
        for id, (each, path) in zip(ids, told, strict=True):
            await self._keep(call, name, known.get(id), id, each, path)
        implicit = [id for id in ids if id in known]
        await hierarchy.count(call.db, name, len(ids), -len(implicit))
        await hierarchy.came(call.db, group.parent, [id for id in ids if id not in known])
        rows = await members_of(call.db, name, ids)
        shown = []
        for id in ids:
            shown.append(pb.GroupMember())
            members.mapper.fill(shown[-1], rows[id])
        return shown

    async def _keep(self, call: Call, name: str, known: tuple[int, bool] | None, user: int, told: Any, path: str) -> None:
        """Writes one member, who may be one by a group below."""
        found = await of_members.check(call, told, path)
        values = _values(told)
        values["status"] = values["status"] or pb.MEMBER_STATUS_MEMBER
        values |= {"group_name": name, "user_id": user, "implicit": False}
        if known is None:
            id: int = (await members.add(call, {**values, "through": 0}))[0]
        else:
            id = known[0]
            await members.change(call, await members.load(call, id, lock=True), **values)
        await of_members.keep(call, id, told, found, new=known is None)
        call.emit("group_member_added", group=name, user=user)

    async def RemoveGroupMember(self, request: pb.RemoveGroupMemberRequest, call: Call) -> pb.RemoveGroupMemberResponse:
        name, user = request.unique_name, int(request.user_id)
        if call.scope is Scope.OWN:
            if user != call.user_id:
                raise NotFound("No member with this id.", field="user_id")
            call.reaches()
            if (await groups.load(call, name)).status != GROUP_STATUS_OPEN:
                raise Forbidden("Users do not remove themselves from this group.", field="unique_name")
        await tables.hold(call.db, name)
        group = await groups.load(call, name, lock=True)
        member, row = await self._own(call, name, user)
        if member[3]:
            # Still a member of a group below.
            await members.change(
                call, row, implicit=True, status=pb.MEMBER_STATUS_MEMBER, order=None, template=None, additional_properties=None
            )
            await of_members.drop(call, row.id)
        else:
            await members.remove(call, row)
            await hierarchy.went(call.db, group.parent, [user])
        await hierarchy.count(call.db, name, -1, 1 if member[3] else 0)
        call.emit("group_member_removed", group=name, user=user)
        return pb.RemoveGroupMemberResponse()

    async def _own(self, call: Call, name: str, user: int) -> tuple[Any, Any]:
        """What is known of somebody who was added to the group itself, and the row, locked. Raises NotFound, and Invalid for others."""
        member = await tables.member_of(call.db, name, user)
        if member is None:
            await groups.load(call, name)
            raise NotFound("No member with this id.", field="user_id")
        if member[2]:
            raise Invalid("a member of a group below this one, and not added to it", field="user_id")
        return member, await members.load(call, member[0], lock=True)

    async def SetGroupMemberOrder(self, request: pb.SetGroupMemberOrderRequest, call: Call) -> pb.SetGroupMemberOrderResponse:
        _, row = await self._own(call, request.unique_name, int(request.user_id))
        await members.change(call, row, order=request.order or None)
        return pb.SetGroupMemberOrderResponse()

    async def SetGroupMemberStatus(self, request: pb.SetGroupMemberStatusRequest, call: Call) -> pb.SetGroupMemberStatusResponse:
        _, row = await self._own(call, request.unique_name, int(request.user_id))
        await members.change(call, row, status=request.status)
        return pb.SetGroupMemberStatusResponse()

    async def SetGroupMemberProperties(
        self, request: pb.SetGroupMemberPropertiesRequest, call: Call
    ) -> pb.SetGroupMemberPropertiesResponse:
        _, row = await self._own(call, request.unique_name, int(request.user_id))
        told = pb.GroupMember(template=row.template)
        for name, each in request.properties.items():
            told.additional_properties[name].CopyFrom(each)
        try:
            found = await of_members.check(call, told, "")
        except Invalid as wrong:
            raise Invalid(violations=tuple(_here(each) for each in wrong.violations)) from None
        values = {"additional_properties": _values(told)["additional_properties"]}
        await members.change(call, row, **values)
        await of_members.keep(call, row.id, told, found, new=False)
        return pb.SetGroupMemberPropertiesResponse()


def _here(violation: Violation) -> Violation:
    """As it is called where the properties are all there is."""
    return violation._replace(field=violation.field.replace("additional_properties", "properties", 1))

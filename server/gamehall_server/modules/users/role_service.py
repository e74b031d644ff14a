"""Which users hold which roles."""

from gamehall.users.v1 import roles_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.modules.access import checked_roles, grant_role, grants_of_user, refuse_roles, revoke, show_roles, take_roles
from gamehall_server.modules.users.records import load
from gamehall_server.modules.users.servicer import shown_to


class UserRoles:
    """gamehall.users.v1.UserRoleService."""

    service = pb.DESCRIPTOR.services_by_name["UserRoleService"]

    async def GetUserRoles(self, request: pb.GetUserRolesRequest, call: Call) -> pb.GetUserRolesResponse:
        user = await load(call, request.user_id, "user_id")
        return pb.GetUserRolesResponse(roles=await show_roles(call.db, (await grants_of_user(call.db, user.id)).roles))

    async def SetUserRoles(self, request: pb.SetUserRolesRequest, call: Call) -> pb.SetUserRolesResponse:
        user = await load(call, request.user_id, "user_id", lock=True)
        wanted = set(await checked_roles(call.db, request.roles))
        held = set((await grants_of_user(call.db, user.id)).roles)
        # What is taken away counts as well: nobody weakens those above.
        await refuse_roles(call, held ^ wanted, f"The user {user.id}, as it is or as it would be,")
        take_roles(call.db, user.id, sorted(held - wanted))
        for role in sorted(wanted - held):
            grant_role(call.db, role, user_id=user.id)
        revoke(call.db, "user", user.id)
        call.changed(f"user:{user.id}", {"roles": sorted(held)}, {"roles": sorted(wanted)})
        call.emit("user_roles_changed", user=user.id)
        return pb.SetUserRolesResponse(user=await shown_to(call, user))

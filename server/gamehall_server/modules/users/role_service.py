"""Which users hold which roles."""

from typing import Any

from gamehall.users.v1 import roles_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import NotFound
from gamehall_server.kit.verbs import Changed
from gamehall_server.modules.access import checked_roles, grant_role, grants_of_user, refuse_roles, revoke, show_roles, take_roles
from gamehall_server.modules.users.servicer import LARGEST_ID, shown_to
from gamehall_server.modules.users.tables import users


class UserRoles:
    """gamehall.users.v1.UserRoleService."""

    service = pb.DESCRIPTOR.services_by_name["UserRoleService"]

    async def GetUserRoles(self, request: pb.GetUserRolesRequest, call: Call) -> pb.GetUserRolesResponse:
        user = await _load(call, request.user_id)
        return pb.GetUserRolesResponse(roles=await show_roles(call.db, (await grants_of_user(call.db, user.id)).roles))

    async def SetUserRoles(self, request: pb.SetUserRolesRequest, call: Call) -> pb.SetUserRolesResponse:
        user = await _load(call, request.user_id, lock=True)
        wanted = set(await checked_roles(call.db, request.roles))
        held = set((await grants_of_user(call.db, user.id)).roles)
        # What is taken away counts as well: nobody weakens those above.
        await refuse_roles(call, held ^ wanted, f"The user {user.id}, as it is or as it would be,")
        take_roles(call.db, user.id, sorted(held - wanted))
        for role in sorted(wanted - held):
            grant_role(call.db, role, user_id=user.id)
        revoke(call.db, "user", user.id)
        call.changed(f"user:{user.id}", {"roles": sorted(held)}, {"roles": sorted(wanted)})
        call.emit("user_roles_changed", Changed(f"user:{user.id}", user.id, user.id))
        return pb.SetUserRolesResponse(user=shown_to(call, user))


async def _load(call: Call, text: str, *, lock: bool = False) -> Any:
    number = int(text)
    query: Any = users.lock if lock else users.get
    row = await call.db.one(query, id=number) if number <= LARGEST_ID else None
    if row is None:
        raise NotFound("No user with this id.", field="user_id")
    return row

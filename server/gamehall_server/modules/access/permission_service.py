"""Permissions: standard methods, where a permission is an application's own."""

from gamehall.access.v1 import permissions_pb2 as pb
from gamehall.options.v1.errors_pb2 import ErrorReason
from sqlalchemy import bindparam, delete, select

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.storage import Query
from gamehall_server.kit.verbs import Get, List
from gamehall_server.modules.access.granting import checked_word, refuse_locked
from gamehall_server.modules.access.revocations import revoke
from gamehall_server.modules.access.roles import ROLE_ADMIN, hold_permission, role_permissions
from gamehall_server.modules.access.tables import PermissionRow

permissions = Resource(PermissionRow, pb.Permission, order="permission:ASC")
_this = role_permissions.c.permission == bindparam("permission")
_holders = Query(select(role_permissions.c.role).where(_this))
_take = Query(delete(role_permissions).where(_this))


class Permissions:
    """gamehall.access.v1.PermissionService."""

    service = pb.DESCRIPTOR.services_by_name["PermissionService"]

    ListPermissions = List(permissions)
    GetPermission = Get(permissions)

    async def CreatePermission(self, request: pb.CreatePermissionRequest, call: Call) -> pb.CreatePermissionResponse:
        asked = request.permission
        checked_word(asked.permission, "permission.permission")
        await permissions.add(call, {"permission": asked.permission, "locked": False, **_values(asked)})
        answer = pb.CreatePermissionResponse()
        # Read back at once: a word that is taken is refused before anything else is written.
        await permissions.find(call, asked.permission, answer.permission)
        # Nobody could ever give what nobody holds.
        hold_permission(call.db, ROLE_ADMIN, asked.permission)
        revoke(call.db, "role", ROLE_ADMIN)
        call.emit("permission_created", permission=asked.permission)
        return answer

    async def UpdatePermission(self, request: pb.UpdatePermissionRequest, call: Call) -> pb.UpdatePermissionResponse:
        asked = request.permission_resource
        if asked.permission != request.permission:
            raise Invalid("must be the word in the path: a permission keeps its word", field="permission_resource.permission")
        row = await permissions.load(call, request.permission, lock=True)
        refuse_locked(row, f"The permission {row.permission}")
        await permissions.change(call, row, **_values(asked))
        call.emit("permission_updated", permission=row.permission)
        answer = pb.UpdatePermissionResponse()
        await permissions.find(call, row.permission, answer.permission_resource)
        return answer

    async def DeletePermission(self, request: pb.DeletePermissionRequest, call: Call) -> pb.DeletePermissionResponse:
        row = await permissions.load(call, request.permission, lock=True)
        refuse_locked(row, f"The permission {row.permission}")
        holders = [found[0] for found in await call.db.all(_holders, permission=row.permission)]
        others = [role for role in holders if role != ROLE_ADMIN]
        if others and not request.force:
            told = f"held by {', '.join(sorted(others)[:5])}: force=true takes it away"
            raise Invalid(told, field="permission", reason=ErrorReason.ERROR_REASON_IN_USE)
        call.db.later(_take, permission=row.permission)
        for role in holders:
            revoke(call.db, "role", role)
        await permissions.remove(call, row)
        call.emit("permission_deleted", permission=row.permission)
        return pb.DeletePermissionResponse()


def _values(asked: pb.Permission) -> dict[str, str | None]:
    parent = asked.parent if asked.HasField("parent") else None
    return {"name": asked.name, "description": asked.description if asked.HasField("description") else None, "parent": parent}

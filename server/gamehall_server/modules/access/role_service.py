"""Roles: what they open, and which clients hold them."""

from collections.abc import Iterable
from typing import Any

from gamehall.access.v1 import roles_pb2 as pb
from gamehall.options.v1.errors_pb2 import ErrorReason
from sqlalchemy import bindparam, delete, func, select

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, NotFound, Violation
from gamehall_server.kit.filters import choose, compile_filter
from gamehall_server.kit.listing import Listing
from gamehall_server.kit.page import page_of
from gamehall_server.kit.storage import Handle, Query, any_of, table_of
from gamehall_server.kit.verbs import PAGE_FIELDS
from gamehall_server.modules.access.client_service import load_client, show_client
from gamehall_server.modules.access.granting import checked_roles, checked_word, refuse_beyond, refuse_locked, refuse_roles
from gamehall_server.modules.access.revocations import revoke
from gamehall_server.modules.access.roles import client_roles, grant_role, grants_of_client, hold_permission, role_permissions, user_roles
from gamehall_server.modules.access.shown import show_roles
from gamehall_server.modules.access.tables import PermissionRow, RoleRow

roles = table_of(RoleRow)
_t, _permissions = roles.table, table_of(PermissionRow).table
_known = Query(select(_permissions.c.permission).where(any_of(_permissions.c.permission, "words")))
_held = Query(select(role_permissions.c.permission).where(role_permissions.c.role == bindparam("role")))
_drop = Query(delete(role_permissions).where(role_permissions.c.role == bindparam("role"), any_of(role_permissions.c.permission, "words")))
_drop_all = Query(delete(role_permissions).where(role_permissions.c.role == bindparam("role")))
_rename = Query(_t.update().where(_t.c.role == bindparam("word")).values(name=bindparam("called")))
_of_users = Query(select(func.count()).select_from(user_roles).where(user_roles.c.role == bindparam("role")))
_of_clients = Query(select(func.count()).select_from(client_roles).where(client_roles.c.role == bindparam("role")))
_take_from_users = Query(delete(user_roles).where(user_roles.c.role == bindparam("role")))
_take_from_clients = Query(delete(client_roles).where(client_roles.c.role == bindparam("role")))
_take_from_client = Query(delete(client_roles).where(client_roles.c.client_id == bindparam("id"), any_of(client_roles.c.role, "roles")))
_sortable = frozenset({"role", "name", "locked", "created_date"})
_listing = Listing(_t, lambda: select(_t), _sortable, "role:ASC")
_asked = pb.ListRolesRequest.DESCRIPTOR.fields
_filters = [compile_filter(field, _t) for field in _asked if field.name not in PAGE_FIELDS]


class Roles:
    """gamehall.access.v1.RoleService."""

    service = pb.DESCRIPTOR.services_by_name["RoleService"]

    async def ListRoles(self, request: pb.ListRolesRequest, call: Call) -> pb.ListRolesResponse:
        rows, info = await _listing.page(call, *choose(_filters, request), page_of(request), request.order)
        return pb.ListRolesResponse(content=await show_roles(call.db, [row[0] for row in rows]), page_info=info)

    async def GetRole(self, request: pb.GetRoleRequest, call: Call) -> pb.GetRoleResponse:
        return pb.GetRoleResponse(role_resource=await _shown(call.db, request.role))

    async def CreateRole(self, request: pb.CreateRoleRequest, call: Call) -> pb.CreateRoleResponse:
        word, name = request.role.role, request.role.name
        checked_word(word, "role.role")
        call.db.later(roles.insert, role=word, name=name, locked=False, created_date=call.now)
        call.changed(f"role:{word}", None, {"name": name})
        call.emit("role_created", role=word)
        return pb.CreateRoleResponse(role=await _shown(call.db, word))

    async def UpdateRole(self, request: pb.UpdateRoleRequest, call: Call) -> pb.UpdateRoleResponse:
        asked = request.role_resource
        if asked.role != request.role:
            raise Invalid("must be the word in the path: a role keeps its word", field="role_resource.role")
        row = await _load(call, request.role)
        await refuse_roles(call, [row.role], f"The role {row.role}")
        call.db.later(_rename, word=row.role, called=asked.name)
        call.changed(f"role:{row.role}", {"name": row.name}, {"name": asked.name})
        call.emit("role_updated", role=row.role)
        return pb.UpdateRoleResponse(role_resource=await _shown(call.db, row.role))

    async def DeleteRole(self, request: pb.DeleteRoleRequest, call: Call) -> pb.DeleteRoleResponse:
        row = await _load(call, request.role)
        await refuse_roles(call, [row.role], f"The role {row.role}")
        users, clients = await call.db.value(_of_users, role=row.role), await call.db.value(_of_clients, role=row.role)
        if (users or clients) and not request.force:
            told = f"held by {users} users and {clients} clients: force=true takes it away"
            raise Invalid(told, field="role", reason=ErrorReason.ERROR_REASON_IN_USE)
        for statement in (_take_from_users, _take_from_clients, _drop_all, roles.delete):
            call.db.later(statement, role=row.role)
        revoke(call.db, "role", row.role)
        call.changed(f"role:{row.role}", {"name": row.name, "users": users, "clients": clients}, None)
        call.emit("role_deleted", role=row.role)
        return pb.DeleteRoleResponse()

    async def SetRolePermissions(self, request: pb.SetRolePermissionsRequest, call: Call) -> pb.SetRolePermissionsResponse:
        row = await _load(call, request.role)
        wanted = await _checked(call.db, request.permissions)
        held = {found[0] for found in await call.db.all(_held, role=row.role)}
        # What is taken away counts as well: nobody weakens those above.
        refuse_beyond(call, held ^ wanted, f"The role {row.role}, as it is or as it would be,")
        call.db.later(_drop, role=row.role, words=sorted(held - wanted))
        for word in sorted(wanted - held):
            hold_permission(call.db, row.role, word)
        revoke(call.db, "role", row.role)
        call.changed(f"role:{row.role}", {"permissions": sorted(held)}, {"permissions": sorted(wanted)})
        call.emit("role_updated", role=row.role)
        return pb.SetRolePermissionsResponse(role_resource=await _shown(call.db, row.role))

    async def GetClientRoles(self, request: pb.GetClientRolesRequest, call: Call) -> pb.GetClientRolesResponse:
        client = await load_client(call, request.client_key)
        held = await grants_of_client(call.db, client.id)
        return pb.GetClientRolesResponse(roles=await show_roles(call.db, held.roles))

    async def SetClientRoles(self, request: pb.SetClientRolesRequest, call: Call) -> pb.SetClientRolesResponse:
        client = await load_client(call, request.client_key, lock=True)
        refuse_locked(client, f"The client {client.client_key}")
        wanted = set(await checked_roles(call.db, request.roles))
        held = set((await grants_of_client(call.db, client.id)).roles)
        await refuse_roles(call, held ^ wanted, f"The client {client.client_key}, as it is or as it would be,")
        call.db.later(_take_from_client, id=client.id, roles=sorted(held - wanted))
        for role in sorted(wanted - held):
            grant_role(call.db, role, client_id=client.id)
        revoke(call.db, "client", client.client_key)
        call.changed(f"client:{client.client_key}", {"roles": sorted(held)}, {"roles": sorted(wanted)})
        call.emit("client_updated", client=client.client_key)
        return pb.SetClientRolesResponse(client=show_client(client))


async def _load(call: Call, word: str) -> Any:
    """The role, locked until the transaction ends. Raises NotFound, and Forbidden for one that came with the product."""
    row = await call.db.one(roles.lock, role=word)
    if row is None:
        raise NotFound("No role with this word.", field="role")
    refuse_locked(row, f"The role {word}")
    return row


async def _checked(db: Handle, words: Iterable[str]) -> set[str]:
    words = list(words)
    known = {row[0] for row in await db.all(_known, words=words)}
    wrong = tuple(Violation(f"permissions[{at}]", "there is no such permission") for at, word in enumerate(words) if word not in known)
    if wrong:
        raise Invalid(violations=wrong)
    return known


async def _shown(db: Handle, word: str) -> pb.Role:
    found = await show_roles(db, [word])
    if not found:
        raise NotFound("No role with this word.", field="role")
    return found[0]

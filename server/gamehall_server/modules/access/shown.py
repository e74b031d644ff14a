"""Roles as they are shown: four statements, however many roles."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from gamehall.access.v1 import permissions_pb2, roles_pb2
from sqlalchemy import func, select

from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.mapping import Mapper
from gamehall_server.kit.storage import Handle, Query, any_of, table_of
from gamehall_server.modules.access.roles import client_roles, role_permissions, user_roles
from gamehall_server.modules.access.tables import PermissionRow, RoleRow

_r, _p = table_of(RoleRow), table_of(PermissionRow).table
_rows = Query(select(_r.table).where(any_of(_r.table.c.role, "words")), _r.Row)
_permissions = Query(
    select(role_permissions.c.role, *_p.columns)
    .join(_p, _p.c.permission == role_permissions.c.permission)
    .where(any_of(role_permissions.c.role, "words"))
    .order_by(_p.c.permission)
)
_users = Query(select(user_roles.c.role, func.count()).where(any_of(user_roles.c.role, "words")).group_by(user_roles.c.role))
_clients = Query(select(client_roles.c.role, func.count()).where(any_of(client_roles.c.role, "words")).group_by(client_roles.c.role))
_permission = Mapper(permissions_pb2.Permission, _p, {}, {})


async def show_roles(db: Handle, words: Iterable[str]) -> list[roles_pb2.Role]:
    """The roles of these words, in their order; those that do not exist are left out."""
    words = list(words)
    rows: dict[str, Any] = {row.role: row for row in await db.all(_rows, words=words)}
    held: dict[str, list[Any]] = defaultdict(list)
    for word, *permission in await db.all(_permissions, words=words):
        held[word].append(tuple(permission))
    users = dict(await db.all(_users, words=words))
    clients = dict(await db.all(_clients, words=words))
    shown = []
    for row in (rows[word] for word in words if word in rows):
        role = roles_pb2.Role(role=row.role, name=row.name, locked=bool(row.locked), created_date=row.created_date // SECOND)
        role.user_count, role.client_count = users.get(row.role, 0), clients.get(row.role, 0)
        for permission in held[row.role]:
            _permission.fill(role.role_permission.add(), permission)
        shown.append(role)
    return shown

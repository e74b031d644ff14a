"""Roles and the permissions they carry."""

from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, insert, select

from gamehall_server.kit.storage import Handle, Query, any_of, table_of
from gamehall_server.modules.access.tables import ClientRoleRow, RolePermissionRow, RoleRow, UserRoleRow

ROLE_USER = "ROLE_USER"
ROLE_ADMIN = "ROLE_ADMIN"


class Grants(NamedTuple):
    """What somebody holds: roles, and every permission in them."""

    roles: tuple[str, ...]
    permissions: frozenset[str]


user_roles = table_of(UserRoleRow).table
client_roles = table_of(ClientRoleRow).table
role_permissions = table_of(RolePermissionRow).table

_of_user = Query(
    select(user_roles.c.role, role_permissions.c.permission)
    .outerjoin(role_permissions, role_permissions.c.role == user_roles.c.role)
    .where(user_roles.c.user_id == bindparam("id", type_=BigInteger))
)
_of_client = Query(
    select(client_roles.c.role, role_permissions.c.permission)
    .outerjoin(role_permissions, role_permissions.c.role == client_roles.c.role)
    .where(client_roles.c.client_id == bindparam("id", type_=BigInteger))
)
_roles = Query(select(table_of(RoleRow).table.c.role))
_give_user = Query(insert(user_roles))
_give_client = Query(insert(client_roles))
_take_user = Query(
    delete(user_roles).where(user_roles.c.user_id == bindparam("user", type_=BigInteger), any_of(user_roles.c.role, "roles"))
)
_hold = Query(insert(role_permissions))


def _collect(rows: list[tuple[str, str | None]]) -> Grants:
    return Grants(tuple(sorted({role for role, _ in rows})), frozenset(p for _, p in rows if p is not None))


async def known_roles(db: Handle) -> set[str]:
    """Every role there is."""
    return {row[0] for row in await db.all(_roles)}


async def grants_of_user(db: Handle, user_id: int) -> Grants:
    """What a user holds."""
    return _collect(await db.all(_of_user, id=user_id))


async def grants_of_client(db: Handle, client_id: int) -> Grants:
    """What a client holds."""
    return _collect(await db.all(_of_client, id=client_id))


def grant_role(db: Handle, role: str, *, user_id: int | None = None, client_id: int | None = None) -> None:
    """Gives a role to a user or to a client, in the transaction of `db`."""
    if user_id is not None:
        db.later(_give_user, user_id=user_id, role=role)
    if client_id is not None:
        db.later(_give_client, client_id=client_id, role=role)


def has_role(user_id: ColumnElement[int], name: str) -> ColumnElement[bool]:
    """Whether the user of a column holds the role of the parameter `name`: a condition for lists."""
    return user_id.in_(select(user_roles.c.user_id).where(user_roles.c.role == bindparam(name)))


def hold_permission(db: Handle, role: str, permission: str) -> None:
    """Puts a permission into a role, in the transaction of `db`."""
    db.later(_hold, role=role, permission=permission)


def take_roles(db: Handle, user_id: int, roles: list[str]) -> None:
    """Takes roles from a user, in the transaction of `db`."""
    db.later(_take_user, user=user_id, roles=roles)

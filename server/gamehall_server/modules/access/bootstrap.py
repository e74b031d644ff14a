"""What every deployment starts with: the permissions of the contract, the two locked roles, and the built-in public clients."""

import logging
from collections.abc import Iterable

from sqlalchemy import bindparam, delete, insert, select, update

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.storage import Handle, Query, any_of, table_of
from gamehall_server.modules.access.clients import add_client, find_client
from gamehall_server.modules.access.passwords import measured_passes
from gamehall_server.modules.access.roles import ROLE_ADMIN, ROLE_USER, role_permissions
from gamehall_server.modules.access.tables import PermissionRow, RoleRow, SettingRow

# Public clients of first-party apps: "web" as the guide's examples name it, "knetik" as the SDKs default to.
BUILT_IN_CLIENTS = (("web", "Web and mobile apps"), ("knetik", "Published SDKs"))
FIRST_PARTY_GRANTS = ("password", "refresh_token")
PASSES = "password_passes"
log = logging.getLogger("gamehall.access")

permissions, roles, settings = table_of(PermissionRow).table, table_of(RoleRow).table, table_of(SettingRow).table
_held = Query(select(role_permissions.c.role, role_permissions.c.permission))
_permissions = Query(select(permissions.c.permission, permissions.c.locked))
_lock = Query(update(permissions).where(any_of(permissions.c.permission, "words")).values(locked=True))
_take = Query(delete(role_permissions).where(any_of(role_permissions.c.permission, "words")))
_roles = Query(select(roles.c.role))
_add_permission = Query(insert(permissions))
_add_role = Query(insert(roles))
_add_held = Query(insert(role_permissions))
_setting = Query(select(settings.c.value).where(settings.c.name == bindparam("name")))
_add_setting = Query(insert(settings))


async def settle_access(db: Handle, now: Micros, names: Iterable[str]) -> None:
    """Adds what is missing: permissions that the contract names, the locked roles with them, and the built-in clients.

    ROLE_ADMIN holds every permission of the contract; ROLE_USER those that end in _USER.
    """
    names = sorted(names)
    have = {row[0]: bool(row[1]) for row in await db.all(_permissions)}
    # A word that an application made up before this version came to mean something by it: whoever held it, held nothing by it.
    taken = [name for name in names if have.get(name) is False]
    if taken:
        log.warning("permissions of the application's own are this version's now, and are taken from its roles: %s", ", ".join(taken))
        db.later(_lock, words=taken)
        await db.run(_take, words=taken)
    for name in names:
        if name not in have:
            db.later(
                _add_permission,
                permission=name,
                name=name,
                description=None,
                parent=None,
                locked=True,
                created_date=now,
                updated_date=now,
            )
    roles_there = {row[0] for row in await db.all(_roles)}
    for role, title in ((ROLE_USER, "User"), (ROLE_ADMIN, "Administrator")):
        if role not in roles_there:
            db.later(_add_role, role=role, name=title, locked=True, created_date=now)
    held = {(row[0], row[1]) for row in await db.all(_held)}
    wanted = [(ROLE_ADMIN, name) for name in names] + [(ROLE_USER, name) for name in names if name.endswith("_USER")]
    for role, name in wanted:
        if (role, name) not in held:
            db.later(_add_held, role=role, permission=name)
    for key, title in BUILT_IN_CLIENTS:
        if await find_client(db, key) is None:
            await add_client(db, key, title, FIRST_PARTY_GRANTS, public=True, locked=True, first_party=True)


async def settle_passes(db: Handle, fixed: int | None) -> int:
    """How many argon2 passes a password takes: as the settings say, or as measured when the deployment first started."""
    if fixed is not None:
        return fixed
    stored = await db.value(_setting, name=PASSES)
    if stored is not None:
        return int(stored)
    passes = measured_passes()
    db.later(_add_setting, name=PASSES, value=str(passes))
    return passes

"""One gives, takes and changes only what one may do oneself: the rule of everything that deals in permissions."""

from collections.abc import Iterable
from typing import Any

from gamehall.options.v1.errors_pb2 import ErrorReason
from sqlalchemy import select

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Forbidden, Invalid, Violation
from gamehall_server.kit.storage import Handle, Query, any_of, table_of
from gamehall_server.modules.access.roles import ROLE_USER, grants_of_user, role_permissions
from gamehall_server.modules.access.tables import RoleRow

MOST_NAMED = 5
_roles = table_of(RoleRow).table
_known = Query(select(_roles.c.role).where(any_of(_roles.c.role, "roles")))
_held = Query(select(role_permissions.c.permission).where(any_of(role_permissions.c.role, "roles")))


def refuse_beyond(call: Call, permissions: Iterable[str], what: str) -> None:
    """Raises Forbidden when `what` opens something that the caller may not do. Every call that could lend somebody's power asks this:
    whoever sets a client's secret can be the client, and whoever sets a user's password can be the user."""
    held = frozenset() if call.caller is None else call.caller.permissions
    beyond = sorted(frozenset(permissions) - held)
    if beyond:
        named = ", ".join(beyond[:MOST_NAMED]) + (f" and {len(beyond) - MOST_NAMED} more" if len(beyond) > MOST_NAMED else "")
        raise Forbidden(f"{what} holds what you do not: {named}.", reason=ErrorReason.ERROR_REASON_NOT_HELD)


def refuse_locked(row: Any, what: str) -> None:
    """Raises Forbidden for what came with the product."""
    if row.locked:
        raise Forbidden(f"{what} is locked.", reason=ErrorReason.ERROR_REASON_LOCKED)


async def refuse_roles(call: Call, roles: Iterable[str], what: str) -> None:
    """Raises Forbidden when one of these roles opens something that the caller may not do."""
    refuse_beyond(call, [row[0] for row in await call.db.all(_held, roles=list(roles))], what)


async def refuse_takeover(call: Call, user_id: int) -> None:
    """Raises Forbidden where the user is another than the caller, and may do what neither the caller nor every user may. Whoever sets a
    password, or the address that a reset is sent to, can be that user."""
    if user_id != call.user_id:
        ordinary = {row[0] for row in await call.db.all(_held, roles=[ROLE_USER])}
        refuse_beyond(call, (await grants_of_user(call.db, user_id)).permissions - ordinary, f"The user {user_id}")


async def checked_roles(db: Handle, words: Iterable[str], field: str = "roles") -> list[str]:
    """The roles of a request, each once. Raises Invalid, naming those that do not exist."""
    words = list(words)
    known = {row[0] for row in await db.all(_known, roles=words)}
    wrong = tuple(Violation(f"{field}[{index}]", "there is no such role") for index, word in enumerate(words) if word not in known)
    if wrong:
        raise Invalid(violations=wrong)
    return list(dict.fromkeys(words))


def checked_word(word: str, field: str) -> None:
    """Raises Invalid for what cannot stand in a path or in a list of words."""
    if not all(character.isascii() and (character.isalnum() or character in "_.:-") for character in word) or word in (".", ".."):
        raise Invalid("letters, digits and _ . : - alone", field=field)

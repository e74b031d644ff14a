"""Registration: what is made of a new user."""

from typing import Any, NamedTuple

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.access import grant_role
from gamehall_server.modules.users.policy import Identity, folded
from gamehall_server.modules.users.tables import users


class Registration(NamedTuple):
    """A registration that was found to be right. `values` are further columns of the user."""

    who: Identity
    password_hash: str | None
    values: dict[str, Any]
    unique_email: bool = True


def names(who: Identity, unique_email: bool) -> dict[str, Any]:
    """The columns of what a user is called."""
    email = folded(who.email) if who.email else None
    return {
        "username": who.username,
        "username_key": folded(who.username),
        "email": who.email or None,
        "email_key": email if unique_email else None,
        "email_folded": email,
    }


async def register(db: Handle, now: Micros, registration: Registration, *roles: str) -> tuple[Any, ...]:
    """Adds a user who holds these roles; gives the row's values in column order. Raises Duplicate for a name or address that is taken."""
    number = await db.new_id("user")
    values: dict[str, Any] = {
        **dict.fromkeys(users.table.columns.keys()),
        "display_name": registration.who.username,
        **{name: value for name, value in registration.values.items() if value is not None},
        **names(registration.who, registration.unique_email),
        "id": number,
        "password_hash": registration.password_hash,
        "member_since": now,
        "last_updated": now,
    }
    db.later(users.insert, **values)
    for role in roles:
        grant_role(db, role, user_id=number)
    return tuple(values.values())

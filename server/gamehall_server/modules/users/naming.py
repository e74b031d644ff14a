"""Who a record is of: the caller, or whoever they may name."""

from typing import Any

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Forbidden, Invalid
from gamehall_server.modules.users.tables import summary_of


async def named_or_caller(call: Call, told: Any, permission: str, path: str) -> int | None:
    """The id of the user whom a record at `path` names in its field `user`, for callers with the permission; else the caller's. Raises
    Forbidden, and Invalid where nobody has the id."""
    if not told.HasField("user") or told.user.id == call.user_id:
        return call.user_id
    if not call.may(permission):
        raise Forbidden(f"Those of others need the permission {permission}.", field=f"{path}.user")
    if await summary_of(call.db, told.user.id) is None:
        raise Invalid("no user has this id", field=f"{path}.user.id")
    id: int = told.user.id
    return id

"""Additional properties of users that others set, one at a time."""

from typing import Any

from gamehall.users.v1 import users_pb2 as pb
from sqlalchemy import BigInteger, bindparam, select, update

from gamehall_server.kit.call import Call
from gamehall_server.kit.columns import Wire
from gamehall_server.kit.storage import Handle, Query, any_of
from gamehall_server.modules.templates import Templated
from gamehall_server.modules.users.tables import users

_t = users.table
_id = bindparam("id", type_=BigInteger)
_hold = Query(select(_t.c.id).where(_t.c.id == _id).with_for_update())
_hold_all = Query(select(_t.c.id).where(any_of(_t.c.id, "ids")).order_by(_t.c.id).with_for_update())
_kept = Query(select(_t.c.template, _t.c.additional_properties).where(_t.c.id == _id))
_put = Query(
    update(_t)
    .where(_t.c.id == bindparam("user", type_=BigInteger))
    .values(additional_properties=bindparam("properties", type_=Wire()), last_updated=bindparam("now", type_=BigInteger))
)
templated = Templated("user", _t, pb.User)


async def hold(db: Handle, user_id: int) -> bool:
    """Whether there is such a user, whom nobody else changes until the transaction ends."""
    # One whom this transaction has just made is still deferred.
    return await db.peek(_hold, id=user_id) is not None or await db.value(_hold, id=user_id) is not None


async def hold_all(db: Handle, user_ids: set[int]) -> set[int]:
    """Which of these users there are; nobody else changes them until the transaction ends."""
    return {row[0] for row in await db.all(_hold_all, ids=sorted(user_ids))}


async def set_property(call: Call, user_id: int, name: str, value: Any) -> None:
    """Sets a property of a user who is held; None takes it away. Raises Invalid where the template does not take it."""
    template, kept = await call.db.one(_kept, id=user_id) or (None, None)
    user = pb.User.FromString(kept or b"")
    if template is not None:
        user.template = template
    user.additional_properties.pop(name, None)
    if value is not None:
        property = user.additional_properties[name]
        if isinstance(value, bool):
            property.boolean.value = value
        elif isinstance(value, int):
            property.long.value = value
        elif isinstance(value, float):
            property.double.value = value
        else:
            property.text.value = value
    found = await templated.check(call, user, "user")
    told = pb.User(additional_properties=user.additional_properties).SerializeToString(deterministic=True)
    call.db.later(_put, user=user_id, properties=told or None, now=call.now)
    await templated.keep(call, user_id, user, found, new=False)
    call.emit("user_updated", user=user_id)

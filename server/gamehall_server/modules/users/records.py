"""The records of users as calls reach them."""

from typing import Any

from gamehall.users.v1 import users_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import NotFound
from gamehall_server.kit.resource import Resource
from gamehall_server.modules.users.tables import UserRow

SEES_ALL = "USERS_ADMIN"
LARGEST_ID = 2**31 - 1
# Filters that tell what is private.
CHOSEN_BY_ADMINS = (
    "filter_email",
    "filter_firstname",
    "filter_fullname",
    "filter_lastname",
    "filter_username",
    "filter_tag",
    "filter_role",
    "filter_last_activity",
    "filter_property",
)

# A user owns their own record.
bases = Resource(UserRow, pb.UserBase, owner="id")


async def load(call: Call, id: str, field: str = "id", *, lock: bool = False) -> Any:
    """The row of a user whom the caller may reach, locked when asked; NotFound names the field."""
    number = int(id)
    try:
        # A number that no id can be is not worth a query.
        return await bases.load(call, number if number <= LARGEST_ID else -1, lock=lock)
    except NotFound:
        raise NotFound("No user with this id.", field=field) from None

"""What rules look up in records: of users, and of configs. Whoever makes a rule must be allowed to see what it looks at."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from gamehall.users.v1 import users_pb2
from sqlalchemy import BigInteger, bindparam, select

from gamehall_server.kit.properties import plain_value
from gamehall_server.kit.storage import Handle, Query
from gamehall_server.modules.access.roles import user_roles
from gamehall_server.modules.configs.tables import table as configs
from gamehall_server.modules.events.variables import VARIABLES
from gamehall_server.modules.rules.expressions.values import ANY, OF_BASE
from gamehall_server.modules.users import folded
from gamehall_server.modules.users.tables import user_tags, users

SEES_USERS, SEES_CONFIGS = "USERS_ADMIN", "CONFIGS_ADMIN"
_u, _tags = users.table, user_tags.table
_id = bindparam("id", type_=BigInteger)
_of_user = {
    name: Query(select(_u.c[name]).where(_u.c.id == _id)) for name in ("username", "display_name", "email", "additional_properties")
}
_role = Query(select(user_roles.c.role).where(user_roles.c.user_id == _id, user_roles.c.role == bindparam("word")))
_tag = Query(select(_tags.c.tag).where(_tags.c.user_id == _id, _tags.c.tag == bindparam("word")))
_named = Query(select(_u.c.id).where(_u.c.username_key == bindparam("key")))
_config = Query(select(configs.c.value).where(configs.c.name == bindparam("name"), configs.c.sealed.is_(None)))


class LookUp(NamedTuple):
    """A lookup: the variable types of its key and of what it finds, or any, what it finds in words, how it reads, and the permission that
    its maker needs. `read` gets the database, the key, and what stands behind the lookup's name."""

    key: str
    finds: str
    says: str
    read: Callable[[Handle, Any, str], Awaitable[Any]]
    needs: str = ""

    @property
    def takes(self) -> str:
        """What its key is to expressions."""
        return OF_BASE[VARIABLES[self.key].base]

    @property
    def gives(self) -> str:
        """What it finds is to expressions."""
        return OF_BASE[VARIABLES[self.finds].base] if self.finds in VARIABLES else ANY


def _column(name: str) -> Callable[[Handle, Any, str], Awaitable[Any]]:
    async def read(db: Handle, key: Any, rest: str) -> Any:
        return await db.value(_of_user[name], id=key)

    return read


async def _has_role(db: Handle, key: Any, rest: str) -> bool:
    return await db.one(_role, id=key, word=rest) is not None


async def _has_tag(db: Handle, key: Any, rest: str) -> bool:
    return await db.one(_tag, id=key, word=rest) is not None


async def _property(db: Handle, key: Any, rest: str) -> Any:
    kept = await db.value(_of_user["additional_properties"], id=key)
    properties = users_pb2.User.FromString(kept or b"").additional_properties
    return plain_value(properties[rest]) if rest in properties else None


async def _user_named(db: Handle, key: Any, rest: str) -> Any:
    return await db.value(_named, key=folded(key))


async def _config_value(db: Handle, key: Any, rest: str) -> Any:
    return await db.value(_config, name=key)


# By name; what ends with a colon or a point goes on with a word of the rule's.
LOOKUPS = {
    "user.username": LookUp("user", "string", "The name that a user signs in with.", _column("username")),
    "user.display_name": LookUp("user", "string", "The name that a user shows.", _column("display_name")),
    "user.email": LookUp("user", "string", "The email address of a user.", _column("email"), SEES_USERS),
    "user.has_role:": LookUp("user", "boolean", "Whether a user has the role.", _has_role, SEES_USERS),
    "user.has_tag:": LookUp("user", "boolean", "Whether a user has the tag.", _has_tag, SEES_USERS),
    "user.additional_properties.": LookUp("user", "any", "What a user has as this property.", _property, SEES_USERS),
    "username.user": LookUp("string", "user", "The user of a name.", _user_named),
    "config.value": LookUp("config", "string", "The value of a config that is no secret.", _config_value, SEES_CONFIGS),
}
# The lookups that are kinds of their own.
CONFIG_LOOKUP, USERNAME_LOOKUP = LOOKUPS["config.value"], LOOKUPS["username.user"]


def lookup_named(word: str) -> tuple[LookUp, str] | None:
    """A lookup by what an expression calls it, and what stands behind its name."""
    for name, lookup in LOOKUPS.items():
        if word == name and name[-1] not in ":.":
            return lookup, ""
        if name[-1] in ":." and word.startswith(name) and len(word) > len(name):
            return lookup, word[len(name) :]
    return None

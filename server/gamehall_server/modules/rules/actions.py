"""What rules can do. Each action is a function that writes in the transaction of its event; what goes further it leaves to the outbox."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from gamehall_server.kit.call import Call
from gamehall_server.kit.events import Task, custom
from gamehall_server.kit.tags import LONGEST_TAG
from gamehall_server.modules import users
from gamehall_server.modules.access import grant_role, grants_of_user, known_roles, revoke, take_roles
from gamehall_server.modules.events.variables import VARIABLES
from gamehall_server.modules.forwards import Forward, forward, message
from gamehall_server.modules.rules.expressions.values import ANY, EVENT, MAP, OF_BASE, Failed
from gamehall_server.modules.rules.forwarding import KIND
from gamehall_server.modules.rules.tables import Globals

MAIL = "rule_mail"
LONGEST_NAME = 140
USERS, EVENTS = "USERS_ADMIN", "BRE_RULE_ENGINE_EVENTS_ADMIN"
HAPPENED = "happened"


class Doing(NamedTuple):
    """What an action works with: a call of nobody's in the event's transaction, the values of globals, and whether the user of the event is
    just being made, so that nobody has a session yet. `rule`: whose action it is. `users`: those whom the transaction holds already."""

    call: Call
    globals: Globals
    rule: str
    users: set[int]
    at_once: bool = False


class Variable(NamedTuple):
    """What an action is given. `fixed`: by a constant, which whoever makes the rule is answerable for."""

    name: str
    type: str
    optional: bool = False
    fixed: bool = False

    @property
    def base(self) -> str:
        """What its values are to expressions."""
        return OF_BASE[VARIABLES[self.type].base] if self.type in VARIABLES else {"any": ANY, "map": MAP, "event": EVENT}[self.type]


class Action(NamedTuple):
    """An action. `needs` is the permission that its maker must hold. `whole`: it is given the event as well, as HAPPENED."""

    name: str
    category: str
    says: str
    variables: tuple[Variable, ...]
    do: Callable[[Doing, dict[str, Any]], Awaitable[None]]
    needs: str = ""
    whole: bool = False


class Mail(Task, frozen=True):
    """A letter of a rule."""

    user_id: int
    subject: str
    body: str


async def _user(doing: Doing, values: dict[str, Any]) -> int:
    """The user, who is there and whom nobody else changes meanwhile."""
    number = values["user"]
    if number is None or (number not in doing.users and not await users.hold(doing.call.db, number)):
        raise Failed("there is no such user")
    doing.users.add(number)
    return int(number)


async def _assign(doing: Doing, values: dict[str, Any]) -> None:
    user, role, db = await _user(doing, values), values["role"], doing.call.db
    if role not in await known_roles(db):
        raise Failed(f"there is no role {role}")
    if role in (await grants_of_user(db, user)).roles:
        return
    grant_role(db, role, user_id=user)
    if not doing.at_once:
        revoke(db, "user", user)
        doing.call.emit("user_roles_changed", user=user)


async def _take(doing: Doing, values: dict[str, Any]) -> None:
    user, role, db = await _user(doing, values), values["role"], doing.call.db
    if role not in (await grants_of_user(db, user)).roles:
        return
    take_roles(db, user, [role])
    revoke(db, "user", user)
    doing.call.emit("user_roles_changed", user=user)


def _tag_of(values: dict[str, Any]) -> str:
    tag = values["tag"]
    if not tag or not tag.strip() or len(tag) > LONGEST_TAG:
        raise Failed(f"a tag has 1 to {LONGEST_TAG} characters")
    return str(tag)


async def _tag(doing: Doing, values: dict[str, Any]) -> None:
    user = await _user(doing, values)
    await users.change_tags(doing.call.db, user, add=[_tag_of(values)])
    doing.call.emit("user_updated", user=user)


async def _untag(doing: Doing, values: dict[str, Any]) -> None:
    user = await _user(doing, values)
    await users.change_tags(doing.call.db, user, remove=[_tag_of(values)])
    doing.call.emit("user_updated", user=user)


async def _property(doing: Doing, values: dict[str, Any]) -> None:
    user, name = await _user(doing, values), values["property"]
    if not name or len(name) > LONGEST_NAME:
        raise Failed(f"a property has a name of 1 to {LONGEST_NAME} characters")
    if isinstance(values["value"], (dict, tuple)):
        raise Failed("a property is a text, a number, or true or false")
    await users.set_property(doing.call, user, name, values["value"])


async def _mail(doing: Doing, values: dict[str, Any]) -> None:
    user = await _user(doing, values)
    doing.call.leave(MAIL, Mail(f"user:{user}", user, values["subject"] or "", values["body"] or ""))


async def _fire(doing: Doing, values: dict[str, Any]) -> None:
    if values["event"] is None:
        raise Failed("no event")
    name, told = values["event"]
    given = {parameter: value for parameter, value in told.items() if value is not None}
    doing.call.events.append(custom(name, given))


async def _forward(doing: Doing, values: dict[str, Any]) -> None:
    if not values["url"]:
        raise Failed("no URL")
    event = values[HAPPENED]
    payload = message(event["name"], event["at"], event["parameters"])
    told = Forward(KIND, doing.rule, event["key"], payload, doing.call.now, values["url"], None, doing.call.arrival.request_id, doing.rule)
    await forward(doing.call.db, told)


async def _set(doing: Doing, values: dict[str, Any]) -> None:
    await doing.globals.write(values["global"], values.get("scopes") or {}, values["value"])


async def _count(doing: Doing, values: dict[str, Any]) -> None:
    amount = values.get("amount")
    await doing.globals.add(values["global"], values.get("scopes") or {}, 1 if amount is None else amount)


_USER = Variable("user", "user")
_ROLE = Variable("role", "role", fixed=True)
_GLOBAL, _SCOPES = Variable("global", "global", fixed=True), Variable("scopes", "map", optional=True)
# Every action takes this one, too: it is done so many seconds later.
DELAY = Variable("delay", "integer", optional=True)
ACTIONS = {
    each.name: each
    for each in (
        Action("assign_role", "user", "Gives a user a role.", (_USER, _ROLE), _assign, USERS),
        Action("remove_role", "user", "Takes a role from a user.", (_USER, _ROLE), _take, USERS),
        Action("add_user_tag", "user", "Tags a user.", (_USER, Variable("tag", "string")), _tag, USERS),
        Action("remove_user_tag", "user", "Takes a tag from a user.", (_USER, Variable("tag", "string")), _untag, USERS),
        Action(
            "set_user_property",
            "user",
            "Sets an additional property of a user; its template holds.",
            (_USER, Variable("property", "string"), Variable("value", "any")),
            _property,
            USERS,
        ),
        Action(
            "send_email",
            "user",
            "Sends a user a letter, if the user has an address.",
            (_USER, Variable("subject", "string"), Variable("body", "string")),
            _mail,
            USERS,
        ),
        Action("fire_event", "event", "Fires an event of a trigger of the application's own.", (Variable("event", "event"),), _fire),
        Action(
            "forward_event",
            "event",
            "Posts the event to a URL, as JSON: its type, its timestamp and its data. What fails is tried again for three days.",
            (Variable("url", "string", fixed=True),),
            _forward,
            EVENTS,
            whole=True,
        ),
        Action("set_global", "custom", "Sets a global.", (_GLOBAL, Variable("value", "any"), _SCOPES), _set),
        Action(
            "increment_global",
            "custom",
            "Counts a global of whole numbers up, or down.",
            (_GLOBAL, Variable("amount", "integer", optional=True), _SCOPES),
            _count,
        ),
    )
}

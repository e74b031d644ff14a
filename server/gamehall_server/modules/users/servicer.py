"""Users: registration, lists, changes, tags, and who sees what of whom."""

from collections.abc import Iterable
from typing import Any

from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall.users.v1 import users_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Forbidden, Invalid, Violation
from gamehall_server.kit.filters import Filter, Written
from gamehall_server.kit.mapping import Mapper, compile_values
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.rpc import Prepared
from gamehall_server.kit.tags import wrong_with_tags
from gamehall_server.kit.validation import output_only, rules_of
from gamehall_server.kit.verbs import List
from gamehall_server.modules.access import PasswordHasher, has_role, refuse_takeover
from gamehall_server.modules.templates import by_property
from gamehall_server.modules.users.policy import MISSING, Rules, ready
from gamehall_server.modules.users.properties import templated
from gamehall_server.modules.users.records import CHOSEN_BY_ADMINS, SEES_ALL, bases, load
from gamehall_server.modules.users.registration import Registration, names, register
from gamehall_server.modules.users.relatives import show_relatives
from gamehall_server.modules.users.tables import change_tags, has_tag, tags_of, users

NAMES = ("username", "email")
# Relationships are another module's. Tags have a table of their own.
UNSTORED = frozenset({"password", "tags", "parents", "children"})
PRIVATE = tuple(field.name for field in pb.User.DESCRIPTOR.fields if rules_of(field).private)

mapper = Mapper(pb.User, users.table, {}, {}, UNSTORED)
values_of = compile_values(
    pb.User, users.table, [f for f in pb.User.DESCRIPTOR.fields if f.name not in {*UNSTORED, *NAMES} and not output_only(f)]
)
public = Mapper(
    pb.UserBase, users.table, {}, {}, frozenset(field.name for field in pb.UserBase.DESCRIPTOR.fields if rules_of(field).private)
)


class Users:
    """gamehall.users.v1.UserService."""

    service = pb.DESCRIPTOR.services_by_name["UserService"]

    def __init__(self, hasher: PasswordHasher, rules: Rules, in_group: Written) -> None:
        """`in_group` is the condition of `filter_group`: who is in which group is another module's."""
        self._hasher = hasher
        self._rules = rules
        self.CreateUser = Prepared(self._check, self._register)
        written: dict[str, Written | Filter] = {
            "filter_tag": Written(has_tag),
            "filter_role": Written(has_role(users.table.c.id, "filter_role")),
            "filter_group": in_group,
            "filter_property": by_property("user", users.table),
        }
        self._page: Any = List(bases, written).bound_to(self.service.methods_by_name["ListUsers"])

    async def ListUsers(self, request: pb.ListUsersRequest, call: Call) -> Rows:
        sees_all = call.may(SEES_ALL)
        for name in CHOSEN_BY_ADMINS:
            if not sees_all and getattr(request, name):
                raise Forbidden(f"{name} needs the permission {SEES_ALL}: it tells what is private.", field=name)
        page: Rows = await self._page(request, call)
        if not sees_all:
            page.mapper = public
        return page

    async def _check(self, request: pb.CreateUserRequest, call: Call) -> Registration:
        user = request.user
        await ready()
        _refuse(self._rules.wrong_with(user.username, user.email, user.password))
        _refuse(wrong_with_tags(user.tags, "tags"))
        if user.tags and not call.may(SEES_ALL):
            raise Forbidden(f"Tags need the permission {SEES_ALL}.", field="user.tags")
        who, hashed = self._rules.identity(user.username, user.email), await self._hasher.hash(user.password)
        return Registration(who, hashed, {}, self._rules.email_is_unique)

    async def _register(self, request: pb.CreateUserRequest, call: Call, registration: Registration) -> pb.CreateUserResponse:
        properties = await templated.check(call, request.user, "user")
        row = await register(call.db, call.now, registration._replace(values=values_of(request.user)))
        await templated.keep(call, row[0], request.user, properties, new=True)
        tags = sorted(set(request.user.tags))
        await change_tags(call.db, row[0], add=tags)
        await call.emit_now("user_registered", user=row[0], username=registration.who.username)
        return pb.CreateUserResponse(user=_shown(row, tags))

    async def GetUser(self, request: pb.GetUserRequest, call: Call) -> pb.GetUserResponse:
        return pb.GetUserResponse(user=await shown_to(call, await load(call, request.id)))

    async def UpdateUser(self, request: pb.UpdateUserRequest, call: Call) -> pb.UpdateUserResponse:
        user = request.user
        _refuse(self._rules.wrong_with_names(user.username, user.email) + wrong_with_tags(user.tags, "tags"))
        row = await load(call, request.id, lock=True)
        properties = await templated.check(call, user, "user")
        who, values = self._rules.identity(user.username, user.email), values_of(user)
        if (who.email, values["mobile_number"]) != (row.email, row.mobile_number):
            await refuse_takeover(call, row.id)
        values["display_name"] = values["display_name"] or who.username
        await self._change_tags(call, row.id, set(user.tags))
        # An address that was nobody else's stays so while it is not changed.
        unique = self._rules.email_is_unique or (row.email == who.email and row.email_key is not None)
        await bases.change(call, row, **values, **names(who, unique), last_updated=call.now)
        await templated.keep(call, row.id, user, properties, new=False)
        call.emit("user_updated", user=row.id)
        return pb.UpdateUserResponse()

    async def _change_tags(self, call: Call, user_id: int, wanted: set[str]) -> None:
        have = set(await tags_of(call.db, user_id))
        if not wanted or wanted == have:
            return
        if not call.may(SEES_ALL):
            raise Forbidden(f"Tags need the permission {SEES_ALL}.", field="user.tags")
        await change_tags(call.db, user_id, add=sorted(wanted - have), remove=have - wanted)

    async def ListUserTags(self, request: pb.ListUserTagsRequest, call: Call) -> pb.ListUserTagsResponse:
        row = await load(call, request.user_id, "user_id")
        return pb.ListUserTagsResponse(tags=await tags_of(call.db, row.id))

    async def AddUserTag(self, request: pb.AddUserTagRequest, call: Call) -> pb.AddUserTagResponse:
        row = await load(call, request.user_id, "user_id", lock=True)
        await change_tags(call.db, row.id, add=[request.tag])
        call.changed(f"user:{row.id}", None, {"tags": "changed"})
        call.emit("user_updated", user=row.id)
        return pb.AddUserTagResponse()

    async def RemoveUserTag(self, request: pb.RemoveUserTagRequest, call: Call) -> pb.RemoveUserTagResponse:
        row = await load(call, request.user_id, "user_id", lock=True)
        await change_tags(call.db, row.id, remove=[request.tag])
        call.changed(f"user:{row.id}", None, {"tags": "changed"})
        call.emit("user_updated", user=row.id)
        return pb.RemoveUserTagResponse()


async def shown_to(call: Call, row: Any) -> pb.User:
    """A user as the caller may see one."""
    sees_all = row.id == call.user_id or call.may(SEES_ALL)
    user = _shown(_values(row), await tags_of(call.db, row.id) if sees_all else [])
    await show_relatives(call.db, user)
    if not sees_all:
        for name in PRIVATE:
            user.ClearField(name)  # type: ignore[arg-type]  # Names from the contract itself.
    return user


def _refuse(wrong: list[Violation]) -> None:
    """Raises Invalid for what is wrong with the user of a request."""
    if wrong:
        reason = ErrorReason.ERROR_REASON_REQUIRED if wrong[0].message == MISSING else None
        raise Invalid(reason=reason, violations=tuple(Violation(f"user.{field}", text) for field, text in wrong))


def _shown(row: tuple[Any, ...], tags: Iterable[str]) -> pb.User:
    shown = mapper.show(row)
    assert isinstance(shown, pb.User)
    shown.tags.extend(tags)
    return shown


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in users.table.columns.keys())

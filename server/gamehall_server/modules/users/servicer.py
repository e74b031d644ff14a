"""Users: registration, and who sees what of whom."""

from typing import Any

from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall.users.v1 import users_pb2 as pb

from gamehall_server.kit.call import Call, Event
from gamehall_server.kit.errors import Invalid, NotFound, Violation
from gamehall_server.kit.mapping import Mapper, compile_values
from gamehall_server.kit.rpc import Prepared
from gamehall_server.kit.validation import output_only, rules_of
from gamehall_server.modules.access import ROLE_USER, PasswordHasher
from gamehall_server.modules.users.registration import Registration, register, wrong_with
from gamehall_server.modules.users.tables import users

SEES_ALL = "USERS_ADMIN"
LARGEST_ID = 2**31 - 1
# Fields that other modules will keep: relationships, tags, properties.
UNSTORED = frozenset({"password", "tags", "parents", "children", "additional_properties", "template"})
PRIVATE = tuple(field.name for field in pb.User.DESCRIPTOR.fields if rules_of(field).private)

mapper = Mapper(pb.User, users.table, {}, {}, UNSTORED)
values_of = compile_values(pb.User, users.table, [f for f in pb.User.DESCRIPTOR.fields if f.name not in UNSTORED and not output_only(f)])


class UserRegistered(Event, frozen=True):
    """Somebody registered."""

    id: int
    username: str


class Users:
    """gamehall.users.v1.UserService."""

    service = pb.DESCRIPTOR.services_by_name["UserService"]

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self.CreateUser = Prepared(self._check, self._register)

    async def _check(self, request: pb.CreateUserRequest, call: Call) -> Registration:
        user = request.user
        unsupported = [name for name in ("additional_properties", "template") if _present(user, name)]
        if unsupported:
            wrong = tuple(Violation(f"user.{name}", "not supported") for name in unsupported)
            raise Invalid(reason=ErrorReason.ERROR_REASON_UNSUPPORTED, violations=wrong)
        refused = tuple(Violation(f"user.{field}", text) for field, text in wrong_with(user.username, user.email, user.password))
        if refused:
            raise Invalid(violations=refused)
        return Registration(user.username, user.email, await self._hasher.hash(user.password), values_of(user))

    async def _register(self, request: pb.CreateUserRequest, call: Call, registration: Registration) -> pb.CreateUserResponse:
        row = await register(call.db, call.now, registration, ROLE_USER)
        call.emit("user_registered", UserRegistered(f"user:{row[0]}", row[0], registration.username))
        return pb.CreateUserResponse(user=_shown(row))

    async def GetUser(self, request: pb.GetUserRequest, call: Call) -> pb.GetUserResponse:
        number = int(request.id)
        # A number that no id can be is not worth a query.
        row: Any = await call.db.one(users.get, id=number) if number <= LARGEST_ID else None
        if row is None:
            raise NotFound("No user with this id.", field="id")
        return pb.GetUserResponse(user=shown_to(call, row))


def shown_to(call: Call, row: Any) -> pb.User:
    """A user as the caller may see one."""
    user = _shown(_values(row))
    if row.id != call.user_id and not call.may(SEES_ALL):
        for name in PRIVATE:
            user.ClearField(name)  # type: ignore[arg-type]  # Names from the contract itself.
    return user


def _present(user: pb.User, name: str) -> bool:
    return bool(user.additional_properties) if name == "additional_properties" else user.HasField("template")


def _shown(row: tuple[Any, ...]) -> pb.User:
    shown = mapper.show(row)
    assert isinstance(shown, pb.User)
    return shown


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in users.table.columns.keys())

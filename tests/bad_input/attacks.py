"""What the attacks have in common: a caller who may do everything, the fields of the contract, and what refusals tell."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import quote

import grpc
import pytest
from gamehall.options.v1 import options_pb2
from gamehall_bridge.routes import Route, routes_of
from gamehall_server.kit.storage import Query
from gamehall_server.kit.validation import output_only
from gamehall_server.kit.variants import variants_of
from gamehall_server.servicers import SERVICERS, for_sandbox
from google.api import field_behavior_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from people import Person
from sqlalchemy import func, select
from sqlmodel import SQLModel

from tests.bridge.http_wire import LEAKS, Answer, ask

SERVED = [method for servicer in SERVICERS if not for_sandbox(servicer) for method in servicer.service.methods]
METHODS = [method for method in SERVED if not method.server_streaming]
STREAMS = [method for method in SERVED if method.server_streaming]
ROUTES: list[tuple[Any, Route]] = [
    (method, route)
    for method in METHODS
    for route in routes_of(SimpleNamespace(descriptor=method, name=method.full_name))  # type: ignore[arg-type]  # It is read no further.
]
REQUIRED = field_behavior_pb2.FieldBehavior.Value("REQUIRED")
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PNG = b"\x89PNG\r\n\x1a\n\0\0"
CREATE_USER = "/gamehall.users.v1.UserService/CreateUser"
# All but what counts failures, and what comes and goes after calls have ended.
APART = {"attempt", "delivery", "bre_event_rules"}
TABLES = {name: table for name, table in SQLModel.metadata.tables.items() if name not in APART}
# In one statement: it is asked before and after each attack.
COUNTS = Query(select(*(select(func.count()).select_from(table).scalar_subquery().label(name) for name, table in TABLES.items())))


class Caller:
    """Somebody who may do everything, at one deployment."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.person: Person = world.admin()
        self.token = {"Authorization": f"Bearer {self.person.token}"}
        self.comment: int = self.person.post("/comments", {"context": "bad", "context_id": "input", "content": "a"}).json()["id"]

    def ask(self, verb: str, target: str | bytes, body: bytes | None = None, **headers: Any) -> Answer:
        """A request with a token; none where the headers name another, or the endpoint is for clients."""
        # The token endpoint takes a client's name there.
        token = {} if str(target).startswith("/oauth/") else self.token
        return ask(self.world.url, verb, target, {**token, **{name.replace("_", "-"): value for name, value in headers.items()}}, body)

    def rows(self) -> dict[str, int]:
        """How many rows each table has."""

        async def count() -> dict[str, int]:
            row = await self.world.server.product.database.reader().one(COUNTS)
            return dict(zip(TABLES, row, strict=True))

        found: dict[str, int] = self.world.inside(count)
        return found


# What can be said of every field of the contract, from the contract.


class Field(NamedTuple):
    """A field that a client may write: where it stands, and its description."""

    route: Route
    method: Any
    place: str
    path: tuple[str, ...]
    field: Any

    @property
    def wire_name(self) -> str:
        """The name a client of HTTP knows it by."""
        return ".".join(self.path)

    @property
    def message_path(self) -> str:
        """Its path in the request message."""
        inside = self.place == "body" and self.route.body != "*"
        return f"{self.route.body}.{self.wire_name}" if inside else self.wire_name

    def __str__(self) -> str:
        return f"{self.route.verb} {self.route.path} {self.place} {self.wire_name}"


def _fields() -> Iterator[Field]:
    for method, route in ROUTES:
        for field in method.input_type.fields:
            if field.name in route.variables:
                yield Field(route, method, "path", (field.name,), field)
            elif field.name == route.body and field.message_type is not None and not field.is_repeated:
                kinds = variants_of(field.message_type)
                inner = [each for each in field.message_type.fields if not (output_only(each) or (kinds and each.name in kinds.by_arm))]
                yield from (Field(route, method, "body", (each.name,), each) for each in inner)
            elif field.name == route.body:
                yield Field(route, method, "bare", (field.name,), field)
            elif route.body == "*" and not method.GetOptions().Extensions[options_pb2.method].oauth:
                yield Field(route, method, "body", (field.name,), field)
            else:
                yield Field(route, method, "query", (field.name,), field)


FIELDS = list(_fields())


def each_service(those: Iterable[Any]) -> Any:
    """A test of fields or methods runs once for each service that has such: it gets `those`, all of one service."""
    lots: dict[str, list[Any]] = {}
    for each in those:
        lots.setdefault(getattr(each, "method", each).containing_service.name, []).append(each)
    return pytest.mark.parametrize("those", lots.values(), ids=list(lots))


@contextmanager
def about(each: Any) -> Iterator[None]:
    """What fails inside says of what it is."""
    try:
        yield
    except BaseException as wrong:
        wrong.add_note(str(each) if isinstance(each, Field) else name_of(each))
        raise


OAUTH = [each for each in FIELDS if each.method.GetOptions().Extensions[options_pb2.method].oauth]
PLAIN = [each for each in FIELDS if each not in OAUTH]
INTEGERS = (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64)


def is_text(field: Any) -> bool:
    return bool(field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated)


def is_integer(field: Any) -> bool:
    return field.cpp_type in INTEGERS and not field.is_repeated


def send(caller: Caller, each: Field, value: Any) -> Answer:
    """A request with one field set to a value, and as little else as possible."""
    path, query, body = each.route.path, "", None
    for name in each.route.variables:
        given = value if each.path == (name,) and each.place == "path" else 1
        path = path.replace(f"{{{name}}}", quote(str(given), safe=""))
    if each.place == "query":
        query = f"?{each.path[0]}={quote(str(value), safe='')}"
    elif each.place == "body":
        body = json.dumps({each.path[0]: value}).encode()
    elif each.place == "bare":
        body = json.dumps(value if each.field.is_repeated else {"value": value}).encode()
    return caller.ask(each.route.verb, path + query, body)


def names(each: Field) -> set[str]:
    """What a refusal may call the field."""
    return {"value"} if each.place == "bare" and not each.field.is_repeated else {each.wire_name}


def wrong_types(each: Field) -> list[Any]:
    """JSON values, or texts in paths and queries, that the field does not take."""
    field = each.field
    if each.place in ("path", "query"):
        return ["x", "1.5", "true", "1e3", "٣", "0x1", "1 2", "+1", "--1"] if is_integer(field) else []
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return [True, 1, 1.5, "x", [], [{}]]
    if field.is_repeated:
        return [True, 1, 1.5, "x", {}]
    if is_text(field):
        return [True, False, 1.5, [], {}, ["a"], {"a": "b"}]
    return [True, "x", "", 1.5, [], {}, "1e3", [1]] if is_integer(field) else [[], "x"]


def refused(caller: Caller, method: str, request: Any, **options: Any) -> Any:
    """The refusal of a gRPC call; `request` is a message or bytes."""
    payload = request if isinstance(request, bytes) else request.SerializeToString()
    given = (("authorization", f"Bearer {caller.person.token}"),) if method != "/gamehall.auth.v1.TokenService/CreateToken" else ()
    metadata = options.pop("metadata", given)
    with pytest.raises(grpc.RpcError) as raised:
        caller.world.channel.unary_unary(method)(payload, timeout=20, metadata=metadata, **options)
    told = f"{raised.value.details()} {raised.value.trailing_metadata()}"
    assert not [leak for leak in LEAKS if leak in told], told
    return raised.value


def fields_of(refusal: Any) -> set[str]:
    """The fields that a refusal names in its google.rpc details."""
    details = dict(refusal.trailing_metadata())
    assert details["x-request-id"]
    status = Status.FromString(details["grpc-status-details-bin"])
    assert status.code == refusal.code().value[0]
    bad = error_details_pb2.BadRequest()
    for detail in status.details:
        if detail.Is(bad.DESCRIPTOR):
            detail.Unpack(bad)
    return {violation.field for violation in bad.field_violations}


def name_of(method: Any) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def message_with(each: Field, value: Any) -> Any:
    """A request with one field set."""
    request = message_factory.GetMessageClass(each.method.input_type)()
    *inside, last = each.message_path.split(".")
    target = request
    for name in inside:
        target = getattr(target, name)
    setattr(target, last, value)
    return request

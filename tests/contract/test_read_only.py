"""What only the server writes stays the server's, whatever a request says of it: there is nothing to assign by the way (OWASP API3)."""

from typing import Any

import pytest
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from people import numbers

from tests.contract.doors import DOORS, OK, addressed, http, rules_of
from tests.contract.given import GIVEN, METHODS, NOTHING
from tests.contract.test_access_matrix import about
from tests.databases import everything_in, told

HTTP = "http"
BOOL = FieldDescriptor.CPPTYPE_BOOL
OUTPUT_ONLY = field_behavior_pb2.FieldBehavior.Value("OUTPUT_ONLY")


def of_the_server(field: FieldDescriptor) -> bool:
    return OUTPUT_ONLY in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]


def has_some(message: Descriptor) -> bool:
    """Whether a body of this type has fields that only the server writes."""
    return any(of_the_server(field) for field in message.fields)


def bodies(request: Message) -> list[Message]:
    """The messages of a request with such fields."""
    inner = [field for field in request.DESCRIPTOR.fields if field.message_type is not None and not field.is_repeated]
    return [request] * has_some(request.DESCRIPTOR) + [getattr(request, field.name) for field in inner if has_some(field.message_type)]


def forge(message: Message, depth: int = 0) -> list[Any]:
    """Sets every field that only the server writes, and all below one; gives the texts and numbers that are in no database yet."""
    made: list[Any] = []
    for field in message.DESCRIPTOR.fields:
        if (depth == 0 and not of_the_server(field)) or depth == 3:
            continue
        value = _forged(field)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        if field.message_type is not None:
            inner = getattr(message, field.name)
            below = inner.add() if field.is_repeated else inner
            below.SetInParent()
            made += forge(below, depth + 1) or [None]
        elif field.is_repeated:
            getattr(message, field.name).append(value)
            made.append(value)
        elif field.containing_oneof is None or field.containing_oneof.fields[0] is field:
            setattr(message, field.name, value)
            made.append(value)
    return made


def _forged(field: FieldDescriptor) -> Any:
    number = next(numbers)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return f"forged-{number}" if field.type == FieldDescriptor.TYPE_STRING else b"forged-%d" % number
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return field.enum_type.values[-1].number
    # Small enough for every kind of number, and nothing that is counted up from 1 gets so far.
    return True if field.cpp_type == BOOL else 1_700_000_000 + number


WRITABLE = {
    name: method
    for name, method in METHODS.items()
    if not rules_of(method).sandbox
    and (
        has_some(method.input_type)
        or any(each.message_type is not None and not each.is_repeated and has_some(each.message_type) for each in method.input_type.fields)
    )
}


def test_there_are_such_operations():
    assert len(WRITABLE) >= 5


@pytest.mark.parametrize("world, door", [("postgresql-native", HTTP), ("sqlite-grpcio", "grpc")], indirect=["world"], scope="session")
@pytest.mark.parametrize("name", WRITABLE)
def test_what_only_the_server_writes_stays_as_it_is(world, cast, name, door, record_property):
    method, there = WRITABLE[name], cast(world)
    request, _ = about(method, there)
    made = [value for body in bodies(request) for value in forge(body)]

    if door == HTTP:
        answer = http.request(**addressed(world, method, request, there.admin.token))
        assert answer.ok is (GIVEN.get(name, NOTHING).ends == OK), answer.text
        # A true among a thousand others is found nowhere: it is looked for where it was sent.
        words = [
            field.name for body in bodies(request) for field in body.DESCRIPTOR.fields if of_the_server(field) and field.cpp_type == BOOL
        ]
        # A new video is shown: that is true whoever says so.
        words = [word for word in words if (request.DESCRIPTOR.name, word) != ("CreateVideoRequest", "active")]
        assert [word for word in words if answer.content and answer.json().get(word)] == []
    else:
        assert DOORS[door](world, method, request, there.admin.token) == GIVEN.get(name, NOTHING).ends
    record_property("fields", len(made))
    forged = [value for value in made if value.__class__ in (str, bytes, int)]
    found = []

    @told
    async def look():
        for table, rows in (await everything_in(world.settings.database_url)).items():
            found.extend((table, value, row) for row in rows for value in forged if any(_holds(column, value) for column in row))

    look()
    assert made
    assert found == []


def _holds(column: Any, value: Any) -> bool:
    if isinstance(value, int):
        return bool(column == value or column == value * 1_000_000)
    if isinstance(column, bytes):
        return (value if isinstance(value, bytes) else value.encode()) in column
    return isinstance(column, str) and (value if isinstance(value, str) else str(value)) in column

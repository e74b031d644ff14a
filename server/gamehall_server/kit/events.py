"""What calls leave behind for others: events, which the contract declares and programs hear of, and tasks, which are nobody's business.

An event is a message of the contract with the option `event` (protos/gamehall/events): its fields are what it tells, its key says what it
happened to. A task is a Struct of a module's own.
"""

from functools import cache
from string import Formatter
from typing import Any, NamedTuple

import msgspec
from gamehall.events.v1 import domain_pb2
from gamehall.options.v1 import options_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gamehall_server.kit.validation import rules_of

# The variable type of a parameter that names none.
_PLAIN = {
    FieldDescriptor.CPPTYPE_STRING: "string",
    FieldDescriptor.CPPTYPE_INT64: "integer",
    FieldDescriptor.CPPTYPE_BOOL: "boolean",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
}


class Task(msgspec.Struct, frozen=True):
    """Something to be done after the commit, in plain values. `key` orders what must stay in order."""

    key: str


class Entry(NamedTuple):
    """What the outbox keeps: `body` is JSON; who reads the log of events sees it where it is `listed`. `id`: its number, if it has one."""

    type: str
    key: str
    body: str
    listed: bool = False
    id: int = 0


def task(type: str, told: Task) -> Entry:
    """A task for the consumer that wants this type."""
    return Entry(type, told.key, msgspec.json.encode(told).decode())


def custom(name: str, told: dict[str, Any]) -> Entry:
    """An event of a trigger of the application's own."""
    return Entry(name, f"custom:{name}", msgspec.json.encode(told).decode(), listed=True)


class Parameter(NamedTuple):
    """What an event tells: its name, its variable type, and whether it may be left out."""

    name: str
    variable: str
    optional: bool


class Declared(NamedTuple):
    """An event of the contract. `full_name` is its message's."""

    name: str
    full_name: str
    category: str
    key: str
    parameters: dict[str, Parameter]


@cache
def declared() -> dict[str, Declared]:
    """Every event of the product, by its name. Raises ValueError for one that cannot be."""
    found: dict[str, Declared] = {}
    for message in domain_pb2.DESCRIPTOR.message_types_by_name.values():
        event = _read(message)
        if event.name in found:
            raise ValueError(f"{message.full_name}: another message is the event {event.name}")
        found[event.name] = event
    return found


def _read(message: Descriptor) -> Declared:
    rules = message.GetOptions().Extensions[options_pb2.message].event
    parameters = {field.name: Parameter(field.name, _variable(field), field.has_presence) for field in message.fields}
    unknown = {name for _, name, _, _ in Formatter().parse(rules.key) if name} - {p.name for p in parameters.values() if not p.optional}
    if unknown or not rules.name:
        raise ValueError(f"{message.full_name} has no name, or a key of what it does not always tell")
    return Declared(rules.name, message.full_name, rules.category, rules.key, parameters)


def _variable(field: Any) -> str:
    return rules_of(field).variable or _PLAIN[field.cpp_type]


def announced(name: str, told: dict[str, Any]) -> Entry:
    """An event as the outbox keeps it. Raises ValueError for one that the contract does not declare so: that is a bug."""
    event = declared()[name]
    given = {parameter: value for parameter, value in told.items() if value is not None}
    if given.keys() - event.parameters.keys() or any(not each.optional and each.name not in given for each in event.parameters.values()):
        raise ValueError(f"{name} tells {', '.join(event.parameters)}, not {', '.join(given)}")
    return Entry(name, event.key.format_map(given), msgspec.json.encode(given).decode(), listed=True)

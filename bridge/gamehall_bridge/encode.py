"""Messages as the published JSON: int64 as numbers, snake_case, nothing for what is unset.

One function per message type, written as source text from its descriptor and compiled at first use: four times as fast as
protobuf's own JSON, which cannot write these shapes.
"""

import base64
from collections.abc import Callable
from functools import cache
from typing import Any

from gamehall.options.v1 import options_pb2
from gamehall_server.kit.validation import rules_of
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

Encode = Callable[[Any], Any]
FREE = frozenset({"google.protobuf.Value", "google.protobuf.Struct", "google.protobuf.ListValue"})


@cache
def words_of(enum: EnumDescriptor) -> dict[int, str]:
    """The published word of each value: as its option says, else its name without the enum's prefix, in lower case."""
    prefix = "".join(f"_{letter}" if letter.isupper() else letter for letter in enum.name).lstrip("_").upper() + "_"
    words = {}
    for value in enum.values:
        name = value.GetOptions().Extensions[options_pb2.enum_value].name
        words[value.number] = name or value.name.removeprefix(prefix).lower()
    return words


@cache
def encoder(descriptor: Descriptor) -> Encode:
    """A function from a message of this type to what orjson writes."""
    if descriptor.full_name in FREE:
        return free
    space: dict[str, Any] = {"base64": base64.b64encode, "free": free}
    source = ["def encode(m):", " d = {}"]
    for field in descriptor.fields:
        _write(source, space, field)
    source.append(" return d")
    exec("\n".join(source), space)
    encode: Encode = space["encode"]
    return encode


def field_encoder(field: FieldDescriptor) -> Encode:
    """A function from a message to the value of one of its fields, for answers that are one field."""
    space: dict[str, Any] = {"base64": base64.b64encode, "free": free}
    exec(f"def encode(m):\n return {_value(space, field, f'm.{field.name}')}", space)
    encode: Encode = space["encode"]
    return encode


def _write(source: list[str], space: dict[str, Any], field: Any) -> None:
    rules, name = rules_of(field), field.name
    value = _value(space, field, "v")
    source.append(f" v = getattr(m, {name!r})")
    if rules.inline:
        source.append(f" d.update({value})")
    elif field.is_repeated:
        source.append(f" d[{name!r}] = {value}" + (" if v else None" if rules.null_if_unset else ""))
    elif not field.has_presence:
        source.append(f" d[{name!r}] = {value}")
    else:
        # A set scalar is nearly always truthy: the look at the value saves the look at the presence.
        present = f"m.HasField({name!r})" if field.message_type is not None else f"v or m.HasField({name!r})"
        source.append(f" if {present}: d[{name!r}] = {value}")
        if rules.null_if_unset:
            source.append(f" else: d[{name!r}] = None")


def _value(space: dict[str, Any], field: Any, value: str) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, item = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        shown = "k" if key.cpp_type == FieldDescriptor.CPPTYPE_STRING else "str(k).lower()"
        # Through the key: iterating a map of messages by items() copies them.
        return f"{{{shown}: {_single(space, item, f'{value}[k]')} for k in {value}}}"
    if field.is_repeated:
        item = _single(space, field, "e")
        return f"list({value})" if item == "e" else f"[{item} for e in {value}]"
    return _single(space, field, value)


def _single(space: dict[str, Any], field: Any, value: str) -> str:
    if field.message_type is not None:
        name = "e_" + field.message_type.full_name.replace(".", "_")
        space[name] = _later(field.message_type)
        return f"{name}({value})"
    if field.enum_type is not None:
        name = "w_" + field.enum_type.full_name.replace(".", "_")
        space[name] = words_of(field.enum_type)
        return f"{name}.get({value}, {value})"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return f"base64({value}).decode()"
    return value


def _later(descriptor: Descriptor) -> Encode:
    """The encoder of a nested type, made when first needed: types may hold themselves."""
    if descriptor.full_name in FREE:
        return free
    made: list[Encode] = []

    def encode(message: Message) -> Any:
        if not made:
            made.append(encoder(descriptor))
        return made[0](message)

    return encode


def free(message: Any) -> Any:
    """google.protobuf.Value, Struct or ListValue as the JSON it stands for; whole numbers without a fraction."""
    kind = message.DESCRIPTOR.name
    if kind == "Struct":
        return {key: free(message.fields[key]) for key in message.fields}
    if kind == "ListValue":
        return [free(value) for value in message.values]
    which = message.WhichOneof("kind")
    if which is None or which == "null_value":
        return None
    value = getattr(message, which)
    if which in ("struct_value", "list_value"):
        return free(value)
    if which == "number_value" and value.is_integer() and abs(value) < 2**63:
        return int(value)
    return value

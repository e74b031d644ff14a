"""The published JSON into messages, collecting every wrong field instead of stopping at the first.

Unknown keys are ignored, null equals absent, fields that only the server writes are skipped. Types are told by class: true is not
a number. A number is taken for a text field and digits for a number, where nothing is lost.
"""

import base64
import binascii
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from gamehall_server.kit.errors import Violation
from gamehall_server.kit.validation import output_only
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gamehall_bridge.encode import FREE, words_of

Wrong = list[Violation]
# Takes a JSON value, the path to name in a violation, and the list of violations; gives the value to set, or None.
Read = Callable[[Any, str, Wrong], Any]
# Takes a JSON value, the message, the path before the field, and the list of violations.
Set = Callable[[Any, Any, str, Wrong], None]

# Longer ones fit no integer field.
_DIGITS = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
# What free JSON must be where only an object or a list fits.
FREE_KINDS: dict[str, tuple[type, str]] = {"Struct": (dict, "must be an object"), "ListValue": (list, "must be a list")}


@cache
def setters(descriptor: Descriptor) -> dict[str, Set]:
    """What to do with each JSON key of a message of this type."""
    return {field.name: setter(field) for field in descriptor.fields if not output_only(field)}


def decode(value: Any, message: Message, path: str, wrong: Wrong) -> None:
    """Fills a message from a JSON object. `path` stands before the names of its fields and ends with a dot, or is empty."""
    if value.__class__ is not dict:
        wrong.append(Violation(path.rstrip("."), "must be an object"))
        return
    known = setters(message.DESCRIPTOR)
    for key, item in value.items():
        if item is not None and (put := known.get(key)) is not None:
            put(item, message, path, wrong)


def setter(field: Any) -> Set:
    """A function that sets one field from a JSON value."""
    name = field.name
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _map_setter(field)
    if field.is_repeated:
        return _list_setter(field)
    if field.message_type is not None:

        def put_message(value: Any, message: Any, path: str, wrong: Wrong) -> None:
            inner = getattr(message, name)
            inner.SetInParent()
            _fill(value, inner, f"{path}{name}.", wrong)

        return put_message
    read = reader(field)

    def put(value: Any, message: Any, path: str, wrong: Wrong) -> None:
        found = read(value, path + name, wrong)
        if found is not None:
            setattr(message, name, found)

    return put


def _fill(value: Any, message: Any, path: str, wrong: Wrong) -> None:
    if message.DESCRIPTOR.full_name not in FREE:
        decode(value, message, path, wrong)
    elif (kind := FREE_KINDS.get(message.DESCRIPTOR.name)) is not None and value.__class__ is not kind[0]:
        wrong.append(Violation(path.rstrip("."), kind[1]))
    else:
        fill_free(value, message)


def _list_setter(field: Any) -> Set:
    name, read = field.name, None if field.message_type is not None else reader(field)

    def put(value: Any, message: Any, path: str, wrong: Wrong) -> None:
        if value.__class__ is not list:
            wrong.append(Violation(path + name, "must be a list"))
            return
        items = getattr(message, name)
        for index, item in enumerate(value):
            at = f"{path}{name}[{index}]"
            if read is None:
                _fill(item, items.add(), at + ".", wrong)
            elif (found := read(item, at, wrong)) is not None:
                items.append(found)

    return put


def _map_setter(field: Any) -> Set:
    name = field.name
    read_key = reader(field.message_type.fields_by_name["key"])
    item_field = field.message_type.fields_by_name["value"]
    read = None if item_field.message_type is not None else reader(item_field)

    def put(value: Any, message: Any, path: str, wrong: Wrong) -> None:
        if value.__class__ is not dict:
            wrong.append(Violation(path + name, "must be an object"))
            return
        items = getattr(message, name)
        for text, item in value.items():
            at = f"{path}{name}.{text}"
            key = read_key(text, at, wrong)
            if key is None:
                continue
            if read is None:
                _fill(item, items[key], at + ".", wrong)
            elif (found := read(item, at, wrong)) is not None:
                items[key] = found

    return put


def reader(field: Any) -> Read:
    """A function that turns a JSON value into the value of a scalar field."""
    if field.enum_type is not None:
        return _enum_reader(field)
    limits = _INTEGERS.get(field.cpp_type)
    if limits is not None:
        return _integer_reader(*limits)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _read_bool
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return _read_number
    return _read_bytes if field.type == FieldDescriptor.TYPE_BYTES else _read_text


def _read_text(value: Any, path: str, wrong: Wrong) -> Any:
    if value.__class__ is str:
        if value.isascii() or _is_unicode(value):
            return value
        wrong.append(Violation(path, "is not valid Unicode"))
    elif value.__class__ is int:
        return str(value)
    else:
        wrong.append(Violation(path, "must be text"))
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer_reader(smallest: int, largest: int) -> Read:
    def read(value: Any, path: str, wrong: Wrong) -> Any:
        if (value.__class__ is str and _DIGITS.fullmatch(value)) or (value.__class__ is float and value.is_integer()):
            value = int(value)
        if value.__class__ is not int:
            wrong.append(Violation(path, "must be a whole number"))
        elif not smallest <= value <= largest:
            wrong.append(Violation(path, f"must be between {smallest} and {largest}"))
        else:
            return value
        return None

    return read


def _read_number(value: Any, path: str, wrong: Wrong) -> Any:
    if value.__class__ is int or value.__class__ is float:
        return float(value)
    wrong.append(Violation(path, "must be a number"))
    return None


def _read_bool(value: Any, path: str, wrong: Wrong) -> Any:
    if value.__class__ is bool:
        return value
    if value in ("true", "false"):
        return value == "true"
    wrong.append(Violation(path, "must be true or false"))
    return None


def _read_bytes(value: Any, path: str, wrong: Wrong) -> Any:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        wrong.append(Violation(path, "must be base64"))
        return None


def _enum_reader(field: Any) -> Read:
    words = {word: number for number, word in words_of(field.enum_type).items()}
    known = ", ".join(word for word, number in words.items() if number)

    def read(value: Any, path: str, wrong: Wrong) -> Any:
        number = words.get(value) if value.__class__ is str else None
        if number is None:
            wrong.append(Violation(path, f"must be one of: {known}"))
        return number

    return read


def fill_free(value: Any, message: Any) -> None:
    """Free JSON into google.protobuf.Value, Struct or ListValue."""
    kind = message.DESCRIPTOR.name
    if kind == "Struct":
        for key, item in value.items():
            fill_free(item, message.fields[key])
    elif kind == "ListValue":
        for item in value:
            fill_free(item, message.values.add())
    elif value is None:
        message.null_value = 0
    elif value.__class__ is bool:
        message.bool_value = value
    elif value.__class__ is str:
        message.string_value = value
    elif value.__class__ is dict:
        message.struct_value.SetInParent()
        fill_free(value, message.struct_value)
    elif value.__class__ is list:
        message.list_value.SetInParent()
        fill_free(value, message.list_value)
    else:
        message.number_value = value

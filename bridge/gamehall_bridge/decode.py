"""The published JSON into messages, collecting every wrong field instead of stopping at the first.

Unknown keys are ignored, null equals absent, fields that only the server writes are skipped.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from gamehall_server.kit.errors import Violation
from gamehall_server.kit.validation import output_only, rules_of
from gamehall_server.kit.variants import Variants, variants_of
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gamehall_bridge.encode import FREE
from gamehall_bridge.scalars import Read, Wrong, reader

# Takes a JSON value, the message, the path before the field, and what is wrong so far.
Set = Callable[[Any, Any, str, Wrong], None]

# What free JSON must be where only an object or a list fits.
_KINDS: dict[str, tuple[type, str]] = {"Struct": (dict, "must be an object"), "ListValue": (list, "must be a list")}
# A key of the client's in a violation is cut here.
_LONGEST_KEY = 100


@cache
def setters(descriptor: Descriptor) -> dict[str, Set]:
    """What to do with each JSON key of a message of this type; of a polymorphic one, with those that every kind has."""
    found: dict[str, Set] = {}
    variants = variants_of(descriptor)
    for field in descriptor.fields:
        if output_only(field) or (variants is not None and field.name in variants.by_arm):
            continue
        if rules_of(field).inline:
            found |= {name: _inside(field.name, put) for name, put in setters(field.message_type).items()}
        else:
            found[field.name] = setter(field)
    return found


def _inside(name: str, put: Set) -> Set:
    def put_inside(value: Any, message: Any, path: str, wrong: Wrong) -> None:
        put(value, getattr(message, name), f"{path}{name}.", wrong)

    return put_inside


def _through(arms: tuple[Any, ...], put: Set) -> Set:
    for arm in reversed(arms):
        put = _inside(arm.name, put)
    return put


@cache
def _kinds(descriptor: Descriptor) -> dict[str, tuple[tuple[str, ...], dict[str, Set]]]:
    """Of a polymorphic message, by word: the arms to set, and what to do with each JSON key."""
    variants = variants_of(descriptor)
    assert variants is not None
    found = {}
    for word, variant in variants.by_word.items():
        known = dict(setters(descriptor))
        for depth, arm in enumerate(variant.arms, 1):
            known |= {name: _through(variant.arms[:depth], put) for name, put in setters(arm.message_type).items()}
        found[word] = (tuple(arm.name for arm in variant.arms), known)
    return found


def _kind(value: dict[str, Any], message: Any, path: str, wrong: Wrong, variants: Variants) -> dict[str, Set] | None:
    """Sets the arm that the object's word names, and gives the keys to take; None where the word tells nothing."""
    word = value.get(variants.key)
    kind = _kinds(message.DESCRIPTOR).get(word) if word.__class__ is str else None
    if kind is not None:
        for arm in kind[0]:
            message = getattr(message, arm)
            message.SetInParent()
        return kind[1]
    if variants.open:
        return setters(message.DESCRIPTOR)
    wrong.append(Violation(path + variants.key, "required" if word is None else f"must be one of: {variants.known}"))
    return None


def decode(value: Any, message: Message, path: str, wrong: Wrong, known: dict[str, Set] | None = None) -> None:
    """Fills a message from a JSON object. `path` stands before the names of its fields and ends with a dot, or is empty;
    `known` are the keys to take, where not all are. Violations name fields as the message does: naming.py tells the client's name."""
    if value.__class__ is not dict:
        wrong.append(Violation(path.rstrip("."), "must be an object"))
        return
    if known is None:
        variants = variants_of(message.DESCRIPTOR)
        known = setters(message.DESCRIPTOR) if variants is None else _kind(value, message, path, wrong, variants)
        if known is None:
            return
    for key, item in value.items():
        if item is not None and (put := known.get(key)) is not None:
            put(item, message, path, wrong)


def setter(field: Any) -> Set:
    """A function that sets one field from a JSON value."""
    oneof = field.containing_oneof
    put = _setter(field)
    # Of `optional` fields the compiler makes a oneof of one.
    return put if oneof is None or oneof.name == f"_{field.name}" else _arm_setter(field.name, oneof.name, put)


def _setter(field: Any) -> Set:
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


def _arm_setter(name: str, oneof: str, put: Set) -> Set:
    def put_arm(value: Any, message: Any, path: str, wrong: Wrong) -> None:
        other = message.WhichOneof(oneof)
        if other is not None and other != name:
            wrong.append(Violation(path + name, f"cannot stand beside {other}"))
        else:
            put(value, message, path, wrong)

    return put_arm


def _fill(value: Any, message: Any, path: str, wrong: Wrong) -> None:
    if message.DESCRIPTOR.full_name not in FREE:
        decode(value, message, path, wrong)
    elif (kind := _KINDS.get(message.DESCRIPTOR.name)) is not None and value.__class__ is not kind[0]:
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
    read: Read | None = None if item_field.message_type is not None else reader(item_field)

    def put(value: Any, message: Any, path: str, wrong: Wrong) -> None:
        if value.__class__ is not dict:
            wrong.append(Violation(path + name, "must be an object"))
            return
        items = getattr(message, name)
        for text, item in value.items():
            at = f"{path}{name}.{text[:_LONGEST_KEY]}"
            key = read_key(text, at, wrong)
            if key is None:
                continue
            if read is None:
                _fill(item, items[key], at + ".", wrong)
            elif (found := read(item, at, wrong)) is not None:
                items[key] = found

    return put


def holds_decimals(descriptor: Descriptor) -> bool:
    """Whether a decimal stands anywhere in a message of this type: its JSON is then read with every digit."""
    seen, left = {descriptor}, [descriptor]
    while left:
        for field in left.pop().fields:
            if rules_of(field).HasField("decimal"):
                return True
            if field.message_type is not None and field.message_type not in seen:
                seen.add(field.message_type)
                left.append(field.message_type)
    return False


def fill_free(value: Any, message: Any) -> None:
    """Fills the message. Its kind fits the value; the depth of what callers send was limited before."""
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
        # A body that is read with exact decimals brings them here too; free JSON keeps doubles.
        message.number_value = float(value)

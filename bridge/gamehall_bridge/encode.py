"""Messages as the published JSON: int64 as numbers, snake_case, nothing for what is unset.

One function per message type, written as source text from its descriptor and compiled at first use: four times as fast as
protobuf's own JSON, which cannot write these shapes.
"""

import base64
import keyword
from collections.abc import Callable
from typing import Any

import orjson
from gamehall_server.kit.validation import rules_of
from gamehall_server.kit.variants import Variants, variants_of
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gamehall_bridge.scalars import words_of

Encode = Callable[[Any], Any]
# What is in JSON as it is in Python.
_BARE = (
    FieldDescriptor.CPPTYPE_STRING,
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_BOOL,
    FieldDescriptor.CPPTYPE_DOUBLE,
)
FREE = frozenset({"google.protobuf.Value", "google.protobuf.Struct", "google.protobuf.ListValue"})


_made: dict[Descriptor, Encode] = {}


def encoder(descriptor: Any) -> Encode:
    """A function from a message of this type to what orjson writes."""
    return _made.get(descriptor) or (free if descriptor.full_name in FREE else _compile(descriptor, frozenset()))


def _compile(descriptor: Any, around: frozenset[str]) -> Encode:
    """`around`: the types that this one stands in, which are not compiled yet."""
    around |= {descriptor.full_name}
    space: dict[str, Any] = {"base64": base64.b64encode, "free": free, "exact": exact}
    variants = variants_of(descriptor)
    # What is always written comes as one literal for as long as order allows; the rest is added field by field.
    literal: list[str] = []
    rest: list[str] = []
    for field in descriptor.fields:
        if variants is not None and field.name in variants.by_arm:
            continue
        lines = _lines(space, field, around)
        if len(lines) == 1 and lines[0].startswith("d[") and not rest:
            key, _, value = lines[0].partition(" = ")
            literal.append(f"{key[2:-1]}: {value}")
        else:
            rest.extend(lines)
    if variants is not None and len(variants.by_arm) == len(descriptor.fields):
        return _kinds_alone(space, descriptor, variants, around)
    if variants is not None:
        rest.extend(_arms(space, descriptor, variants, around))
    source = ["def encode(m):", f" d = {{{', '.join(literal)}}}", *(f" {line}" for line in rest), " return d"]
    exec("\n".join(source), space)
    encode: Encode = space["encode"]
    _made[descriptor] = encode
    return encode


def _kinds_alone(space: dict[str, Any], descriptor: Any, variants: Variants, around: frozenset[str]) -> Encode:
    """As `_arms`, for a message that has nothing but its kinds: the object of the arm is the object, and there is a function for each."""
    lines: list[str] = []
    arms: list[str] = []
    for name, word in variants.by_arm.items():
        kind, read = descriptor.fields_by_name[name].message_type, _read(descriptor.fields_by_name[name])
        told = "" if word is None else f"{variants.key!r}: {word!r}"
        lines.append(f"def arm_{name}(m):")
        if len(kind.fields) == 1 and kind.fields[0].has_presence and _is_bare(kind.fields[0]) and word is not None:
            one = kind.fields[0].name
            lines.append(f" i = {read}; v = i.{one}")
            lines.append(f" return {{{one!r}: v, {told}}} if v or i.HasField({one!r}) else {{{told}}}")
        else:
            space[f"e_{name}"] = _encoder_of(kind, around)
            lines.append(f" d = e_{name}({read})")
            lines.extend([f" d[{variants.key!r}] = {word!r}"] if word is not None else [])
            lines.append(" return d")
        arms.append(f"{name!r}: arm_{name}")
    lines.append(f"arms = {{None: lambda m: {{}}, {', '.join(arms)}}}")
    exec("\n".join([*lines, f"def encode(m): return arms[m.WhichOneof({variants.oneof!r})](m)"]), space)
    encode: Encode = space["encode"]
    _made[descriptor] = encode
    return encode


def _is_bare(field: Any) -> bool:
    return field.cpp_type in _BARE and field.type != FieldDescriptor.TYPE_BYTES and not rules_of(field).HasField("decimal")


def _arms(space: dict[str, Any], descriptor: Any, variants: Variants, around: frozenset[str]) -> list[str]:
    """The fields of an arm stand beside those around it; an arm that is polymorphic by the same key brings the word itself."""
    space["arms"] = {
        name: (_encoder_of(descriptor.fields_by_name[name].message_type, around), {} if word is None else {variants.key: word})
        for name, word in variants.by_arm.items()
    }
    return [
        f"w = m.WhichOneof({variants.oneof!r})",
        "if w is not None:",
        " arm, word = arms[w]",
        " d.update(arm(getattr(m, w)))",
        " d.update(word)",
    ]


def _encoder_of(kind: Any, around: frozenset[str]) -> Encode:
    if kind.full_name in around:
        # A type that holds itself: its encoder is made by the time it is needed.
        return lambda message: encoder(kind)(message)
    return _made.get(kind) or (free if kind.full_name in FREE else _compile(kind, around))


def field_encoder(field: FieldDescriptor) -> Encode:
    """A function from a message to the value of one of its fields, for answers that are one field."""
    space: dict[str, Any] = {"base64": base64.b64encode, "free": free, "exact": exact}
    exec(f"def encode(m):\n return {_value(space, field, _read(field), frozenset())}", space)
    encode: Encode = space["encode"]
    return encode


def _read(field: Any) -> str:
    # Names such as `from` or `class` are fields, but not Python.
    return f"getattr(m, {field.name!r})" if keyword.iskeyword(field.name) else f"m.{field.name}"


def _lines(space: dict[str, Any], field: Any, around: frozenset[str]) -> list[str]:
    rules, key, read = rules_of(field), f"d[{field.name!r}]", _read(field)
    if rules.inline:
        return [f"d.update({_value(space, field, read, around)})"]
    if field.is_repeated or not field.has_presence:
        empty = f" if {read} else None" if field.is_repeated and rules.null_if_unset else ""
        return [f"{key} = {_value(space, field, read, around)}{empty}"]
    present = f"m.HasField({field.name!r})"
    lines = [f"v = {read}"]
    if field.message_type is None:
        # A set scalar is nearly always truthy: the look at the value saves the look at the presence.
        present = f"v or {present}"
    lines.append(f"if {present}: {key} = {_value(space, field, 'v', around)}")
    if rules.null_if_unset:
        lines.append(f"else: {key} = None")
    return lines


def _value(space: dict[str, Any], field: Any, value: str, around: frozenset[str]) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, item = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        shown = "k" if key.cpp_type == FieldDescriptor.CPPTYPE_STRING else "str(k).lower()"
        # Through the key: iterating a map of messages by items() copies them. Sorted: a map keeps no order of its own.
        return f"{{{shown}: {_single(space, item, f'{value}[k]', around)} for k in sorted({value})}}"
    if field.is_repeated:
        item = _single(space, field, "e", around)
        return f"list({value})" if item == "e" else f"[{item} for e in {value}]"
    return _single(space, field, value, around)


def _single(space: dict[str, Any], field: Any, value: str, around: frozenset[str]) -> str:
    if field.message_type is not None:
        name = f"e{len(space)}"
        space[name] = _encoder_of(field.message_type, around)
        return f"{name}({value})"
    if field.enum_type is not None:
        name = f"w{len(space)}"
        space[name] = words_of(field.enum_type)
        return f"{name}.get({value}, {value})"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return f"base64({value}).decode()"
    if rules_of(field).HasField("decimal"):
        return f"exact({value})"
    return value


def exact(digits: str) -> orjson.Fragment:
    """A decimal number as JSON writes it, every digit kept."""
    return orjson.Fragment(digits or "0")


def free(message: Any) -> Any:
    """google.protobuf.Value, Struct or ListValue as the JSON it stands for; whole numbers without a fraction."""
    kind = message.DESCRIPTOR.name
    if kind == "Struct":
        return {key: free(message.fields[key]) for key in sorted(message.fields)}
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

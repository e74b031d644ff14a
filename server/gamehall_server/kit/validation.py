"""Field rules of the contract, compiled to one function per request message.

A rule is said once, on the field: REQUIRED (google.api.field_behavior), length, range. Violations name the field by its path in
the request message; the doors translate that into what their client wrote.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache, partial
from typing import Any

from gamehall.options.v1 import options_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gamehall_server.kit.errors import Violation
from gamehall_server.kit.variants import variants_of

Check = Callable[[Message], list[Violation]]
Inner = Callable[[Any, str, list[Violation]], None]
# Of a decimal number, before its point.
MOST_DIGITS = 18
_REQUIRED = field_behavior_pb2.FieldBehavior.Value("REQUIRED")
_OUTPUT_ONLY = field_behavior_pb2.FieldBehavior.Value("OUTPUT_ONLY")
_PATH_ID = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)
# What a path takes for something else.
_NO_IDS = frozenset((".", "..", "me", "templates", "properties"))
_NUL = "must not contain the character NUL"


def behavior(field: FieldDescriptor) -> frozenset[int]:
    """The google.api.field_behavior values of a field."""
    return frozenset(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])


def output_only(field: FieldDescriptor) -> bool:
    """Whether callers cannot write the field."""
    return _OUTPUT_ONLY in behavior(field)


def rules_of(field: FieldDescriptor) -> options_pb2.FieldRules:
    """Our own rules of a field."""
    return field.GetOptions().Extensions[options_pb2.field]


def is_path_id(text: str) -> bool:
    """Whether callers may give a record this id."""
    return _PATH_ID.fullmatch(text) is not None and text not in _NO_IDS


def compile_check(descriptor: Descriptor) -> Check:
    """A function that lists what is wrong with a message of this type; an empty list means nothing is."""
    check = _compiled(descriptor)

    def checked(message: Message) -> list[Violation]:
        out: list[Violation] = []
        check(message, "", out)
        return out

    return checked


@cache
def _compiled(descriptor: Descriptor) -> Inner:
    """Checks a message that stands at a path, which ends with a dot or is empty."""
    source = ["def check(m, p, out):", " pass"]
    space: dict[str, Any] = {"Violation": Violation, "free": _check_free, "is_path_id": is_path_id}
    _write_message(source, space, descriptor, "m", "", 1, ())
    exec("\n".join(source), space)
    check: Inner = space["check"]
    return check


def _write_message(
    source: list[str], space: dict[str, Any], descriptor: Any, name: str, path: str, depth: int, parents: tuple[str, ...]
) -> None:
    for field in descriptor.fields:
        if not output_only(field):
            _write_field(source, space, field, name, path, depth, (*parents, descriptor.full_name))
    variants = variants_of(descriptor)
    if variants is not None and not variants.open:
        source.append(f"{' ' * depth}if {name}.WhichOneof({variants.oneof!r}) is None: {_report(path + variants.key, 'required')}")


def _report(path: str, text: str) -> str:
    return f"out.append(Violation(p + {path!r}, {text!r}))"


def _write_field(
    source: list[str], space: dict[str, Any], field: Any, owner: str, prefix: str, depth: int, parents: tuple[str, ...]
) -> None:
    rules = rules_of(field)
    required = _REQUIRED in behavior(field) and not rules.by_config
    path = f"{prefix}{field.name}"
    pad = " " * depth
    value = f"v{depth}"

    def wrong(text: str) -> str:
        return _report(path, text)

    source.append(f"{pad}{value} = getattr({owner}, {field.name!r})")
    if field.is_repeated:
        if rules.max_length:
            source.append(f"{pad}if len({value}) > {rules.max_length}: {wrong(f'at most {rules.max_length} entries')}")
        if required:
            source.append(f"{pad}if not {value}: {wrong('required')}")
        _write_entries(source, space, field, value, path, depth)
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        if field.message_type.full_name.startswith("google.protobuf."):
            if required:
                source.append(f"{pad}if not {owner}.HasField({field.name!r}): {wrong('required')}")
            source.append(f"{pad}free({value}, p + {path!r}, out)")
            return
        source.append(f"{pad}if {owner}.HasField({field.name!r}):")
        source.append(f"{pad} pass")
        if field.message_type.full_name in parents:
            source.append(f"{pad} {_checker_of(space, field.message_type)}({value}, p + {path + '.'!r}, out)")
        else:
            _write_message(source, space, field.message_type, value, path + ".", depth + 1, parents)
        if required:
            source.append(f"{pad}else: {wrong('required')}")
    elif field.type == FieldDescriptor.TYPE_STRING:
        test = "if" if not required else f"if not {value}.strip(): {wrong('required')}\n{pad}elif"
        source.append(f"{pad}{test} '\\0' in {value}: {wrong(_NUL)}")
        if rules.HasField("decimal"):
            source.append(f"{pad}elif {value}: {_decimal_of(space, field)}({value}, p + {path!r}, out)")
        if rules.max_length:
            source.append(f"{pad}elif len({value}) > {rules.max_length}: {wrong(f'at most {rules.max_length} characters')}")
        if rules.path_id:
            source.append(f"{pad}elif {value} and not is_path_id({value}): {wrong('letters, digits and _ . : - alone')}")
        if rules.min_length:
            present = f"{owner}.HasField({field.name!r}) and " if field.has_presence else ""
            source.append(f"{pad}elif {present}len({value}) < {rules.min_length}: {wrong(f'at least {rules.min_length} characters')}")
    else:
        # Zero means "not given" for a number without presence.
        given = f"{owner}.HasField({field.name!r})" if field.has_presence else f"{value}"
        if required:
            source.append(f"{pad}if not {given}: {wrong('required')}")
        if rules.HasField("minimum"):
            source.append(f"{pad}if {given} and {value} < {rules.minimum}: {wrong(f'at least {rules.minimum}')}")
        if rules.HasField("maximum"):
            source.append(f"{pad}if {given} and {value} > {rules.maximum}: {wrong(f'at most {rules.maximum}')}")


def _checker_of(space: dict[str, Any], descriptor: Descriptor) -> str:
    """The name of a function that checks messages of this type, made when it is first needed: a type may hold itself."""
    name = f"check{len(space)}"
    space[name] = lambda message, path, out: _compiled(descriptor)(message, path, out)
    return name


def _write_entries(source: list[str], space: dict[str, Any], field: FieldDescriptor, value: str, path: str, depth: int) -> None:
    """Checks what is inside a list or a map; texts for NUL, because PostgreSQL cannot keep one."""
    pad = " " * depth
    nul = _report(path, _NUL)
    item: Any = field
    at = f"p + {path!r} + '[' + str(k) + ']'"
    entries = f"for k, e in enumerate({value}):"
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        source.append(f"{pad}for k in {value}:")
        source.append(f"{pad} if '\\0' in str(k): {nul}")
        item = field.message_type.fields_by_name["value"]
        at = f"p + {path + '.'!r} + str(k)[:100]"
        entries = f"for k in {value}:\n{pad} e = {value}[k]"
    if item.type == FieldDescriptor.TYPE_MESSAGE:
        source.append(f"{pad}{entries}")
        if item.message_type.full_name.startswith("google.protobuf."):
            source.append(f"{pad} free(e, {at}, out)")
        else:
            source.append(f"{pad} {_checker_of(space, item.message_type)}(e, {at} + '.', out)")
    elif item.type == FieldDescriptor.TYPE_STRING:
        source.append(f"{pad}{entries}")
        source.append(f"{pad} if '\\0' in e: {nul}")
        if rules_of(field).HasField("decimal"):
            source.append(f"{pad} else: {_decimal_of(space, field)}(e, {at}, out)")


def _decimal_of(space: dict[str, Any], field: FieldDescriptor) -> str:
    name = f"decimal{len(space)}"
    space[name] = partial(_check_decimal, rules_of(field))
    return name


def _check_decimal(rules: options_pb2.FieldRules, text: str, path: str, out: list[Violation]) -> None:
    whole, point, fraction = text.removeprefix("-").partition(".")
    if not (text.isascii() and whole.isdigit() and (fraction.isdigit() or not point)):
        out.append(Violation(path, "must be a decimal number"))
    elif len(whole) > MOST_DIGITS:
        out.append(Violation(path, f"at most {MOST_DIGITS} digits before the point"))
    elif len(fraction) > rules.decimal.scale:
        out.append(Violation(path, f"at most {rules.decimal.scale} digits after the point"))
    elif rules.HasField("minimum") and Decimal(text) < rules.minimum:
        out.append(Violation(path, f"at least {rules.minimum}"))
    elif rules.HasField("maximum") and Decimal(text) > rules.maximum:
        out.append(Violation(path, f"at most {rules.maximum}"))


def _check_free(message: Any, path: str, out: list[Violation]) -> None:
    """NUL hidden in free JSON. Most has none, which its bytes tell at once; numbers have zero bytes too, so the rest is looked through."""
    if b"\0" in message.SerializeToString() and _holds_nul(message):
        out.append(Violation(path, _NUL))


def _holds_nul(message: Any) -> bool:
    for field, value in message.ListFields():
        if field.name == "fields":
            if any("\0" in key or _holds_nul(value[key]) for key in value):
                return True
        elif field.is_repeated:
            if any(_holds_nul(item) for item in value):
                return True
        elif _holds_nul(value) if field.message_type is not None else isinstance(value, str) and "\0" in value:
            return True
    return False

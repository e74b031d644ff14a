"""Field rules of the contract, compiled to one function per request message.

A rule is said once, on the field: REQUIRED (google.api.field_behavior), length, range. Violations name the field by its path in
the request message; the doors translate that into what their client wrote.
"""

from collections.abc import Callable
from typing import Any

from gamehall.options.v1 import options_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gamehall_server.kit.errors import Violation

Check = Callable[[Message], list[Violation]]
_REQUIRED = field_behavior_pb2.FieldBehavior.Value("REQUIRED")
_OUTPUT_ONLY = field_behavior_pb2.FieldBehavior.Value("OUTPUT_ONLY")
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


def compile_check(descriptor: Descriptor) -> Check:
    """A function that lists what is wrong with a message of this type; an empty list means nothing is."""
    source = ["def check(m):", " out = []"]
    _write_message(source, descriptor, "m", "", 1, ())
    source.append(" return out")
    space: dict[str, Any] = {"Violation": Violation, "free": _check_free}
    exec("\n".join(source), space)
    check: Check = space["check"]
    return check


def _write_message(source: list[str], descriptor: Any, name: str, path: str, depth: int, parents: tuple[str, ...]) -> None:
    if descriptor.full_name in parents:
        return
    for field in descriptor.fields:
        if not output_only(field):
            _write_field(source, field, name, path, depth, (*parents, descriptor.full_name))


def _write_field(source: list[str], field: Any, owner: str, prefix: str, depth: int, parents: tuple[str, ...]) -> None:
    rules = rules_of(field)
    required = _REQUIRED in behavior(field)
    path = f"{prefix}{field.name}"
    pad = " " * depth
    value = f"v{depth}"
    report = f"out.append(Violation({path!r}, %s))"

    def wrong(text: str) -> str:
        return report % repr(text)

    source.append(f"{pad}{value} = getattr({owner}, {field.name!r})")
    if field.is_repeated:
        if rules.max_length:
            source.append(f"{pad}if len({value}) > {rules.max_length}: {wrong(f'at most {rules.max_length} entries')}")
        if required:
            source.append(f"{pad}if not {value}: {wrong('required')}")
        _write_entries(source, field, value, path, depth)
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        if field.message_type.full_name.startswith("google.protobuf."):
            source.append(f"{pad}free({value}, {path!r}, out)")
            return
        source.append(f"{pad}if {owner}.HasField({field.name!r}):")
        source.append(f"{pad} pass")
        _write_message(source, field.message_type, value, path + ".", depth + 1, parents)
        if required:
            source.append(f"{pad}else: {wrong('required')}")
    elif field.type == FieldDescriptor.TYPE_STRING:
        test = "if" if not required else f"if not {value}.strip(): {wrong('required')}\n{pad}elif"
        source.append(f"{pad}{test} '\\0' in {value}: {wrong(_NUL)}")
        if rules.max_length:
            source.append(f"{pad}elif len({value}) > {rules.max_length}: {wrong(f'at most {rules.max_length} characters')}")
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


def _write_entries(source: list[str], field: FieldDescriptor, value: str, path: str, depth: int) -> None:
    """Checks what is inside a list or a map: no NUL anywhere, because PostgreSQL cannot keep one."""
    pad = " " * depth
    report = f"out.append(Violation({path!r}, {_NUL!r}))"
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        source.append(f"{pad}for k in {value}:")
        source.append(f"{pad} if '\\0' in str(k): {report}")
        if field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_MESSAGE:
            source.append(f"{pad} free({value}[k], {path!r} + '.' + str(k)[:100], out)")
    elif field.type == FieldDescriptor.TYPE_STRING:
        source.append(f"{pad}for e in {value}:")
        source.append(f"{pad} if '\\0' in e: {report}")


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

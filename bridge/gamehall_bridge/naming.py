"""The name a client knows a field by: paths of the request message into paths of the JSON that the client wrote."""

from typing import Any

from gamehall_server.kit.validation import rules_of
from gamehall_server.kit.variants import variants_of


def as_json(path: str, descriptor: Any) -> str:
    """The path of a field in JSON, where fields that are inline and the arms of polymorphic objects have no name of their own."""
    name, dot, rest = path.partition(".")
    field = descriptor.fields_by_name.get(name.partition("[")[0])
    if field is None or field.message_type is None:
        return path
    kind = field.message_type
    variants = variants_of(descriptor)
    if rules_of(field).inline or (variants is not None and field.name in variants.by_arm):
        return as_json(rest, kind)
    if kind.GetOptions().map_entry and dot:
        kind = kind.fields_by_name["value"].message_type
        key, dot, rest = _key(rest, kind)
        name = f"{name}.{key}"
    return f"{name}{dot}{as_json(rest, kind)}" if dot and kind is not None else f"{name}{dot}{rest}"


def _key(path: str, kind: Any) -> tuple[str, str, str]:
    """A map's key and what follows it. Keys may hold dots: the first after which a field of the entry follows ends the key."""
    parts = path.split(".")
    for at in range(1, len(parts)):
        if kind is not None and parts[at].partition("[")[0] in kind.fields_by_name:
            return ".".join(parts[:at]), ".", ".".join(parts[at:])
    return path, "", ""

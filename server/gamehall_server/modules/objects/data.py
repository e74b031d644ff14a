"""What a template says of an object's data: each property that it defines, under its name, as plain JSON."""

from typing import Any

from gamehall.common.v1.property_pb2 import Property
from gamehall.templates.v1.item_template_pb2 import ItemTemplate
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from gamehall_server.kit.errors import Violation
from gamehall_server.kit.properties import INDEXABLE, Definitions, kind_of

TEXTS = ("text", "formatted_text")
WHOLE = ("integer", "long", "date")


def hold(template: ItemTemplate, data: Any, path: str) -> list[Violation]:
    """Adds default values; gives what is wrong. What the template does not define is free."""
    wrong: list[Violation] = []
    properties: Any = _Named()
    for definition in template.properties:
        name, kind = definition.name, kind_of(definition)
        if name in data.fields:
            made = _property(kind, MessageToDict(data.fields[name]))
            if made is None:
                wrong.append(Violation(f"{path}.{name}", f"must be {_told(kind)}"))
            else:
                properties[name].CopyFrom(made)
    if wrong:
        return wrong
    Definitions(template.properties, True).hold(properties, f"{path}.", wrong)
    for name in properties.keys() - data.fields.keys():
        value = _plain(properties[name])
        if value is not None:
            ParseDict(value, data.fields[name])
    return wrong


class _Named(dict[str, Property]):
    """Properties by name, made when they are first asked for, as a map of the contract does."""

    def __missing__(self, name: str) -> Property:
        self[name] = made = Property()
        return made


def _property(kind: str, value: Any) -> Property | None:
    """A plain value as a property of a type; None where it is none."""
    if kind in WHOLE and isinstance(value, float) and value.is_integer():
        value = int(value)
    inner = {"value": str(value) if kind in ("long", "date") and isinstance(value, int) else value} if kind in INDEXABLE else value
    if isinstance(value, bool) is not (kind == "boolean") and kind in INDEXABLE:
        return None
    if isinstance(value, str) is not (kind in TEXTS) and kind in INDEXABLE:
        return None
    try:
        return ParseDict({kind: inner}, Property())
    except ParseError:
        return None


def _plain(made: Property) -> Any:
    """A property as plain JSON."""
    kind = kind_of(made)
    told = MessageToDict(getattr(made, kind), preserving_proto_field_name=True)
    if kind not in INDEXABLE:
        return told
    value = told.get("value")
    return int(value) if kind in ("long", "date") and value is not None else value


def _told(kind: str) -> str:
    if kind in TEXTS:
        return "a text"
    if kind == "boolean":
        return "true or false"
    return "a whole number" if kind in WHOLE else "a number" if kind in INDEXABLE else f"what a {kind} is"

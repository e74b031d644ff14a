"""The published models that answers here have, read from models.tsv, and what in a value is not as they say.

A row tells a field of a model. `served` and `reason` say where this product departs from the published `type`, and why:

    a type    it is of this type instead
    null      the key is there and always null
    empty     the key is there; nothing fills the list or the map yet
    not yet   the key is not there, because nothing sets it yet
    never     the key is not there, on purpose
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gamehall.options.v1 import options_pb2
from gamehall_server.servicers import SERVICERS

from bench.published import operations

TABLE = Path(__file__).parent / "models.tsv"
ABSENT = ("not yet", "never")
CONTAINERS = {"array": list, "map": dict}
BITS = {"int32": 31, "int64": 63}
CLASSES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "double": (int, float),
    "decimal": (int, float),
    "object": (object,),
}


class Field(NamedTuple):
    """One published fact."""

    owner: str
    name: str
    type: str
    required: bool
    read_only: bool
    enum: tuple[str, ...]
    served: str
    reason: str


def _read() -> Iterator[Field]:
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", restval=""):
            words = tuple(word for word in row["enum"].split(",") if word)
            flags = bool(row["required"]), bool(row["read_only"])
            yield Field(row["owner"], row["field"], row["type"], *flags, words, row["served"], row["reason"])


FIELDS = list(_read())
ANSWERS = {operation.name: operation.model for operation in operations()}
MODELS: dict[str, dict[str, Field]] = {}
for _field in FIELDS:
    MODELS.setdefault(_field.owner, {})[_field.name] = _field


def _published_methods() -> Iterator[tuple[str, Any]]:
    """The contract's methods by the operations they serve."""
    for servicer in SERVICERS:
        for method in servicer.service.methods:
            rules = method.GetOptions().Extensions[options_pb2.method]
            if rules.published.operation and not rules.sandbox:
                yield f"{rules.published.tag}.{rules.published.operation}", method


METHODS = dict(_published_methods())
# Models that have the fields of another beside their own.
BEHAVIORS = ("Consumable", "Expirable", "Fulfillable", "GuestPlayable", "LimitedGettable", "PreReqEntitlement", "PriceOverridable")
BEHAVIORS += ("Spendable", "TimePeriodGettable", "TimePeriodUsable")
FILES, PLAIN = ("File", "Image", "Video", "Audio"), ("Text", "FormattedText", "Integer", "Long", "Double", "Boolean", "Date", "List", "Map")
EXPRESSIONS = (
    "Constant",
    "Parameter",
    "Global",
    "GlobalCheckAndIncrement",
    "Lookup",
    "ConfigLookup",
    "UsernameLookup",
    "Map",
    "EventContext",
)
EXPRESSIONS += ("Predicate", "Operation", "DefaultOperation", "DateOperation", "DoubleOperation", "IntegerOperation", "StringOperation")
EXTENDS = {
    **{f"{kind}Resource": "ExpressionResource" for kind in EXPRESSIONS},
    "MobileDeviceResource": "DeviceResource",
    **{f"{kind}Property": "Property" for kind in (*PLAIN, "File", "FileGroup")},
    **{f"{kind}Property": "FileProperty" for kind in FILES[1:]},
    **{f"{kind}GroupProperty": "FileGroupProperty" for kind in FILES[1:]},
    **{f"{kind}PropertyDefinitionResource": "PropertyDefinitionResource" for kind in (*PLAIN, *FILES, "FileGroup")},
    **{f"{kind}GroupPropertyDefinitionResource": "FileGroupPropertyDefinitionResource" for kind in FILES[1:]},
    **dict.fromkeys(BEHAVIORS, "Behavior"),
}
# Models with several kinds: the key that tells which, and how the kind's model is called.
KINDS = {
    "Property": ("type", "{}Property"),
    "PropertyDefinitionResource": ("type", "{}PropertyDefinitionResource"),
    "Behavior": ("type_hint", "{}"),
    "ExpressionResource": ("type", "{}Resource"),
}


def whole(model: str) -> dict[str, Field]:
    """The fields of a model, and of those that it extends."""
    return {**(whole(EXTENDS[model]) if model in EXTENDS else {}), **MODELS.get(model, {})}


def kind_of(model: str, value: Any) -> str:
    """The model of an object that its word tells, where a model has several kinds."""
    if model not in KINDS or not isinstance(value, dict):
        return model
    key, form = KINDS[model]
    found = form.format("".join(part.capitalize() for part in str(value.get(key, "")).split("_")))
    return found if found in EXTENDS else model


def parts_of(type: str) -> tuple[str, str]:
    """The container of a type and what is in it: ("array", "string"), ("map", "int32"), ("", "string")."""
    found = re.fullmatch(r"(array|map)<(?:string,)?(.+)>", type)
    return (found[1], found[2]) if found else ("", type)


class Comparison:
    """Values held against the models: what is wrong with them, and which fields they showed."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.seen: set[tuple[str, str]] = set()

    def compare(self, value: Any, type: str, path: str) -> None:
        """Holds `value`, which stands at `path`, against a published type."""
        if type.endswith(" or null"):
            if value is None:
                return
            type = type.removesuffix(" or null")
        container, item = parts_of(type)
        if container:
            self._each(value, container, item, path)
        elif item in MODELS:
            self._model(value, item, path)
        elif not _fits(value, item):
            self.problems.append(f"{path}: {value!r} is not {item}")

    def missing(self) -> list[str]:
        """Fields that the models seen so far have, and no answer showed."""
        owners = {owner for owner, _ in self.seen}
        wanted = {(field.owner, field.name) for field in FIELDS if field.owner in owners and field.served not in ABSENT}
        return [f"{owner}.{name}" for owner, name in sorted(wanted - self.seen)]

    def _each(self, value: Any, container: str, item: str, path: str) -> None:
        if not isinstance(value, CONTAINERS[container]):
            self.problems.append(f"{path}: {value!r} is not {container} of {item}")
            return
        for key in value if container == "map" else range(len(value)):
            self.compare(value[key], item, f"{path}[{key}]")

    def _model(self, value: Any, model: str, path: str) -> None:
        if not isinstance(value, dict):
            self.problems.append(f"{path}: {value!r} is not {model}")
            return
        fields = whole(kind_of(model, value))
        for name, inner in value.items():
            field = fields.get(name)
            if field is None or field.served in ABSENT:
                self.problems.append(f"{path}.{name}: {model} has no such field, or models.tsv says it is not served")
                continue
            self.seen.add((field.owner, name))
            if field.served == "empty":
                if inner not in ([], {}):
                    self.problems.append(f"{path}.{name}: {inner!r}, and models.tsv says it is empty")
            elif field.enum and inner not in field.enum and not (inner is None and field.served.endswith(" or null")):
                self.problems.append(f"{path}.{name}: {inner!r} is not one of {', '.join(field.enum)}")
            else:
                self.compare(inner, field.served or field.type, f"{path}.{name}")


def as_the_sdk_reads(value: Any, type: str) -> Any:
    """What the SDK makes of a value: it knows the published types alone and converts what is of another."""
    container, item = parts_of(type)
    if value is None:
        return None
    if container == "array":
        return [as_the_sdk_reads(inner, item) for inner in value]
    if container == "map":
        return {key: as_the_sdk_reads(inner, item) for key, inner in value.items()}
    if item in MODELS:
        # Of an expression it reads what all kinds have.
        known = MODELS[item] if item == "ExpressionResource" else whole(kind_of(item, value))
        fields = [field for field in known.values() if field.type and field.name in value]
        # It leaves out a model that is null; anything else that is null stays.
        fields = [field for field in fields if value[field.name] is not None or field.type not in MODELS]
        return {field.name: _base_of(value, field) or as_the_sdk_reads(value[field.name], field.type) for field in fields}
    if item == "string":
        return str(value)
    return int(value) if item in BITS else value


def _base_of(value: Any, field: Field) -> Any:
    """Of a behavior that is in no list the SDK reads what all kinds have; None for every other field."""
    told = value[field.name]
    return {name: told[name] for name in MODELS["Behavior"] if name in told} if field.type == "Behavior" else None


def _fits(value: Any, type: str) -> bool:
    # True is an int to Python alone.
    if type in BITS:
        return value.__class__ is int and -1 << BITS[type] <= value < 1 << BITS[type]
    return isinstance(value, CLASSES.get(type, ())) and (value.__class__ is not bool or type in ("boolean", "object"))

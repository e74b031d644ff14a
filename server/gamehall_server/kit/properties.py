"""Typed properties held to what a template says of them. Definitions are compiled once to one function for each name; everything that is
wrong is told at once, each with the name of its property."""

import math
from collections.abc import Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import Any

from gamehall.common.v1.property_definition_pb2 import PropertyDefinition
from gamehall.common.v1.property_pb2 import Property

from gamehall_server.kit.errors import Violation

# Holds one property that stands at a path to what is said of it.
Check = Callable[[Any, str, list[Violation]], None]
Properties = MutableMapping[str, Any]
LONGEST_NAME, MOST_PROPERTIES, DEEPEST = 100, 200, 8
FILES = ("file", "image", "video", "audio")
GROUPS = {f"{kind}_group": kind for kind in FILES}
TEXTS, NUMBERS = ("text", "formatted_text"), ("integer", "long", "double", "date")
# What lists can find records by.
INDEXABLE = (*TEXTS, *NUMBERS, "boolean")
KINDS = tuple(field.name for field in Property.DESCRIPTOR.oneofs_by_name["kind"].fields)
REQUIRED = "required"


def kind_of(value: Any) -> str:
    """The type of a property."""
    kind: str = value.WhichOneof("kind")
    return kind


def plain_value(value: Any) -> Any:
    """The value of a property that is one: a text, a number, a bool; None for others, and where there is no value."""
    kind = kind_of(value)
    if kind not in INDEXABLE:
        return None
    inner = getattr(value, kind)
    return inner.value if inner.HasField("value") else None


def sound(properties: Properties, path: str, wrong: list[Violation], depth: int = 1) -> None:
    """What no property may be, whatever a template says or does not say. `path` ends with a dot."""
    if len(properties) > MOST_PROPERTIES:
        wrong.append(Violation(path[:-1], f"at most {MOST_PROPERTIES} properties"))
        return
    for name in properties:
        if not name.strip() or len(name) > LONGEST_NAME:
            wrong.append(Violation(path + name[:LONGEST_NAME], f"a name has 1 to {LONGEST_NAME} characters"))
        _sound(properties[name], path + name[:LONGEST_NAME], wrong, depth)


def _sound(value: Any, path: str, wrong: list[Violation], depth: int) -> None:
    kind = kind_of(value)
    if kind == "double":
        if not math.isfinite(value.double.value):
            wrong.append(Violation(f"{path}.double.value", "must be a finite number"))
    elif kind in GROUPS:
        own = GROUPS[kind]
        for at, file in enumerate(getattr(value, kind).files):
            if kind_of(file) not in ("file", own):
                wrong.append(Violation(f"{path}.{kind}.files[{at}].type", f"must be one of: {', '.join(dict.fromkeys(('file', own)))}"))
    elif kind in ("list", "map") and depth >= DEEPEST:
        wrong.append(Violation(path, f"at most {DEEPEST} deep"))
    elif kind == "list":
        for at, entry in enumerate(value.list.values):
            _sound(entry, f"{path}.list.values[{at}]", wrong, depth + 1)
    elif kind == "map":
        sound(value.map.map, f"{path}.map.map.", wrong, depth + 1)


class Definitions:
    """What a template says: `hold` holds properties to it and gives those that are not there their default values."""

    __slots__ = ("_checks", "_defaults", "_open", "_required", "indexed")

    def __init__(self, definitions: Iterable[Any], allow_additional: bool) -> None:
        self._open = allow_additional
        self._checks: dict[str, Check] = {}
        self._defaults: dict[str, Any] = {}
        self._required: list[str] = []
        found = []
        for each in definitions:
            self._checks[each.name] = _check_of(each)
            if each.HasField("default_value"):
                self._defaults[each.name] = each.default_value
            if each.required:
                self._required.append(each.name)
            if each.indexed:
                found.append(each.name)
        # The names that lists find records by.
        self.indexed = tuple(found)

    def hold(self, properties: Properties, path: str, wrong: list[Violation]) -> None:
        """`path` ends with a dot."""
        for name, value in self._defaults.items():
            if name not in properties:
                properties[name].CopyFrom(value)
        for name in self._required:
            if name not in properties:
                wrong.append(Violation(path + name, REQUIRED))
        checks = self._checks
        for name in properties:
            check = checks.get(name)
            if check is not None:
                check(properties[name], path + name, wrong)
            elif not self._open:
                wrong.append(Violation(path + name[:LONGEST_NAME], "the template has no property of this name"))


@lru_cache(maxsize=1024)
def definitions_of(template: type[Any], kept: bytes | None, allow_additional: bool) -> Definitions:
    """The definitions that a message of type `template` holds in its field `properties`, from its bytes."""
    return Definitions(template.FromString(kept or b"").properties, allow_additional)


def wrong_with(definitions: Iterable[Any], path: str) -> list[Violation]:
    """What is wrong with definitions themselves; `path` names their list."""
    wrong: list[Violation] = []
    seen: set[str] = set()
    for number, each in enumerate(definitions):
        at = f"{path}[{number}]"
        if each.name in seen:
            wrong.append(Violation(f"{at}.name", "the name of another property too"))
        seen.add(each.name)
        _wrong_with(each, at, wrong, 1)
    return wrong


def _wrong_with(definition: Any, at: str, wrong: list[Violation], depth: int) -> None:
    kind = kind_of(definition)
    limits = getattr(definition, kind)
    names = limits.DESCRIPTOR.fields_by_name
    for low in (name for name in names if name == "min" or name.startswith("min_")):
        high = "max" + low[3:]
        if limits.HasField(low) and limits.HasField(high) and getattr(limits, low) > getattr(limits, high):
            wrong.append(Violation(f"{at}.{low}", f"must be at most {high}"))
    if definition.indexed and (depth > 1 or kind not in INDEXABLE):
        wrong.append(Violation(f"{at}.indexed", f"lists find records by these alone: {', '.join(INDEXABLE)}"))
    if depth > DEEPEST:
        wrong.append(Violation(at, f"at most {DEEPEST} deep"))
    elif kind == "list" and limits.HasField("value_definition"):
        _wrong_with(limits.value_definition, f"{at}.value_definition", wrong, depth + 1)
    elif kind == "map":
        for number, inner in enumerate(limits.properties):
            _wrong_with(inner, f"{at}.properties[{number}]", wrong, depth + 1)
    if definition.HasField("default_value") and depth <= DEEPEST:
        told = len(wrong)
        _sound(definition.default_value, f"{at}.default_value", wrong, 1)
        if len(wrong) == told:
            _check_of(definition)(definition.default_value, f"{at}.default_value", wrong)


def _check_of(definition: Any) -> Check:
    kind: str = kind_of(definition)
    inner = _makers[kind](getattr(definition, kind), kind)
    required = definition.required

    def check(value: Any, path: str, wrong: list[Violation]) -> None:
        if value.WhichOneof("kind") != kind:
            wrong.append(Violation(f"{path}.type", f"must be {kind}"))
            return
        inner(getattr(value, kind), f"{path}.{kind}", wrong, required)

    return check


# Holds the inner message of a property, of the right type, to its limits.
Inner = Callable[[Any, str, list[Violation], bool], None]


def _limit(limits: Any, name: str) -> Any:
    return getattr(limits, name) if limits.HasField(name) else None


def _text(limits: Any, kind: str) -> Inner:
    longest = _limit(limits, "max_length")

    def check(inner: Any, path: str, wrong: list[Violation], required: bool) -> None:
        if required and not inner.value:
            wrong.append(Violation(f"{path}.value", REQUIRED))
        elif longest is not None and len(inner.value) > longest:
            wrong.append(Violation(f"{path}.value", f"at most {longest} characters"))

    return check


def _number(limits: Any, kind: str) -> Inner:
    least, most = _limit(limits, "min"), _limit(limits, "max")

    def check(inner: Any, path: str, wrong: list[Violation], required: bool) -> None:
        if not inner.HasField("value"):
            if required:
                wrong.append(Violation(f"{path}.value", REQUIRED))
        elif least is not None and inner.value < least:
            wrong.append(Violation(f"{path}.value", f"at least {least}"))
        elif most is not None and inner.value > most:
            wrong.append(Violation(f"{path}.value", f"at most {most}"))

    return check


def _boolean(limits: Any, kind: str) -> Inner:
    def check(inner: Any, path: str, wrong: list[Violation], required: bool) -> None:
        if required and not inner.HasField("value"):
            wrong.append(Violation(f"{path}.value", REQUIRED))

    return check


def _file(limits: Any, kind: str) -> Inner:
    wanted = limits.file_type.lower()

    def check(inner: Any, path: str, wrong: list[Violation], required: bool) -> None:
        if required and not inner.url:
            wrong.append(Violation(f"{path}.url", REQUIRED))
        if wanted and not _fits(inner.file_type.lower(), wanted):
            wrong.append(Violation(f"{path}.file_type", f"must be {limits.file_type}"))

    return check


def _fits(told: str, wanted: str) -> bool:
    return told.startswith(wanted[:-1]) if wanted.endswith("/*") else told == wanted


def _group(limits: Any, kind: str) -> Inner:
    each, fewest, most = _file(limits, kind), _limit(limits, "min_count"), _limit(limits, "max_count")

    def check(inner: Any, path: str, wrong: list[Violation], required: bool) -> None:
        _counted(len(inner.files), fewest, most, f"{path}.files", wrong, required)
        for at, file in enumerate(inner.files):
            own = file.WhichOneof("kind")
            each(getattr(file, own), f"{path}.files[{at}].{own}", wrong, True)

    return check


def _counted(number: int, fewest: int | None, most: int | None, path: str, wrong: list[Violation], required: bool) -> None:
    if required and not number:
        wrong.append(Violation(path, REQUIRED))
    elif fewest is not None and number < fewest:
        wrong.append(Violation(path, f"at least {fewest} entries"))
    elif most is not None and number > most:
        wrong.append(Violation(path, f"at most {most} entries"))


def _list(limits: Any, kind: str) -> Inner:
    fewest, most = _limit(limits, "min_count"), _limit(limits, "max_count")
    each = _check_of(limits.value_definition) if limits.HasField("value_definition") else None

    def check(inner: Any, path: str, wrong: list[Violation], required: bool) -> None:
        _counted(len(inner.values), fewest, most, f"{path}.values", wrong, required)
        if each is not None:
            for at, value in enumerate(inner.values):
                each(value, f"{path}.values[{at}]", wrong)

    return check


def _map(limits: Any, kind: str) -> Inner:
    definitions = Definitions(limits.properties, limits.allow_additional)

    def check(inner: Any, path: str, wrong: list[Violation], required: bool) -> None:
        if required and not inner.map:
            wrong.append(Violation(f"{path}.map", REQUIRED))
        else:
            definitions.hold(inner.map, f"{path}.map.", wrong)

    return check


_makers: dict[str, Callable[[Any, str], Inner]] = {
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(NUMBERS, _number),
    "boolean": _boolean,
    **dict.fromkeys(FILES, _file),
    **dict.fromkeys(GROUPS, _group),
    "list": _list,
    "map": _map,
}
assert tuple(field.name for field in PropertyDefinition.DESCRIPTOR.oneofs_by_name["kind"].fields) == KINDS

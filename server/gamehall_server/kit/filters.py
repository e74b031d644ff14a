"""Filters of lists: the contract says how a field chooses rows, and this file makes conditions with bound parameters of it.

A filter has few shapes (a range may be open at either end), so the statements of a list are as many as its filters allow, whatever
callers ask for: their values are parameters.
"""

import re
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, NamedTuple

from gamehall.options.v1 import options_pb2 as options
from google.protobuf.descriptor import FieldDescriptor
from sqlalchemy import Boolean, Column, ColumnElement, Integer, String, Table, and_, bindparam, not_, or_

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.columns import JSONText, Moment
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.rpc import Drift
from gamehall_server.kit.storage import any_of, holding, like, starting
from gamehall_server.kit.validation import rules_of

LOWEST, HIGHEST = -(2**63), 2**63 - 1
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
# Both ways in which the published lists spell them.
OPERATORS = {"GT": "GT", "LT": "LT", "EQ": "EQ", "GOE": "GOE", "GTE": "GOE", "LOE": "LOE", "LTE": "LOE"}
Parameters = dict[str, Any]
# The shape of a condition, and the values of its parameters.
Asked = tuple[Hashable, Parameters]


class Written(NamedTuple):
    """A condition that no column tells alone, such as the tags of a record: `List(things, filters={"filter_tag": Written(…)})`.

    condition: in SQL, with one parameter, called as the request's field.
    value:     from the field's value to the parameter's, which is hashable; raises Invalid.
    """

    condition: ColumnElement[bool]
    value: Callable[[Any], Hashable] = lambda value: value


class Filter:
    """One field of a list request. `ask` turns its value into a shape and parameters, `where` a shape into a condition; `pins` is the
    column that a condition holds at one value; `check` looks into the database whether the value makes sense, and raises Invalid."""

    __slots__ = ("ask", "check", "name", "optional", "pins", "where")

    def __init__(
        self,
        name: str,
        ask: Callable[[Any], Asked],
        where: Callable[[Any], ColumnElement[bool]],
        *,
        optional: bool = False,
        pins: str | None = None,
        check: Callable[[Call, Any], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.check = check
        self.optional = optional
        self.ask = ask
        self.where = where
        self.pins = pins


def equals(name: str, column: Column[Any], value: Callable[[Any], Any] | None = None, *, optional: bool = False) -> Filter:
    """Whether the column equals the parameter `name`."""

    def ask(given: Any) -> Asked:
        return None, {name: given if value is None else value(given)}

    return Filter(name, ask, lambda shape: column == bindparam(name, type_=column.type), optional=optional, pins=column.key)


# Which filters a call uses, each with the shape of its condition.
Chosen = tuple[tuple[Filter, Hashable], ...]


def choose(filters: list[Filter], request: Any) -> tuple[Chosen, Parameters]:
    """What a request asks for. Raises Invalid, naming the field."""
    chosen: list[tuple[Filter, Hashable]] = []
    parameters: Parameters = {}
    for each in filters:
        value = getattr(request, each.name)
        if value or (each.optional and value != "" and request.HasField(each.name)):
            shape, bound = each.ask(value)
            chosen.append((each, shape))
            parameters.update(bound)
    return tuple(chosen), parameters


def compile_filter(field: FieldDescriptor, table: Table, written: Written | Filter | None = None) -> Filter:
    """The filter of a request's field. Raises Drift when the column is missing or the types do not fit."""
    rule, name = rules_of(field).filter, field.name
    if isinstance(written, Filter):
        return written
    if written is not None:
        wanted = written
        return Filter(name, lambda value: (None, {name: wanted.value(value)}), lambda shape: wanted.condition, optional=field.has_presence)
    column = table.columns.get(rule.column or name)
    if column is None:
        raise Drift(f"{field.full_name} has no column in {table.name}")
    made = None if field.is_repeated else _MATCHES[rule.match](field, column)
    if made is None:
        match = options.Match.Name(rule.match).removeprefix("MATCH_").replace("UNSPECIFIED", "EQUAL")
        raise Drift(f"{field.full_name} cannot filter {table.name}.{column.name} by {match}: the types do not fit")
    return made


# One function for each way to match; None where the field's type or the column's does not fit.


def _equal(field: Any, column: Column[Any]) -> Filter | None:
    name, kind = field.name, column.type
    if isinstance(kind, Moment):
        return _at(field, column, lambda first, last: (first, last))
    if isinstance(kind, Integer) and _is_text(field):
        return equals(name, column, lambda value: whole(value, name))
    if isinstance(kind, Boolean):
        # Without presence nobody could ask for false.
        fits = field.cpp_type == FieldDescriptor.CPPTYPE_BOOL and field.has_presence
    else:
        fits = _is_whole(field) if isinstance(kind, Integer) else _is_text(field) and _holds_text(column)
    return equals(name, column, optional=field.has_presence) if fits else None


def _prefix(field: Any, column: Column[Any]) -> Filter | None:
    return _alike(field, column, starting)


def _contains(field: Any, column: Column[Any]) -> Filter | None:
    return _alike(field, column, holding)


def _alike(field: Any, column: Column[Any], pattern: Callable[[str], str]) -> Filter | None:
    if not (_is_text(field) and _holds_text(column)):
        return None
    name = field.name
    return Filter(name, lambda value: (None, {name: pattern(value)}), lambda shape: like(column, name))


def _any_of(field: Any, column: Column[Any]) -> Filter | None:
    name = field.name
    numbers = isinstance(column.type, Integer) and not isinstance(column.type, Moment)
    if not (_is_text(field) and (numbers or _holds_text(column))):
        return None

    def ask(value: str) -> Asked:
        found = words(value, name)
        return None, {name: tuple(whole(word, name) for word in found) if numbers else found}

    return Filter(name, ask, lambda shape: any_of(column, name))


def _none_of(field: Any, column: Column[Any]) -> Filter | None:
    made = _any_of(field, column)
    return made and Filter(made.name, made.ask, lambda shape: or_(not_(made.where(shape)), column.is_(None)))


def _compare(field: Any, column: Column[Any]) -> Filter | None:
    if not (_is_text(field) and isinstance(column.type, Integer)):
        return None
    unit = _unit(column)
    return _within(field, column, lambda value: span(value, unit, field.name))


def _at_least(field: Any, column: Column[Any]) -> Filter | None:
    return _at(field, column, lambda first, last: (first, HIGHEST))


def _at_most(field: Any, column: Column[Any]) -> Filter | None:
    return _at(field, column, lambda first, last: (LOWEST, last))


def _present(field: Any, column: Column[Any]) -> Filter | None:
    if not (field.cpp_type == FieldDescriptor.CPPTYPE_BOOL and field.has_presence):
        return None
    return Filter(field.name, lambda value: (value, {}), lambda shape: column.is_not(None) if shape else column.is_(None), optional=True)


_MATCHES: dict[int, Callable[[Any, Column[Any]], Filter | None]] = {
    options.MATCH_UNSPECIFIED: _equal,
    options.MATCH_PREFIX: _prefix,
    options.MATCH_CONTAINS: _contains,
    options.MATCH_ANY_OF: _any_of,
    options.MATCH_NONE_OF: _none_of,
    options.MATCH_COMPARE: _compare,
    options.MATCH_AT_LEAST: _at_least,
    options.MATCH_AT_MOST: _at_most,
    options.MATCH_PRESENT: _present,
}


def _at(field: Any, column: Column[Any], ends: Callable[[int, int], tuple[int, int]]) -> Filter | None:
    """A range around the one number of a field."""
    unit = _unit(column)
    if not (_is_whole(field) and isinstance(column.type, Integer)):
        return None
    return _within(field, column, lambda value: _sensible(*ends(value * unit, value * unit + unit - 1), field.name))


def _within(field: Any, column: Column[Any], read: Callable[[Any], tuple[int, int]]) -> Filter:
    low, high = bindparam(f"{field.name}__low", type_=column.type), bindparam(f"{field.name}__high", type_=column.type)

    def ask(value: Any) -> Asked:
        first, last = read(value)
        found = {low.key: first} if first > LOWEST else {}
        if last < HIGHEST:
            found[high.key] = last
        return tuple(found), found

    def where(shape: tuple[str, ...]) -> ColumnElement[bool]:
        # A number outside of 64 bits leaves a range open at that end; null is in none.
        return and_(column.is_not(None), *(column >= low if key == low.key else column <= high for key in shape))

    return Filter(field.name, ask, where, optional=field.has_presence)


def whole(text: str, field: str) -> int:
    """A whole number of 64 bits. Raises Invalid."""
    number = int(text) if _WHOLE.fullmatch(text) else HIGHEST + 1
    if not LOWEST <= number <= HIGHEST:
        raise Invalid(f"{text[:40]!r} is not a whole number of 64 bits", field=field)
    return number


def words(text: str, field: str) -> tuple[str, ...]:
    """The entries of a comma separated list, each once. Raises Invalid when there is none."""
    found = tuple(dict.fromkeys(word for part in text.split(",") if (word := part.strip())))
    if not found:
        raise Invalid("a comma separated list with nothing in it", field=field)
    return found


def span(text: str, unit: int, field: str) -> tuple[int, int]:
    """The first and the last number that match OP,VALUE pairs, in units of which the caller sees whole ones. Raises Invalid."""
    parts = [part.strip() for part in re.split("[,:]", text)]
    if len(parts) % 2:
        raise Invalid("pairs of an operator and a value are wanted, such as GT,123,LT,456", field=field)
    low, high = LOWEST, HIGHEST
    for word, value in zip(parts[::2], parts[1::2], strict=True):
        operator = OPERATORS.get(word.upper())
        if operator is None:
            raise Invalid(f"{word[:40]!r} is no operator; there are {', '.join(OPERATORS)}", field=field)
        first = whole(value, field) * unit
        last = first + unit - 1
        if operator in ("EQ", "GOE", "GT"):
            low = max(low, last + 1 if operator == "GT" else first)
        if operator in ("EQ", "LOE", "LT"):
            high = min(high, first - 1 if operator == "LT" else last)
    return _sensible(low, high, field)


def _sensible(low: int, high: int, field: str) -> tuple[int, int]:
    if low > min(high, HIGHEST) or high < LOWEST:
        raise Invalid("no value is within this range", field=field)
    return low, high


def _unit(column: Column[Any]) -> int:
    return SECOND if isinstance(column.type, Moment) else 1


def _is_text(field: Any) -> bool:
    return bool(field.type == FieldDescriptor.TYPE_STRING)


def _is_whole(field: Any) -> bool:
    return field.cpp_type in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64)


def _holds_text(column: Column[Any]) -> bool:
    # SQLModel wraps its texts in a type of its own.
    kind = getattr(column.type, "impl", column.type)
    return isinstance(kind, String) and not isinstance(kind, JSONText)

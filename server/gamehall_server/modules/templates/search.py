"""Lists that find records by their properties: `filter_property=color:red`, `filter_property=level:GTE,5,LT,9;color:red`."""

import re
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Table, and_, bindparam, cast, select, union_all

from gamehall_server.kit.call import Call
from gamehall_server.kit.columns import Exact
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.filters import OPERATORS, Asked, Filter
from gamehall_server.modules.templates import tables

FIELD = "filter_property"
MOST_CONDITIONS = 4
_NUMBER = re.compile(r"[+-]?[0-9]{1,19}(\.[0-9]{1,18})?", re.ASCII)
_COMPARED: dict[str, Any] = {
    "GT": lambda column, value: column > value,
    "LT": lambda column, value: column < value,
    "EQ": lambda column, value: column == value,
    "GOE": lambda column, value: column >= value,
    "LOE": lambda column, value: column <= value,
}


def by_property(kind: str, table: Table) -> Filter:
    """The filter of a list's `filter_property`. Conditions are separated by semicolons; each is NAME:VALUE, or NAME:OP,NUMBER with one or
    several pairs, where OP is GT, LT, EQ, GOE or GTE, LOE or LTE. A template must mark the property as indexed."""
    key, v = table.primary_key.columns[0], tables.values.table

    def ask(text: str) -> Asked:
        shape: list[tuple[str, ...]] = []
        parameters: dict[str, Any] = {}
        for number, (name, pairs, value) in enumerate(_conditions(text)):
            at = f"{FIELD}__{number}"
            parameters[f"{at}_name"] = name
            if value is not None:
                parameters[f"{at}_text"] = value
                if _NUMBER.fullmatch(value):
                    parameters[f"{at}_0"] = _exact(value)
                    shape.append(("text", "EQ"))
                else:
                    shape.append(("text",))
            else:
                parameters.update({f"{at}_{index}": given for index, (_, given) in enumerate(pairs)})
                shape.append(tuple(operator for operator, _ in pairs))
        return tuple(shape), parameters

    def where(shape: tuple[tuple[str, ...], ...]) -> ColumnElement[bool]:
        record = cast(v.c.record, BigInteger) if isinstance(key.type, Integer) else v.c.record
        found = []
        for number, kinds in enumerate(shape):
            at = f"{FIELD}__{number}"
            here = select(record).where(v.c.kind == kind, v.c.name == bindparam(f"{at}_name"))
            compared = [
                _COMPARED[operator](v.c.number, bindparam(f"{at}_{index}", type_=Exact()))
                for index, operator in enumerate(each for each in kinds if each != "text")
            ]
            ways = [here.where(v.c.text == bindparam(f"{at}_text"))] if kinds[0] == "text" else []
            if compared:
                ways.append(here.where(*compared))
            found.append(key.in_(ways[0] if len(ways) == 1 else union_all(*ways)))
        return and_(*found)

    async def check(call: Call, text: str) -> None:
        for name, _, _ in _conditions(text) if text else ():
            if not await tables.is_marked(call.db, kind, name):
                raise Invalid(f"no template marks the property {name[:100]!r} as indexed", field=FIELD)

    return Filter(FIELD, ask, where, check=check)


def _conditions(text: str) -> list[tuple[str, list[tuple[str, Any]], str | None]]:
    """(property, pairs of operator and number, the value that it must equal) for each condition. Raises Invalid."""
    found = []
    for part in text.split(";"):
        name, colon, value = part.partition(":")
        if not (name.strip() and colon and value):
            raise Invalid("NAME:VALUE or NAME:OP,NUMBER is wanted, such as color:red or level:GTE,5", field=FIELD)
        words = value.split(",")
        pairs = []
        if len(words) % 2 == 0 and words[0].upper() in OPERATORS:
            for operator, number in zip(words[::2], words[1::2], strict=True):
                if operator.upper() not in OPERATORS or not _NUMBER.fullmatch(number):
                    raise Invalid(f"pairs of {', '.join(OPERATORS)} and a number are wanted", field=FIELD)
                pairs.append((OPERATORS[operator.upper()], _exact(number)))
        found.append((name.strip(), pairs, None if pairs else value))
    if len(found) > MOST_CONDITIONS:
        raise Invalid(f"at most {MOST_CONDITIONS} conditions", field=FIELD)
    return found


def _exact(text: str) -> int | Decimal:
    return Decimal(text) if "." in text else int(text)

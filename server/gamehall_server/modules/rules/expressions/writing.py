"""Expressions as people read them, so that `reading` makes the same trees of them again."""

import json
from typing import Any

from gamehall.rules.v1 import expressions_pb2 as pb
from google.protobuf.struct_pb2 import Value

from gamehall_server.modules.rules.expressions.grammar import (
    AFTER_POINT,
    CAPITALS,
    CONFIG,
    COUNT_UP,
    OF_LOOKUPS,
    OF_OPERATORS,
    USER_NAMED,
    WORD,
    WORDS_OF_KINDS,
    Written,
    natural_kind,
)
from gamehall_server.modules.rules.expressions.lookups import lookup_named
from gamehall_server.modules.rules.expressions.operators import OPERATORS
from gamehall_server.modules.rules.expressions.values import LARGEST, plain

LONGEST = 10_000
_DEEPEST = 40
# Nobody reads this as anything.
_CUT = "…"


def written(expression: pb.Expression) -> str:
    """The text of an expression; what is not known is written as it is called. What is too long is cut, and ends with three points."""
    text = _written(expression, 0).text
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + _CUT


def _written(expression: pb.Expression, depth: int) -> Written:
    kind = expression.WhichOneof("kind")
    if kind is None or depth > _DEEPEST:
        return Written(_CUT)
    told: Any = getattr(expression, kind)

    def inner(each: pb.Expression) -> Written:
        return _written(each, depth + 1)

    def pairs(of: Any) -> str:
        return ", ".join(f"{_name(name)}: {inner(of[name]).text}" for name in sorted(of))

    match kind:
        case "constant":
            return Written(_constant(told))
        case "parameter":
            return Written(f"event.{told.of}" if AFTER_POINT.fullmatch(told.of) else f"event.{_quoted(told.of)}")
        case "global":
            return Written(f"global {_name(told.global_def_id)}" + (f"({pairs(told.scopes)})" if told.scopes else ""))
        case "global_check_and_increment":
            return COUNT_UP.write([inner(told.global_resource), inner(told.check_value_resource)])
        case "config_lookup":
            return CONFIG.write([inner(told.lookup_key)])
        case "username_lookup":
            return USER_NAMED.write([inner(told.lookup_key)])
        case "lookup":
            return Written(f"{_lookup(told.value_type)}({inner(told.lookup_key).text})")
        case "map":
            return Written(f"{{{pairs(told.map)}}}")
        case "event_context":
            return Written(f"event {_name(told.event_name)}({pairs(told.parameters)})")
        case _:
            return _operation(kind, told, [inner(each) for each in told.args])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _name(text: str) -> str:
    return text if WORD.fullmatch(text) else _quoted(text)


def _constant(told: pb.Constant) -> str:
    """A value, and its type where that is another than the value's own."""
    text, own = _value(told.value, told.value_type)
    return text if own == told.value_type else f"{text} as {_name(told.value_type)}"


def _value(value: Value, wanted: str) -> tuple[str, str | None]:
    """The text of a value, and the type that such a text has by itself."""
    match value.WhichOneof("kind"):
        case "string_value":
            return _quoted(value.string_value), "string"
        case "bool_value":
            return str(value.bool_value).lower(), "boolean"
        case "number_value":
            number = value.number_value
            is_whole = number.is_integer() and abs(number) < LARGEST and wanted != "number"
            return (str(int(number)), "integer") if is_whole else (repr(number), "number")
        case "struct_value" | "list_value":
            return f"json {_quoted(json.dumps(plain(value), sort_keys=True))}", None
        case _:
            return "null", None


def _lookup(name: str) -> str:
    """What a lookup is called; what there is not, as it is quoted."""
    found = lookup_named(name)
    if name in OF_LOOKUPS:
        return name
    if found is None:
        return f"lookup {_quoted(name)}"
    rest = found[1]
    bare = (AFTER_POINT if name[-len(rest) - 1] == "." else WORD).fullmatch(rest)
    return name if bare else name.removesuffix(rest) + _quoted(rest)


def _operation(kind: str, told: Any, args: list[Written]) -> Written:
    operator, form = OPERATORS.get(told.op), OF_OPERATORS.get(told.op)
    if operator and form and (len(args) == len(operator.takes) or (operator.more and len(args) > len(operator.takes))):
        made = form.write(args)
    else:
        name = told.op if CAPITALS.fullmatch(told.op) else f"operator {_quoted(told.op)}"
        made = Written(f"{name}({', '.join(each.text for each in args)})")
    if kind == natural_kind(told.op):
        return made
    return Written(f"{made.text if made.closed else f'({made.text})'} as {WORDS_OF_KINDS[kind]}")

"""Expressions as people read them."""

import json
from typing import Any

from gamehall.rules.v1 import expressions_pb2 as pb

from gamehall_server.modules.rules.expressions.operators import OPERATORS
from gamehall_server.modules.rules.expressions.values import plain

LONGEST = 10_000
# Several arguments stand between these words.
_BETWEEN = {"AND": " and ", "OR": " or "}
_DEEPEST = 40


def written(expression: pb.Expression) -> str:
    """The text of an expression; what is not known is written as it is called."""
    return _written(expression, 0)[:LONGEST]


def _written(expression: pb.Expression, depth: int) -> str:
    kind = expression.WhichOneof("kind")
    if kind is None or depth > _DEEPEST:
        return "…"
    told: Any = getattr(expression, kind)

    def inner(each: pb.Expression) -> str:
        return _written(each, depth + 1)

    def pairs(of: Any) -> str:
        return ", ".join(f"{name}: {inner(of[name])}" for name in sorted(of))

    if kind == "constant":
        return json.dumps(plain(told.value), ensure_ascii=False)
    if kind == "parameter":
        return f"event.{told.of}"
    if kind == "global":
        return f"global {told.global_def_id}" + (f"({pairs(told.scopes)})" if told.scopes else "")
    if kind == "global_check_and_increment":
        return f"count up {inner(told.global_resource)} while below {inner(told.check_value_resource)}"
    if kind in ("lookup", "config_lookup", "username_lookup"):
        what = told.value_type if kind == "lookup" else {"config_lookup": "config", "username_lookup": "user named"}[kind]
        return f"{what}({inner(told.lookup_key)})"
    if kind == "map":
        return f"{{{pairs(told.map)}}}"
    if kind == "event_context":
        return f"{told.event_name}({pairs(told.parameters)})"
    return _operation(told, [_bracketed(each, inner(each)) for each in told.args])


def _bracketed(expression: pb.Expression, text: str) -> str:
    """What is made of several stands in brackets inside something else."""
    kind = expression.WhichOneof("kind") or ""
    many = (kind == "predicate" or kind.endswith("operation")) and len(getattr(expression, kind).args) > 1
    return f"({text})" if many else text


def _operation(told: Any, args: list[str]) -> str:
    operator = OPERATORS.get(told.op)
    if operator is None or len(args) < len(operator.takes):
        return f"{told.op}({', '.join(args)})"
    if told.op in _BETWEEN:
        return _BETWEEN[told.op].join(args)
    if operator.more:
        return operator.template.replace("{0}", args[0]).replace("{1}", f"({', '.join(args[1:])})")
    text = operator.template
    # One after the other: what is put in may hold braces of its own.
    parts = [text]
    for at, arg in enumerate(args):
        parts = [piece for part in parts for piece in _split(part, f"{{{at}}}", arg)]
    return "".join(parts)


def _split(part: str, mark: str, arg: str) -> list[str]:
    head, found, tail = part.partition(mark)
    return [head, _Kept(arg), tail] if found and not isinstance(part, _Kept) else [part]


class _Kept(str):
    """What was put in, and is searched no more."""

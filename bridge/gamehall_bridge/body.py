"""Bodies as JSON, and what is wrong with those that are none."""

import json
import math
from decimal import Decimal
from typing import Any

import msgspec
import orjson
from gamehall_server.kit.errors import Invalid, Malformed, Violation

from gamehall_bridge.scalars import NOT_UNICODE, is_unicode

# Levels of JSON. Free JSON needs three messages a level, and protobuf reads no more than 100.
DEEPEST = 32
# Beyond this exponent a number may be larger than any double, and orjson reads none of those.
_LARGEST = 307


def _number(digits: str) -> Decimal:
    number = Decimal(digits)
    if number.adjusted() > _LARGEST and math.isinf(float(number)):
        raise ValueError(digits)
    return number


_exact = msgspec.json.Decoder(float_hook=_number)


def parse(body: bytes, path: str = "", exact: bool = False) -> Any:
    """The JSON value of a body, of equal keys the last. Raises Malformed, or Invalid naming the field whose text is not Unicode;
    `path` stands before its name. With `exact`, at three times the cost, numbers with a point come as Decimal."""
    try:
        value = _exact.decode(body) if exact else orjson.loads(body)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise _diagnosed(body, path) from None
    if body.count(b"{") + body.count(b"[") > DEEPEST and _is_deeper(value):
        raise Malformed(f"The body is nested more than {DEEPEST} levels deep.")
    return value


def decoded(body: bytes) -> str:
    """A body that is plain text."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Malformed("The body is not valid UTF-8.") from None


def _is_deeper(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            item for whole in level for item in (whole.values() if whole.__class__ is dict else whole) if item.__class__ in (dict, list)
        ]
        if not level:
            return False
    return True


def _diagnosed(body: bytes, path: str) -> Invalid:
    """The refusal of what orjson does not read. Half a surrogate pair is the one mistake that has a field: Python's own reader finds it."""
    if b"\\u" in body:
        try:
            value = json.loads(body)
            if not _is_deeper([value]) and (found := _lone_surrogate(value, path)) is not None:
                return Invalid(violations=(Violation(_shown(found), NOT_UNICODE),))
        except (ValueError, RecursionError):
            pass
    return Malformed("The body is not valid JSON.")


def _lone_surrogate(value: Any, path: str) -> str | None:
    """The path of the first text that UTF-8 cannot write."""
    if value.__class__ is str:
        return None if is_unicode(value) else path
    if value.__class__ is list:
        return next((found for index, item in enumerate(value) if (found := _lone_surrogate(item, f"{path}[{index}]")) is not None), None)
    if value.__class__ is dict:
        for key, item in value.items():
            at = f"{path}.{key}" if path else key
            found = at if not is_unicode(key) else _lone_surrogate(item, at)
            if found is not None:
                return found
    return None


def _shown(path: str) -> str:
    return path.encode(errors="replace").decode()[:200]

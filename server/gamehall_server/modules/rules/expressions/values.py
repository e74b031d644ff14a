"""The values of expressions. A value that is not there is None; what an operator makes of it is None, but for those that ask for it."""

import math
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import NULL_VALUE, Value

from gamehall_server.modules.events.variables import BOOLEAN as BASE_BOOLEAN
from gamehall_server.modules.events.variables import DATE as BASE_DATE
from gamehall_server.modules.events.variables import INTEGER as BASE_INTEGER
from gamehall_server.modules.events.variables import NUMBER as BASE_NUMBER
from gamehall_server.modules.events.variables import STRING as BASE_STRING

# What an expression gives. ANY is what only the moment tells.
NUMBER, INTEGER, STRING, DATE, BOOLEAN, MAP, EVENT, ANY = "NUMBER", "INTEGER", "STRING", "DATE", "BOOLEAN", "MAP", "EVENT", "ANY"
OF_BASE = {BASE_NUMBER: NUMBER, BASE_INTEGER: INTEGER, BASE_STRING: STRING, BASE_DATE: DATE, BASE_BOOLEAN: BOOLEAN}
LONGEST_TEXT = 64 * 1024
LARGEST = 2**63


class Failed(Exception):
    """A rule that cannot go on: a division by zero, a text too long, a user who is not there. Its text is for the log."""


def plain(value: Value) -> Any:
    """A value of the contract as JSON has it; whole numbers without a fraction."""
    told = MessageToDict(value)
    return int(told) if isinstance(told, float) and told == int(told) else told


def value_in(told: Any) -> Value:
    """A value as the contract has it."""
    made = Value()
    if told is None:
        made.null_value = NULL_VALUE
    elif isinstance(told, bool):
        made.bool_value = told
    elif isinstance(told, (int, float)):
        made.number_value = told
    elif isinstance(told, str):
        made.string_value = told
    else:
        made.struct_value.update(told)
    return made


def fits(given: str, wanted: str) -> bool:
    """Whether what is of one type may stand where another is wanted."""
    return ANY in (given, wanted) or given == wanted or (given, wanted) == (INTEGER, NUMBER)


_KINDS: dict[str, tuple[type, ...]] = dict.fromkeys((INTEGER, DATE), (int,))
_KINDS |= {NUMBER: (int, float), STRING: (str,), BOOLEAN: (bool,), MAP: (dict,), EVENT: (tuple,)}


def held(value: Any, wanted: str) -> Any:
    """A value of which only the moment tells what it is, where one of this type is wanted. Raises Failed."""
    if value is not None and (not isinstance(value, _KINDS[wanted]) or (isinstance(value, bool) and wanted != BOOLEAN)):
        raise Failed(f"{wanted} is wanted, and the value is none")
    return value


def whole(value: Any) -> int:
    """A whole number of 64 bits. Raises Failed."""
    if not -LARGEST <= value < LARGEST:
        raise Failed("a whole number of more than 64 bits")
    return int(value)


def real(value: Any) -> float:
    """A number that is one. Raises Failed."""
    number = float(value)
    if not math.isfinite(number):
        raise Failed("a number that is none")
    return number


def text(value: str) -> str:
    """A text that is not too long. Raises Failed."""
    if len(value) > LONGEST_TEXT:
        raise Failed(f"a text of more than {LONGEST_TEXT} characters")
    return value

"""Variable types: what a parameter of an event may be, and which of them have values that people pick from a list."""

import math
from typing import Any, NamedTuple

from gamehall.events.v1 import variables_pb2 as pb

NUMBER, INTEGER, STRING, DATE, BOOLEAN = (
    pb.VARIABLE_BASE_NUMBER,
    pb.VARIABLE_BASE_INTEGER,
    pb.VARIABLE_BASE_STRING,
    pb.VARIABLE_BASE_DATE,
    pb.VARIABLE_BASE_BOOLEAN,
)
LONGEST_TEXT = 10_000
LARGEST = 2**63


class Values(NamedTuple):
    """Where the values of a type are: a table, its key, what people call its records, and the column that is true of those that everybody
    may see."""

    table: str
    key: str
    name: str
    shown: str = ""


class Variable(NamedTuple):
    """A type: its name, what it is to a computer, and its values where they can be listed."""

    name: str
    base: "pb.VariableBase.ValueType"
    values: Values | None = None


# What a parameter may be: the plain types, and records by their keys. What not everybody may list is not listed here either.
VARIABLES = {
    each.name: each
    for each in (
        Variable("integer", INTEGER),
        Variable("number", NUMBER),
        Variable("string", STRING),
        Variable("boolean", BOOLEAN),
        Variable("date", DATE),
        Variable("address", INTEGER),
        Variable("article", STRING, Values("article", "id", "title", "active")),
        Variable("artist", INTEGER, Values("artist", "id", "name")),
        Variable("category", STRING, Values("category", "id", "name", "active")),
        Variable("client", STRING),
        Variable("comment", INTEGER),
        Variable("config", STRING),
        Variable("country", STRING),
        Variable("device", STRING),
        Variable("disposition", INTEGER),
        Variable("flag", INTEGER),
        Variable("game", INTEGER),
        Variable("global", STRING),
        Variable("group", STRING),
        Variable("object", INTEGER),
        Variable("permission", STRING),
        Variable("poll", STRING),
        Variable("provider", STRING),
        Variable("relationship", INTEGER),
        Variable("report", INTEGER),
        Variable("role", STRING),
        Variable("rule", STRING),
        Variable("session", INTEGER),
        Variable("template", STRING),
        Variable("trigger", STRING),
        Variable("user", INTEGER, Values("user", "id", "username")),
        Variable("video", INTEGER),
    )
}
WANTED = {INTEGER: "a whole number", NUMBER: "a number", STRING: "a text", BOOLEAN: "true or false", DATE: "unix seconds"}


def value_of(variable: str, told: Any) -> Any:
    """A value of JSON as one of this type. Raises ValueError, which says what is wanted."""
    base = VARIABLES[variable].base
    wanted = WANTED[base]
    if base == BOOLEAN:
        fits = told is True or told is False
    elif base == STRING:
        fits = isinstance(told, str) and len(told) <= LONGEST_TEXT and "\0" not in told
        wanted = f"a text of at most {LONGEST_TEXT} characters without NUL"
    else:
        fits = isinstance(told, (int, float)) and not isinstance(told, bool) and math.isfinite(told) and -LARGEST <= told < LARGEST
        if fits and base != NUMBER:
            fits, told = told == int(told), int(told)
    if not fits:
        raise ValueError(wanted)
    return told

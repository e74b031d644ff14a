"""One JSON value into the value of one scalar field. Types are told by class: true is not a number.

A number is taken for a text field and digits for a number, where nothing is lost; so the same readers serve paths and query strings.
"""

import base64
import binascii
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from gamehall.options.v1 import options_pb2
from gamehall_server.kit.errors import Violation
from gamehall_server.kit.validation import rules_of
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

# More than anybody mends at once; a body that is wrong in a hundred thousand places is not told of each.
MOST_VIOLATIONS = 100
INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
# Longer ones fit no integer field.
_DIGITS = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
# Above it a double skips whole numbers. JSON integers beyond 64 bits arrive as doubles.
_EXACT = 2**53
NOT_UNICODE = "is not valid Unicode"
# Exponents beyond write nothing but zeros.
_MOST_DIGITS = 60
_LARGEST_FLOAT = 3.4028234663852886e38


class TooMany(Exception):
    """There are as many violations as anybody is told of."""


class Wrong(list[Violation]):
    """What is wrong with a request so far."""

    def append(self, violation: Violation) -> None:
        super().append(violation)
        if len(self) == MOST_VIOLATIONS:
            raise TooMany


# Takes a JSON value, the path to name in a violation, and what is wrong so far; gives the value to set, or None.
Read = Callable[[Any, str, Wrong], Any]


@cache
def words_of(enum: EnumDescriptor) -> dict[int, str]:
    """The published word of each value: as its option says, else its name without the enum's prefix, in lower case."""
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
    words = {}
    for value in enum.values:
        name = value.GetOptions().Extensions[options_pb2.enum_value].name
        words[value.number] = name or value.name.removeprefix(prefix).lower()
    return words


def reader(field: Any) -> Read:
    """A function that turns a JSON value into the value of a scalar field."""
    if field.enum_type is not None:
        return _enum_reader(field)
    limits = INTEGERS.get(field.cpp_type)
    if limits is not None:
        return _integer_reader(*limits)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _read_bool
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return _number_reader(sys.float_info.max)
    if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT:
        return _number_reader(_LARGEST_FLOAT)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _read_bytes
    return _read_text if is_text(field) else _read_decimal


def is_text(field: Any) -> bool:
    """Whether a scalar field holds words, not bytes and not a decimal."""
    return field.type == FieldDescriptor.TYPE_STRING and not rules_of(field).HasField("decimal")


def _read_text(value: Any, path: str, wrong: Wrong) -> Any:
    if value.__class__ is str:
        if value.isascii() or is_unicode(value):
            return value
        wrong.append(Violation(path, NOT_UNICODE))
    elif value.__class__ is int:
        return str(value)
    else:
        wrong.append(Violation(path, "must be text"))
    return None


def _read_decimal(value: Any, path: str, wrong: Wrong) -> Any:
    """The digits of a number, as the contract keeps decimals; how many there may be is a rule of the field."""
    if value.__class__ is str and _NUMBER.fullmatch(value):
        value = Decimal(value)
    if value.__class__ is int:
        return str(value)
    if value.__class__ is Decimal and abs(value.adjusted()) < _MOST_DIGITS:
        return format(value, "f")
    wrong.append(Violation(path, "must be a decimal number"))
    return None


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can write a text: half a surrogate pair cannot be written."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer_reader(smallest: int, largest: int) -> Read:
    def read(value: Any, path: str, wrong: Wrong) -> Any:
        if value.__class__ is str and _DIGITS.fullmatch(value):
            value = int(value)
        elif value.__class__ is float and value.is_integer():
            value = int(value) if -_EXACT <= value <= _EXACT else largest + 1
        elif value.__class__ is Decimal and value.adjusted() < _MOST_DIGITS and value == value.to_integral_value():
            value = int(value)
        if value.__class__ is not int:
            wrong.append(Violation(path, "must be a whole number"))
        elif not smallest <= value <= largest:
            wrong.append(Violation(path, f"must be between {smallest} and {largest}"))
        else:
            return value
        return None

    return read


def _number_reader(largest: float) -> Read:
    def read(value: Any, path: str, wrong: Wrong) -> Any:
        if value.__class__ is Decimal or (value.__class__ is str and _NUMBER.fullmatch(value)):
            value = float(value)
        # Infinity is no number of JSON's; a text such as 1e999 becomes one.
        if (value.__class__ is int or value.__class__ is float) and -largest <= value <= largest:
            return float(value)
        wrong.append(Violation(path, "must be a number"))
        return None

    return read


def _read_bool(value: Any, path: str, wrong: Wrong) -> Any:
    if value.__class__ is bool:
        return value
    if value in ("true", "false"):
        return value == "true"
    wrong.append(Violation(path, "must be true or false"))
    return None


def _read_bytes(value: Any, path: str, wrong: Wrong) -> Any:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        wrong.append(Violation(path, "must be base64"))
        return None


def _enum_reader(field: Any) -> Read:
    numbers = {word: number for number, word in words_of(field.enum_type).items()}
    known = ", ".join(word for word, number in numbers.items() if number)
    # Clients of different years write the same word in different case.
    folded = {word.casefold(): number for word, number in numbers.items()}
    if len(folded) < len(numbers):
        folded = {}

    def read(value: Any, path: str, wrong: Wrong) -> Any:
        number = None
        if value.__class__ is str:
            number = numbers.get(value)
            if number is None:
                number = folded.get(value.casefold())
        if number is None:
            wrong.append(Violation(path, f"must be one of: {known}"))
        return number

    return read

"""More arguments for the calls of calls.json, made from the contract: a call with `vary` is made again with other valid values.

`vary` names fields of the call's one $model, as "field" or "field:kind". What a field may hold is read from the contract: its type, its
limits, its words. Kinds are for what has a form that the contract does not tell: `digits`; `word`, `password` and `email`, each a new one.
"""

import copy
import random
from collections.abc import Iterator
from typing import Any

from gamehall.options.v1 import options_pb2
from gamehall_bridge.scalars import INTEGERS, words_of
from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor

from tests.sdk.published import ANSWERS

TIMES = 4
LONGEST = 200
LETTERS = "abcXYZ 019-_.,'\"<&>/\\%äßéЖ中あ😀\u200b\n\t"
Call = dict[str, Any]


def with_variants(calls: list[Call], methods: dict[str, Any], unique: str) -> list[Call]:
    """The calls, each that varies preceded by its variants. `methods`: the contract's method of each published operation;
    `unique` starts every word that must be a new one."""
    chance = random.Random(20170717)
    return [each for call in calls for each in (*_variants(call, methods[call["call"]], unique, chance), call)]


def _variants(call: Call, method: Any, unique: str, chance: random.Random) -> Iterator[Call]:
    body = method.input_type.fields_by_name.get(method.GetOptions().Extensions[annotations_pb2.http].body)
    for number in range(TIMES if "vary" in call else 0):
        variant = copy.deepcopy({key: value for key, value in call.items() if key not in ("name", "tells", "vary")})
        model = _model(variant["with"])
        told = {}
        for wanted in call["vary"]:
            name, _, kind = wanted.partition(":")
            # A wrapper is the SDK's alone: the contract has the bare value.
            whole = method.input_type if body is None else body.message_type
            field = body if whole is None else whole.fields_by_name[name]
            model[name] = _value(field, kind, number, f"{unique}{number}", chance)
            if not field.GetOptions().Extensions[options_pb2.field].secret:
                told[name] = model[name]
        if ANSWERS[call["call"]] == model["$model"]:
            variant["tells"] = told
        yield variant


def _model(value: Any) -> Any:
    """The one object of the SDK's among a call's arguments."""
    if isinstance(value, dict):
        return value if "$model" in value else next((found for inner in value.values() if (found := _model(inner))), None)
    return next((found for inner in value if (found := _model(inner))), None) if isinstance(value, list) else None


def _value(field: Any, kind: str, number: int, unique: str, chance: random.Random) -> Any:
    rules = field.GetOptions().Extensions[options_pb2.field]
    if kind == "word":
        return unique
    if kind == "password":
        return f"{unique} battery"
    if kind == "email":
        return f"{unique}@example.com"
    if kind == "digits":
        return str(chance.randint(1, 2**31 - 1))
    if field.enum_type is not None:
        words = [word for value, word in words_of(field.enum_type).items() if value]
        return words[number % len(words)]
    if field.cpp_type in INTEGERS:
        smallest, largest = INTEGERS[field.cpp_type]
        smallest = rules.minimum if rules.HasField("minimum") else smallest
        largest = rules.maximum if rules.HasField("maximum") else largest
        # JavaScript has no larger whole numbers.
        limits = max(smallest, -(2**53) + 1), min(largest, 2**53 - 1)
        return (*limits, chance.randint(*limits), chance.randint(*limits))[number % TIMES]
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return number % 2 == 0
    if rules.HasField("decimal"):
        return round(chance.uniform(max(rules.minimum, 0), rules.maximum or 10**6), min(rules.decimal.scale, 6))
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return chance.uniform(-1e6, 1e6)
    shortest = max(rules.min_length, 1)
    longest = max(shortest, min(rules.max_length or LONGEST, LONGEST))
    length = (shortest, longest, chance.randint(shortest, longest), chance.randint(shortest, longest))[number % TIMES]
    return "x" + "".join(chance.choice(LETTERS) for _ in range(length - 1))

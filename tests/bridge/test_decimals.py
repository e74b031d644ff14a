"""Decimal numbers: exact from the client to the method and back, at any size that the contract allows."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.codec import Codec, told, unruly
from tests.bridge.http_contract import type_of

codec = Codec("Money")
put, answered = codec.put, codec.answered
DIGITS = st.tuples(st.integers(-(10**18) + 1, 10**18 - 1), st.integers(0, 99)).map(lambda parts: f"{parts[0]}.{parts[1]:02}")


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(DIGITS, st.lists(DIGITS, max_size=3), st.floats(allow_nan=False, allow_infinity=False))
def test_every_digit_comes_back(price, prices, ratio):
    body = (
        f'{{"price": {price}, "prices": [{", ".join(prices)}], "by_code": {{"usd": {{"value": {price}}}}}, "ratio": {json.dumps(ratio)}}}'
    )

    message = put("Money", body.encode())

    assert (message.price, list(message.prices), message.by_code["usd"].value, message.ratio) == (price, prices, price, ratio)
    told = json.loads(answered(message), parse_float=Decimal, parse_int=Decimal)
    assert (told["price"], told["prices"]) == (Decimal(price), [Decimal(each) for each in prices])
    assert put("Money", answered(message)) == message


@pytest.mark.parametrize(
    "text, digits",
    [
        ("9007199254740993.01", "9007199254740993.01"),
        ("0.1", "0.1"),
        ("12.50", "12.50"),
        ("7", "7"),
        ("-0.05", "-0.05"),
        ("1e3", "1000"),
        ("15E-1", "1.5"),
        ('"12.50"', "12.50"),
        ("null", ""),
    ],
)
def test_a_number_is_kept_as_it_was_written(text, digits):
    assert put("Money", f'{{"price": {text}}}'.encode()).price == digits


def test_an_answer_is_a_number():
    message = type_of("Money")(price="9007199254740993.10", factor="0.000000001", prices=["-1", "0.00"])

    assert answered(message).startswith(b'{"price":9007199254740993.10,"factor":0.000000001,"prices":[-1,0.00]')
    assert b'"price":0,"prices":[]' in answered(type_of("Money")())


@pytest.mark.parametrize("value", ['"x"', "true", "[]", "{}", '""', '"NaN"', '"1e999"', "1e99", "1e-99", '"1_0"', '" 1"'])
def test_what_is_no_decimal_is_named(value):
    assert told(put("Money", f'{{"price": {value}}}'.encode())) == {"price": "must be a decimal number"}
    assert told(put("Money", f'{{"by_code": {{"usd": {{"value": {value}}}}}}}'.encode())) == {
        "by_code.usd.value": "must be a decimal number"
    }


@pytest.mark.parametrize(
    "fields, problem",
    [
        ({"price": "1.234"}, {"price": "at most 2 digits after the point"}),
        ({"price": "1234567890123456789"}, {"price": "at most 18 digits before the point"}),
        ({"price": "-999999999999999999.99"}, {}),
        ({"price": "1e3"}, {"price": "must be a decimal number"}),
        ({"price": "1."}, {"price": "must be a decimal number"}),
        ({"price": ".5"}, {"price": "must be a decimal number"}),
        ({"price": "--1"}, {"price": "must be a decimal number"}),
        ({"price": "٣"}, {"price": "must be a decimal number"}),
        ({"price": "1\0"}, {"price": "must not contain the character NUL"}),
        ({"factor": "-0.1"}, {"factor": "at least 0"}),
        ({"prices": ["1", "1.234", "x"]}, {"prices[1]": "at most 2 digits after the point", "prices[2]": "must be a decimal number"}),
        ({"by_code": {"usd": {"value": "1.234"}}}, {"by_code.usd.value": "at most 2 digits after the point"}),
    ],
)
def test_rules_hold_on_every_door(fields: Any, problem: dict[str, str]):
    assert unruly("Money", **fields) == problem


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    )
)
def test_beside_a_decimal_everything_is_read_as_ever(value):
    message = put("Money", json.dumps({"free": value, "ratio": 1.5, "count": 3.0, "text": 37}).encode())

    assert (message.ratio, message.count, message.text) == (1.5, 3, "37")
    assert json.loads(answered(message)).get("free") == value


@pytest.mark.parametrize("body", [b'{"free": 1e999}', b'{"price": NaN}', b"{", b"[" * 100_000, b'{"text": "\xff"}', b"", b"1" * 10_000])
def test_what_is_not_json_is_refused_here_too(body):
    if body:
        assert list(told(put("Money", body))) == [None]
    assert told(put("Money", b'{"text": "\\ud800"}')) == {"text": "is not valid Unicode"}

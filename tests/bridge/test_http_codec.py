"""JSON from and to messages of every shape a contract may have."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.codec import Codec, told
from tests.bridge.http_contract import type_of
from tests.bridge.http_wire import Answer

INT32 = st.integers(-(2**31), 2**31 - 1)
UINT32 = st.integers(0, 2**32 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
UINT64 = st.integers(0, 2**64 - 1)
DOUBLE = st.floats(allow_nan=False, allow_infinity=False)
# 0 is the absence of a color: it has no word.
COLOR = st.integers(1, 3)
FEW = {"max_size": 3}
FREE = st.recursive(
    st.none() | st.booleans() | DOUBLE | st.integers(-(2**53), 2**53) | st.text(**FEW),
    lambda inner: st.lists(inner, **FEW) | st.dictionaries(st.text(**FEW), inner, **FEW),
    max_leaves=8,
)
NUMBERS = st.fixed_dictionaries(
    {},
    optional={
        "small": INT32,
        "count": UINT32,
        "big": INT64,
        "huge": UINT64,
        "ratio": DOUBLE,
        "flag": st.booleans(),
        "text": st.text(**FEW),
        "raw": st.binary(**FEW),
        "color": COLOR,
        "mood": st.integers(0, 2),
    },
)
TREES = st.recursive(
    st.fixed_dictionaries({"name": st.text(**FEW)}),
    lambda inner: st.fixed_dictionaries(
        {}, optional={"parent": inner, "children": st.lists(inner, **FEW), "named": st.dictionaries(st.text(**FEW), inner, **FEW)}
    ),
    max_leaves=5,
)
MESSAGES: dict[str, Any] = {
    "Numbers": NUMBERS,
    "Perhaps": st.fixed_dictionaries(
        {},
        optional={
            "small": INT32,
            "big": INT64,
            "huge": UINT64,
            "ratio": DOUBLE,
            "flag": st.booleans(),
            "text": st.text(**FEW),
            "raw": st.binary(**FEW),
            "color": COLOR,
        },
    ),
    "Many": st.fixed_dictionaries(
        {},
        optional={
            "small": st.lists(INT32, **FEW),
            "huge": st.lists(UINT64, **FEW),
            "ratio": st.lists(DOUBLE, **FEW),
            "flag": st.lists(st.booleans(), **FEW),
            "text": st.lists(st.text(**FEW), **FEW),
            "raw": st.lists(st.binary(**FEW), **FEW),
            "color": st.lists(COLOR, **FEW),
            "items": st.lists(NUMBERS, **FEW),
        },
    ),
    "Maps": st.fixed_dictionaries(
        {},
        optional={
            "words": st.dictionaries(st.text(**FEW), st.text(**FEW), **FEW),
            "amounts": st.dictionaries(st.text(**FEW), INT64, **FEW),
            "by_number": st.dictionaries(INT32, st.text(**FEW), **FEW),
            "by_big": st.dictionaries(UINT64, st.booleans(), **FEW),
            "by_flag": st.dictionaries(st.booleans(), DOUBLE),
            "colors": st.dictionaries(st.text(**FEW), COLOR, **FEW),
            "raws": st.dictionaries(st.text(**FEW), st.binary(**FEW), **FEW),
            "things": st.dictionaries(st.text(**FEW), NUMBERS, **FEW),
        },
    ),
    "Tree": TREES,
    "Page": st.fixed_dictionaries(
        {
            "content": st.lists(st.text(**FEW), **FEW),
            "info": st.fixed_dictionaries({"size": INT32, "last": st.booleans(), "sort": st.lists(st.text(**FEW), **FEW)}),
        }
    ),
    "Either": st.one_of(
        st.just({}),
        st.fixed_dictionaries({"number": INT64}),
        st.fixed_dictionaries({"tree": TREES}),
        st.fixed_dictionaries({"text": st.text(**FEW)}),
    ),
}
CODEC = [*MESSAGES, "Free", "Nulls", "Outer", "Keyword"]


codec = Codec(*CODEC)
put, read, wrong_with, answered, written, through = codec.put, codec.read, codec.wrong_with, codec.answered, codec.written, codec.through


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_comes_back_as_it_was(name):
    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(MESSAGES[name])
    def holds(fields: Any) -> None:
        message = type_of(name)(**fields)
        assert through(message) == message

    holds()


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(FREE, st.lists(FREE, **FEW), st.dictionaries(st.text(**FEW), FREE, **FEW))
def test_free_json_comes_back_as_it_was(value, values, free):
    given_json = {"value": value, "values": values, "list": values, "object": free}

    message = read("Free", given_json)

    assert json.loads(answered(message)) == {key: item for key, item in given_json.items() if item is not None}
    assert through(message) == message
    assert json.loads(answered(read("Maps", {"free": free})))["free"] == free


@pytest.mark.parametrize(
    "number, kept",
    [
        ("1.0", b"1"),
        ("-0.0", b"0"),
        ("1.5", b"1.5"),
        ("9007199254740992", b"9007199254740992"),
        ("1e18", b"1000000000000000000"),
        ("1e300", b"1e+300"),
    ],
)
def test_whole_numbers_in_free_json_have_no_fraction(number, kept):
    assert answered(put("Free", b'{"values": [%s]}' % number.encode())) == b'{"values":[%s]}' % kept


def test_what_json_has_no_word_for_is_null():
    message = type_of("Free")()
    for number in (math.nan, math.inf, -math.inf):
        message.values.add().number_value = number
    message.values.add()

    assert answered(message) == b'{"values":[null,null,null,null]}'


def test_absent_and_zero_are_two_things_where_a_field_is_optional():
    zero = {"small": 0, "big": 0, "huge": 0, "ratio": 0.0, "flag": False, "text": "", "raw": ""}

    assert written("Perhaps") == {}
    assert written("Perhaps", small=0, big=0, huge=0, ratio=0, flag=False, text="", raw=b"") == zero
    assert read("Perhaps", {}) == type_of("Perhaps")()
    assert read("Perhaps", zero) == type_of("Perhaps")(small=0, big=0, huge=0, ratio=0, flag=False, text="", raw=b"")


def test_null_equals_absent():
    assert read("Perhaps", dict.fromkeys(("small", "text", "flag", "color"))) == type_of("Perhaps")()
    assert read("Many", dict.fromkeys(("small", "items"))) == type_of("Many")()
    assert read("Maps", dict.fromkeys(("words", "things"))) == type_of("Maps")()
    assert read("Tree", {"parent": None}) == type_of("Tree")()
    assert read("Free", {"value": None}) == type_of("Free")()


def test_null_if_unset_is_null_and_other_fields_are_left_out():
    tree = {"name": "", "children": [], "named": {}}

    assert written("Nulls") == {"text": None, "tree": None, "list": None, "secret": ""}
    assert written("Nulls", text="", tree={}, list=[""]) == {"text": "", "tree": tree, "list": [""], "secret": ""}


def test_what_only_the_server_writes_is_skipped():
    assert read("Nulls", {"secret": ["of any type"], "unknown": {"a": 1}}) == type_of("Nulls")()


def test_inline_fields_stand_in_the_object_around_them():
    assert answered(type_of("Page")(content=["a"], info={"size": 25})) == b'{"content":["a"],"size":25,"last":false,"sort":null}'


def test_of_a_oneof_one_may_be_given():
    assert read("Either", {"number": None, "text": "a"}) == type_of("Either")(text="a")
    assert len(wrong_with("Either", {"number": 1, "text": "a"})) == 1


def test_types_with_names_that_look_alike_keep_apart():
    assert written("Outer", inner={"one": 1}, outer_inner={"two": 2}) == {"inner": {"one": 1}, "outer_inner": {"two": 2}}


def test_fields_may_be_called_like_words_of_python():
    message = type_of("Keyword")(**{"from": "a", "class": ["b"]})

    assert through(message) == message


def test_enum_words_are_told_by_their_option_or_made_of_their_name():
    for words, numbers in (
        ({"color": "Grün", "mood": "sad"}, (3, 2)),
        ({"color": "dark_blue", "mood": "happy-go-lucky"}, (2, 1)),
    ):
        message = read("Numbers", words)
        assert (message.color, message.mood) == numbers
        assert json.loads(answered(message)).items() >= words.items()
    assert written("Numbers")["mood"] == "none"
    assert written("Numbers", color=77)["color"] == 77


def test_words_are_known_in_either_case():
    assert read("Numbers", {"color": "GRÜN", "mood": "SAD"}) == read("Numbers", {"color": "Grün", "mood": "sad"})


def test_keys_of_maps_are_text():
    message = type_of("Maps")(by_number={-1: "a"}, by_big={2**64 - 1: True}, by_flag={True: 1.0, False: 0.5})

    assert {key: value for key, value in json.loads(answered(message)).items() if value} == {
        "by_number": {"-1": "a"},
        "by_big": {str(2**64 - 1): True},
        "by_flag": {"true": 1.0, "false": 0.5},
    }


def test_integers_of_64_bits_are_numbers_and_keep_every_digit():
    body = b'{"huge":18446744073709551615,"big":-9223372036854775808,"unknown":1}'

    message = put("Perhaps", body)

    assert answered(message) == b'{"big":-9223372036854775808,"huge":18446744073709551615}'


@pytest.mark.parametrize("value", [1, "1", 1.0, "01"])
def test_a_whole_number_may_come_as_digits(value):
    assert read("Numbers", {"small": value, "huge": value}) == type_of("Numbers")(small=1, huge=1)


@pytest.mark.parametrize("value, number", [("1.5", 1.5), ("-2", -2.0), ("1e3", 1000.0), (3, 3.0)])
def test_a_number_may_come_as_text(value, number):
    assert read("Numbers", {"ratio": value}).ratio == number


@pytest.mark.parametrize("value, text", [("a", "a"), (1, "1"), (2**64 - 1, str(2**64 - 1)), (0, "0")])
def test_a_text_may_come_as_a_number(value, text):
    assert read("Numbers", {"text": value}).text == text


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b' {"unknown": {"deep": []}} '])
def test_no_body_and_an_empty_one_are_the_same(body):
    assert put("Numbers", body) == type_of("Numbers")()


def test_of_two_equal_keys_the_last_counts():
    assert put("Numbers", b'{"small": 1, "small": 2}').small == 2


NOT_JSON = [
    b"{", b"}", b'{"small": }', b'{"small": 1,}', b"{'small': 1}", b'{"small": 01}', b'{"small": +1}', b'{"small": .5}', b'{"ratio": NaN}',
    b'{"ratio": Infinity}', b'{"ratio": -Infinity}', b'{"ratio": 1e999}', b'{"text": "\x00"}', b'{"text": "\n"}', b'{"text": "\xff"}',
    b'{"text": "\xed\xa0\x80"}', b'{"text": "\xc0\x80"}', b'{"text": "\\x"}', b'{"text": "a}', b"{} {}", b"\xef\xbb\xbf{}", b"\xff",
    b"\x00",    b"nul", b"<a/>", b"a=b", "{}".encode("utf-16"), b"[" * 100_000, b'{"a":' * 100_000, b'{"text": "\\u12"}',
]  # fmt: skip


@pytest.mark.parametrize("body", NOT_JSON, ids=lambda body: repr(body[:20]))
def test_what_is_not_json_is_refused(body):
    assert list(told(put("Numbers", body))) == [None]


@pytest.mark.parametrize("text", [r'"\ud800"', r'"\udfff"', r'"a\udc00b"', r'"\ud800\ud800"', r'"\udc00\ud800"'])
def test_half_a_pair_of_surrogates_is_refused_with_its_field(text):
    for body, field in (
        (f'{{"text": {text}}}', "text"),
        (f'{{"raw": {text}}}', "raw"),
        (f'{{"unknown": {text}}}', "unknown"),
        (f'{{"mood": "sad", "text": "right", "color": {text}}}', "color"),
    ):
        assert list(told(put("Numbers", body.encode()))) == [field]
    assert list(told(put("Many", f'{{"items": [{{}}, {{"text": {text}}}]}}'.encode()))) == ["items[1].text"]
    assert len(told(put("Maps", f'{{"words": {{{text}: "a"}}}}'.encode()))) == 1


INTEGERS = [True, "x", "", " 1", "+1", "1.0", "1e3", 1.5, "9" * 30, "٣", [], {}, [1]]
# Doubles beyond 2^53 skip whole numbers: what was meant is not known.
WRONG: dict[str, list[Any]] = {
    "small": [*INTEGERS, 2**31, -(2**31) - 1, str(2**31), 1e300],
    "count": [*INTEGERS, 2**32, -1],
    "big": [*INTEGERS, 2**63, -(2**63) - 1, 2**64, 2.0**63, 2.0**60],
    "huge": [*INTEGERS, 2**64, -1, 2.0**64],
    "ratio": [True, "x", "", "NaN", "inf", "1e999", "1_0", "0x1", "9" * 99, [], {}],
    "flag": [0, 1, 1.0, "yes", "True", "", [], {}],
    "text": [True, False, 1.5, 2**64, [], {}, ["a"]],
    "raw": [True, 1, 1.5, "a", "aa", "!!!!", "ä", "YQ==\n", [], {}],
    "color": [True, 1, 0, 1.5, "", "purple", "COLOR_RED", [], {}],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_named_wherever_it_stands(name):
    for value in WRONG[name]:
        alone = wrong_with("Numbers", {name: value})
        assert list(alone) == [name], value
        assert wrong_with("Many", {"items": [{}, {name: value}]}) == {f"items[1].{name}": alone[name]}
        assert wrong_with("Maps", {"things": {"a b": {name: value}}}) == {f"things.a b.{name}": alone[name]}
        if name not in ("count", "big"):
            assert wrong_with("Many", {name: [value]}) == {f"{name}[0]": alone[name]}
    if name not in ("count", "big"):
        assert list(wrong_with("Many", {name: [None]})) == [f"{name}[0]"]


def test_an_unknown_word_is_answered_with_the_known_ones():
    assert wrong_with("Numbers", {"color": "purple"}) == {"color": "must be one of: red, dark_blue, Grün"}


@pytest.mark.parametrize("value", [True, 1, "a", 1.5, {"a": 1}])
def test_a_list_must_be_a_list(value):
    assert wrong_with("Many", {"small": value, "items": value}) == {"small": "must be a list", "items": "must be a list"}
    assert wrong_with("Free", {"list": value}) == {"list": "must be a list"}


@pytest.mark.parametrize("value", [True, 1, "a", 1.5, [1]])
def test_an_object_must_be_an_object(value):
    assert wrong_with("Maps", {"words": value}) == {"words": "must be an object"}
    assert wrong_with("Maps", {"things": {"a": value}}) == {"things.a": "must be an object"}
    assert wrong_with("Tree", {"parent": value}) == {"parent": "must be an object"}
    assert wrong_with("Tree", {"children": [value]}) == {"children[0]": "must be an object"}
    assert wrong_with("Free", {"object": value}) == {"object": "must be an object"}


def test_keys_of_maps_are_read_like_fields():
    wrong_keys = {"by_number": {"x": "a"}, "by_flag": {"1": 1}, "by_big": {"-1": True}}

    assert list(wrong_with("Maps", wrong_keys)) == ["by_number.x", "by_flag.1", "by_big.-1"]
    assert list(wrong_with("Maps", {"amounts": {"a": "x", "b": None}})) == ["amounts.a", "amounts.b"]


def test_every_wrong_field_is_told_at_once():
    wrong = wrong_with("Numbers", {"small": "x", "flag": 1, "color": "purple", "text": "right"})

    assert list(wrong) == ["small", "flag", "color"]


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(CODEC), st.data())
def test_any_json_is_read_or_refused(name, data):
    keys = [field.name for field in type_of(name).DESCRIPTOR.fields]
    value = data.draw(FREE | st.dictionaries(st.sampled_from(keys), FREE, max_size=5))

    message = put(name, json.dumps(value).encode())

    if isinstance(message, Answer):
        assert told(message)
    else:
        assert type(message).FromString(message.SerializeToString()) == message
        assert json.loads(answered(message)) is not None

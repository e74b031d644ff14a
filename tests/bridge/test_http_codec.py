"""JSON from and to messages of every shape a contract may have."""

import math
from typing import Any

import orjson
import pytest
from gamehall_bridge.app import Bridge
from gamehall_bridge.binding import DEEPEST
from gamehall_bridge.decode import decode
from gamehall_bridge.encode import encoder, field_encoder, words_of
from gamehall_server.kit.errors import Violation
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.http_contract import Echo, Operation, call, rpcs_of, type_of
from tests.bridge.http_wire import check_oauth_refusal

INT32 = st.integers(-(2**31), 2**31 - 1)
UINT32 = st.integers(0, 2**32 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
UINT64 = st.integers(0, 2**64 - 1)
DOUBLE = st.floats(allow_nan=False, allow_infinity=False)
COLOR = st.integers(0, 3)
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
}


def through(name: str, message: Any) -> Any:
    """A message, written as JSON and read again."""
    text = orjson.dumps(encoder(type_of(name).DESCRIPTOR)(message))
    again, wrong = type_of(name)(), []
    decode(orjson.loads(text), again, "", wrong)
    assert wrong == []
    return again


def read(name: str, value: Any) -> Any:
    """A message read from JSON that is right."""
    message, wrong = type_of(name)(), []
    decode(orjson.loads(orjson.dumps(value)), message, "", wrong)
    assert wrong == []
    return message


def wrong_with(name: str, value: Any) -> list[Violation]:
    """What is wrong with JSON for a message."""
    wrong: list[Violation] = []
    decode(value, type_of(name)(), "", wrong)
    return wrong


def written(name: str, **fields: Any) -> Any:
    """The JSON of a message."""
    return encoder(type_of(name).DESCRIPTOR)(type_of(name)(**fields))


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_comes_back_as_it_was(name):
    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(MESSAGES[name])
    def holds(fields: Any) -> None:
        message = type_of(name)(**fields)
        assert through(name, message) == message

    holds()


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(FREE, st.lists(FREE, **FEW), st.dictionaries(st.text(**FEW), FREE, **FEW))
def test_free_json_comes_back_as_it_was(value, values, free):
    told = {"value": value, "values": values, "list": values, "object": free}

    message = read("Free", told)

    expected = {key: item for key, item in told.items() if item is not None}
    assert encoder(message.DESCRIPTOR)(message) == expected
    assert through("Free", message) == message
    assert encoder(type_of("Maps").DESCRIPTOR)(read("Maps", {"free": free}))["free"] == free


@pytest.mark.parametrize("number, kept", [(1.0, "1"), (-0.0, "0"), (1.5, "1.5"), (2**53, str(2**53)), (1e18, str(10**18)), (1e300, "1e300"), (2**63, "9.223372036854775808e18")])  # fmt: skip
def test_whole_numbers_in_free_json_have_no_fraction(number, kept):
    message = read("Free", {"values": [number]})

    assert orjson.dumps(encoder(message.DESCRIPTOR)(message)["values"]) == f"[{kept}]".encode()


def test_what_json_has_no_word_for_is_null():
    message = type_of("Free")()
    for number in (math.nan, math.inf, -math.inf):
        message.values.add().number_value = number
    message.values.add()

    assert orjson.dumps(encoder(message.DESCRIPTOR)(message)["values"]) == b"[null,null,null,null]"


def test_absent_and_zero_are_two_things_where_a_field_is_optional():
    zero = {"small": 0, "big": 0, "huge": 0, "ratio": 0.0, "flag": False, "text": "", "raw": "", "color": "unspecified"}

    assert written("Perhaps") == {}
    assert written("Perhaps", small=0, big=0, huge=0, ratio=0, flag=False, text="", raw=b"", color=0) == zero
    assert read("Perhaps", {}) == type_of("Perhaps")()
    assert read("Perhaps", zero) == type_of("Perhaps")(small=0, big=0, huge=0, ratio=0, flag=False, text="", raw=b"", color=0)


def test_null_equals_absent():
    assert read("Perhaps", dict.fromkeys(("small", "text", "flag", "color"))) == type_of("Perhaps")()
    assert read("Many", dict.fromkeys(("small", "items"))) == type_of("Many")()
    assert read("Maps", dict.fromkeys(("words", "things"))) == type_of("Maps")()
    assert read("Tree", {"parent": None}) == type_of("Tree")()
    assert read("Free", {"value": None}) == type_of("Free")()


def test_null_if_unset_is_null_and_other_fields_are_left_out():
    assert written("Nulls") == {"text": None, "tree": None, "list": None, "secret": ""}
    assert written("Nulls", text="", tree={}, list=[""]) == {
        "text": "",
        "tree": {"name": "", "children": [], "named": {}},
        "list": [""],
        "secret": "",
    }


def test_what_only_the_server_writes_is_skipped():
    assert read("Nulls", {"secret": ["of any type"], "unknown": {"a": 1}}) == type_of("Nulls")()


def test_inline_fields_stand_in_the_object_around_them():
    assert written("Page", content=["a"], info={"size": 25}) == {"content": ["a"], "size": 25, "last": False, "sort": None}


def test_types_with_names_that_look_alike_keep_apart():
    assert written("Outer", inner={"one": 1}, outer_inner={"two": 2}) == {"inner": {"one": 1}, "outer_inner": {"two": 2}}


def test_fields_may_be_called_like_words_of_python():
    message = type_of("Keyword")(**{"from": "a", "class": ["b"]})

    assert through("Keyword", message) == message
    assert field_encoder(message.DESCRIPTOR.fields_by_name["from"])(message) == "a"
    assert field_encoder(message.DESCRIPTOR.fields_by_name["class"])(message) == ["b"]


def test_enum_words_are_told_by_their_option_or_made_of_their_name():
    color, mood = (type_of("Numbers").DESCRIPTOR.fields_by_name[name].enum_type for name in ("color", "mood"))

    assert words_of(color) == {0: "unspecified", 1: "red", 2: "dark_blue", 3: "Grün"}
    assert words_of(mood) == {0: "none", 1: "happy-go-lucky", 2: "sad"}
    assert read("Numbers", {"color": "Grün", "mood": "sad"}) == type_of("Numbers")(color=3, mood=2)
    assert written("Numbers", color=77)["color"] == 77


def test_keys_of_maps_are_text():
    message = type_of("Maps")(by_number={-1: "a"}, by_big={2**64 - 1: True}, by_flag={True: 1.0, False: 0.5})

    assert {key: value for key, value in encoder(message.DESCRIPTOR)(message).items() if value} == {
        "by_number": {"-1": "a"},
        "by_big": {str(2**64 - 1): True},
        "by_flag": {"true": 1.0, "false": 0.5},
    }


@pytest.mark.parametrize("value", [1, "1", 1.0, "01"])
def test_a_whole_number_may_come_as_digits(value):
    assert read("Numbers", {"small": value, "huge": value}) == type_of("Numbers")(small=1, huge=1)


@pytest.mark.parametrize("value, number", [("1.5", 1.5), ("-2", -2.0), ("1e3", 1000.0), (3, 3.0)])
def test_a_number_may_come_as_text(value, number):
    assert read("Numbers", {"ratio": value}).ratio == number


@pytest.mark.parametrize("value, text", [("a", "a"), (1, "1"), (2**64 - 1, str(2**64 - 1)), (0, "0")])
def test_a_text_may_come_as_a_number(value, text):
    assert read("Numbers", {"text": value}).text == text


INTEGERS = [True, "x", "", " 1", "+1", "1.0", "1e3", 1.5, 1e300, "9" * 30, "٣", [], {}, [1]]
WRONG = {
    "small": ([*INTEGERS, 2**31, -(2**31) - 1, str(2**31)], ("must be a whole number", "must be between -2147483648 and 2147483647")),
    "count": ([*INTEGERS, 2**32, -1], ("must be a whole number", "must be between 0 and 4294967295")),
    "big": ([*INTEGERS, 2**63, -(2**63) - 1, 2.0**63], ("must be a whole number", f"must be between {-(2**63)} and {2**63 - 1}")),
    "huge": ([*INTEGERS, 2**64, -1, 2.0**64], ("must be a whole number", f"must be between 0 and {2**64 - 1}")),
    "ratio": ([True, "x", "", "NaN", "inf", "1e999", "1_0", "0x1", "9" * 99, [], {}], ("must be a number",)),
    "flag": ([0, 1, 1.0, "yes", "True", "", [], {}], ("must be true or false",)),
    "text": ([True, False, 1.5, [], {}, ["a"], "\ud800", "a\udfff"], ("must be text", "is not valid Unicode")),
    "raw": ([True, 1, 1.5, "a", "aa", "!!!!", "ä", "\ud800", "YQ==\n", [], {}], ("must be base64",)),
    "color": ([True, 1, 0, 1.5, "", "purple", "RED", "COLOR_RED", "\ud800", [], {}], ("must be one of: red, dark_blue, Grün",)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_named_wherever_it_stands(name):
    values, messages = WRONG[name]
    for value in values:
        (alone,) = wrong_with("Numbers", {name: value})
        assert alone.field == name, value
        assert alone.message in messages, value
        assert wrong_with("Many", {"items": [{}, {name: value}]}) == [Violation(f"items[1].{name}", alone.message)]
        assert wrong_with("Maps", {"things": {"a b": {name: value}}}) == [Violation(f"things.a b.{name}", alone.message)]
        if name in ("small", "huge", "ratio", "flag", "text", "raw", "color"):
            assert wrong_with("Many", {name: [value]}) == [Violation(f"{name}[0]", alone.message)]
    if name not in ("count", "big"):
        assert [violation.field for violation in wrong_with("Many", {name: [None]})] == [f"{name}[0]"]


@pytest.mark.parametrize("value", [True, 1, "a", 1.5, {"a": 1}])
def test_a_list_must_be_a_list(value):
    assert wrong_with("Many", {"small": value, "items": value}) == [
        Violation("small", "must be a list"),
        Violation("items", "must be a list"),
    ]


@pytest.mark.parametrize("value", [True, 1, "a", 1.5, [1]])
def test_an_object_must_be_an_object(value):
    assert wrong_with("Maps", {"words": value}) == [Violation("words", "must be an object")]
    assert wrong_with("Maps", {"things": {"a": value}}) == [Violation("things.a", "must be an object")]
    assert wrong_with("Tree", {"parent": value}) == [Violation("parent", "must be an object")]
    assert wrong_with("Tree", {"children": [value]}) == [Violation("children[0]", "must be an object")]
    assert wrong_with("Free", {"object": value}) == [Violation("object", "must be an object")]


def test_free_json_in_a_list_must_be_a_list():
    for value in (True, 1, "a", {}):
        assert wrong_with("Free", {"list": value}) == [Violation("list", "must be a list")]


def test_keys_of_maps_are_read_like_fields():
    assert [
        violation.field for violation in wrong_with("Maps", {"by_number": {"x": "a"}, "by_flag": {"1": 1}, "by_big": {"-1": True}})
    ] == [
        "by_number.x",
        "by_flag.1",
        "by_big.-1",
    ]
    assert wrong_with("Maps", {"amounts": {"a": "x", "b": None}}) == [
        Violation("amounts.a", "must be a whole number"),
        Violation("amounts.b", "must be a whole number"),
    ]


def test_every_wrong_field_is_told_at_once():
    assert [violation.field for violation in wrong_with("Numbers", {"small": "x", "flag": 1, "color": "purple", "text": "right"})] == [
        "small",
        "flag",
        "color",
    ]


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(["Numbers", "Perhaps", "Many", "Maps", "Free", "Tree", "Nulls"]), st.data())
def test_any_json_is_read_or_refused(name, data):
    keys = [field.name for field in type_of(name).DESCRIPTOR.fields]
    value = data.draw(FREE | st.dictionaries(st.sampled_from(keys), FREE, max_size=5))
    message, wrong = type_of(name)(), []

    decode(value, message, "", wrong)

    encoder(message.DESCRIPTOR)(message)
    assert type_of(name).FromString(message.SerializeToString()) == message


# Whole requests.

TREE = Operation("POST /tree", "Tree", "Tree", "*")
OPERATIONS = (
    TREE,
    Operation("GET /any/{id}", "Any"),
    Operation("PUT /any/{id}", "Any", body="*"),
    Operation("POST /any/{id}", "Any", body="body"),
    Operation("PUT /number/{id}", "WithNumber", body="value"),
    Operation("PUT /words", "WithWords", "WithWords", "words", "words"),
    Operation("PUT /value", "WithValue", "WithValue", "value", "value"),
    Operation("PUT /list", "WithList", "WithList", "list", "list"),
    Operation("GET /text", response="Text", answer="text"),
    Operation("POST /form", "Any", body="*", oauth=True),
)


@pytest.fixture
def echo():
    return Echo(rpcs_of(*OPERATIONS))


@pytest.fixture
def bridge(echo):
    return Bridge(echo)


def asked(echo: Echo) -> Any:
    """The one request that got through."""
    ((_, request, _),) = echo.asked
    echo.asked.clear()
    return request


def told(answer: Any) -> dict[str | None, str]:
    """What a refusal says of each field."""
    assert answer.status == 400, answer
    return {result["field"]: result["message"] for result in answer.json()["result"]}


@pytest.mark.parametrize("left, right", [(b'{"parent":', b"}"), (b'{"children":[', b"]}"), (b'{"named":{"a":', b"}}")])
def test_a_message_that_holds_itself_is_read_as_deep_as_protobuf_goes(echo, bridge, left, right):
    levels = left.count(b"{") + left.count(b"[")
    fits = DEEPEST // levels
    deepest = left * fits if fits * levels == DEEPEST else left * fits + b"{}"
    deepest += right * fits if fits * levels == DEEPEST else right * fits

    bridge_answer = call(
        bridge,
        "POST",
        "/tree",
        body=deepest.replace(b":}", b":{}}") if fits * levels != DEEPEST else left * (fits - 1) + b"{}" + right * (fits - 1),
    )
    request = asked(echo)
    refused = call(bridge, "POST", "/tree", body=left * DEEPEST + b"{}" + right * DEEPEST)

    assert bridge_answer.status == 200
    assert type(request).FromString(request.SerializeToString()) == request
    assert told(refused) == {None: f"The body is nested more than {DEEPEST} levels deep."}
    assert echo.asked == []

"""What a body or a query may look like, and which field is named when it is wrong."""

import gzip
from typing import Any

import orjson
import pytest
from gamehall_bridge.app import Bridge
from gamehall_server.kit.errors import Invalid, Violation

from tests.bridge.http_contract import Echo, Operation, call, rpcs_of, type_of

PUT_COLOR, PUT_BIG, PUT_NAME, PUT_FLAG = "/color", "/big", "/name", "/flag"


@pytest.fixture
def echo() -> Echo:
    return Echo(
        rpcs_of(
            Operation("PUT /color", "Any", body="color"),
            Operation("PUT /big", "Any", body="big"),
            Operation("PUT /name", "Any", body="name"),
            Operation("PUT /flag", "Any", body="flag"),
            Operation("PUT /numbers", "Any", body="numbers"),
            Operation("PUT /whole/{id}", "Any", body="*"),
            Operation("PUT /inside/{id}", "Any", body="body"),
            Operation("PUT /free", "WithValue", body="value"),
            Operation("PUT /required", "WithNumber", body="value"),
            Operation("GET /any", "Any"),
        )
    )


@pytest.fixture
def bridge(echo: Echo) -> Bridge:
    return Bridge(echo, largest_body=100_000)


def put(bridge: Bridge, path: str, body: bytes, **options: Any) -> Any:
    return call(bridge, "PUT", path, body=body, **options)


BARE = [
    ("/name", "name", b'"hello"', "hello"),
    ("/name", "name", b"hello", "hello"),
    ("/name", "name", b'{"value": "hello"}', "hello"),
    ("/name", "name", b'{"value": "hello", "more": 1}', "hello"),
    ("/name", "name", "grün und blau".encode(), "grün und blau"),
    ("/name", "name", b"37", "37"),
    ("/name", "name", b" true ", "true"),
    ("/name", "name", b'{"value": 37}', "37"),
    ("/name", "name", b'"a" and "b"', '"a" and "b"'),
    ("/name", "name", b"", ""),
    ("/name", "name", b"null", ""),
    ("/name", "name", b'{"value": null}', ""),
    ("/big", "big", b"37", 37),
    ("/big", "big", b'"37"', 37),
    ("/big", "big", b"37.0", 37),
    ("/big", "big", b'{"value": 37}', 37),
    ("/big", "big", b"9223372036854775807", 2**63 - 1),
    ("/big", "big", b"-9223372036854775808", -(2**63)),
    ("/big", "big", b"", 0),
    ("/color", "color", b'"red"', 1),
    ("/color", "color", b"dark_blue", 2),
    ("/color", "color", "Grün\n".encode(), 3),
    ("/color", "color", b'{"value": "red"}', 1),
    ("/flag", "flag", b"true", True),
    ("/flag", "flag", b'{"value": false}', False),
]


@pytest.mark.parametrize("path, field, body, value", BARE)
def test_a_bare_value_comes_quoted_unquoted_or_wrapped(echo, bridge, path, field, body, value):
    assert put(bridge, path, body).status == 204
    assert getattr(echo.asked[0][1], field) == value


WRONG = [
    ("/big", b"18446744073709551616", "big"),
    ("/big", b"9223372036854775808", "big"),
    ("/big", b"-9223372036854775809", "big"),
    ("/big", b"1e300", "big"),
    ("/big", b"true", "big"),
    ("/big", b'{"value": true}', "value"),
    ("/big", b'{"value": 36893488147419103232}', "value"),
    ("/color", b"purple", "color"),
    ("/color", b'{"value": "purple"}', "value"),
    ("/name", b'{"value": ["a"]}', "value"),
    ("/name", b'{"value": true}', "value"),
    ("/name", b'"\\ud800"', "name"),
    ("/name", b'{"value": "a\\udfff"}', "value"),
    ("/flag", b"1", "flag"),
    ("/numbers", b'[1, "x"]', "numbers[1]"),
    ("/numbers", b'{"value": [1]}', "numbers"),
    ("/inside/1", b'{"big": 36893488147419103232}', "big"),
    ("/inside/1", b'{"text": "a\\ud800"}', "text"),
    ("/inside/1", b'{"a": {"b\\ud800": 1}}', "a.b?"),
    ("/inside/1", b'{"color": 3}', "color"),
    ("/inside/x", b"{}", "id"),
    ("/whole/1", b'{"body": {"big": "x"}}', "body.big"),
    ("/whole/1", b'{"name": [], "flag": 0}', "name"),
    ("/free", b'{"a": ["\\udc00"]}', "a[0]"),
]


@pytest.mark.parametrize("path, body, field", WRONG)
def test_a_wrong_value_is_named_as_the_client_wrote_it(echo, bridge, path, body, field):
    answer = put(bridge, path, body)

    assert (answer.status, answer.json()["result"][0]["field"]) == (400, field), answer
    assert answer.json()["code"] == 10
    assert echo.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1,}',
        b"[",
        b"\xff\xfe",
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a": 01}',
        b'{"a": 1e999}',
        b"[]",
        b"3",
        b'"a"',
        b"[" * 5000,
        b'{"big":' * 40 + b"1" + b"}" * 40,
    ],
)
def test_what_is_no_json_object_is_malformed(echo, bridge, body):
    answer = put(bridge, "/inside/1", body)

    if body == b"":
        assert answer.status == 204
        return
    assert (answer.status, answer.json()["code"], answer.json()["result"][0]["field"]) == (400, 11, None)
    assert echo.asked == []


def test_of_equal_keys_the_last_counts(echo, bridge):
    assert put(bridge, "/inside/1", b'{"big": 1, "big": 2}').status == 204
    assert echo.asked[0][1].body.big == 2


def test_the_path_says_more_than_the_body(echo, bridge):
    assert put(bridge, "/whole/7", b'{"id": 8, "name": "a"}').status == 204
    assert put(bridge, "/whole/7", b'{"id": "not looked at"}').status == 204
    assert [request.id for _, request, _ in echo.asked] == [7, 7]


def test_a_query_does_not_touch_what_path_and_body_say(echo, bridge):
    assert call(bridge, "PUT", "/inside/7", query=b"id=8&body.big=3&name=a", body=b'{"big": 2}').status == 204
    assert echo.asked[0][1] == type_of("Any")(id=7, name="a", body={"big": 2})


def test_a_query_fills_scalars_lists_and_dotted_paths(echo, bridge):
    query = b"id=3&name=a%20b+c&big=&flag=true&ratio=1.5&color=red&numbers=1,2&numbers=3&body.text=x&body.big=4&unknown=5"

    assert call(bridge, "GET", "/any", query=query).status == 204
    assert echo.asked[0][1] == type_of("Any")(
        id=3, name="a b c", flag=True, ratio=1.5, color=1, numbers=[1, 2, 3], body={"text": "x", "big": 4}
    )


@pytest.mark.parametrize(
    "query, field",
    [
        (b"id=x", "id"),
        (b"flag=yes", "flag"),
        (b"ratio=1e999", "ratio"),
        (b"color=purple", "color"),
        (b"numbers=1,x", "numbers[1]"),
        (b"body.big=x", "body.big"),
    ],
)
def test_a_wrong_parameter_is_named(bridge, query, field):
    answer = call(bridge, "GET", "/any", query=query)

    assert (answer.status, answer.json()["result"][0]["field"]) == (400, field)


@pytest.mark.parametrize("query", [b"name=%FF", b"&".join(b"a=1" for _ in range(500))])
def test_a_query_that_cannot_be_read_is_malformed(bridge, query):
    answer = call(bridge, "GET", "/any", query=query)

    assert (answer.status, answer.json()["code"]) == (400, 11)


def test_a_body_that_is_wrong_everywhere_gets_a_short_answer(bridge):
    answer = put(bridge, "/numbers", orjson.dumps(["x"] * 20_000))

    assert answer.status == 400
    assert len(answer.json()["result"]) == 100


def test_no_body_where_one_is_required_reaches_the_rules(echo, bridge):
    echo.answer = Invalid(violations=(Violation("value", "required"),))

    answer = put(bridge, "/required", b"")

    assert answer.json()["result"] == [{"field": "value", "message": "required", "details": None}]


@pytest.mark.parametrize(
    "body, told, field",
    [
        (b"", "name", "name"),
        (b"hello", "name", "name"),
        (b'{"value": "a"}', "name", "value"),
        (b"{broken", "id", "id"),
    ],
)
def test_a_rule_that_a_bare_value_breaks_is_told_of_what_was_sent(echo, bridge, body, told, field):
    if body != b"{broken":
        echo.answer = Invalid(violations=(Violation(told, "too long"),))
        assert put(bridge, "/name", body).json()["result"][0]["field"] == field
    else:
        assert put(bridge, "/name", body).json()["result"][0]["field"] is None


def test_a_rule_of_the_product_names_fields_without_the_body(echo, bridge):
    echo.answer = Invalid(
        violations=(Violation("body.text", "a"), Violation("id", "b"), Violation("bodyguard", "c"), Violation("body", "d"))
    )

    told = put(bridge, "/inside/1", b"{}").json()["result"]

    assert [entry["field"] for entry in told] == ["text", "id", "bodyguard", "body"]


def test_bodies_too_large_compressed_or_in_parts_are_refused(echo, bridge):
    large = put(bridge, "/inside/1", b'"' + b"a" * 100_001 + b'"')
    declared = put(bridge, "/inside/1", b"", headers=[(b"content-length", b"100001")])
    packed = put(bridge, "/inside/1", gzip.compress(b"{}"), headers=[(b"content-encoding", b"GZip")])
    parts = put(bridge, "/name", b"--x--", headers=[(b"content-type", b"Multipart/form-data; boundary=x")])

    assert [answer.status for answer in (large, declared, packed, parts)] == [413, 413, 415, 415]
    assert [answer.json()["code"] for answer in (large, declared, packed, parts)] == [40, 40, 11, 11]
    assert echo.asked == []


def test_a_body_is_json_whatever_its_type_says(echo, bridge):
    for kind in (b"text/plain", b"application/x-www-form-urlencoded", b"", b"application/json;charset=UTF-8"):
        assert put(bridge, "/inside/1", b'{"big": 2}', headers=[(b"content-type", kind)]).status == 204
    assert {request.body.big for _, request, _ in echo.asked} == {2}


def test_answers_may_be_one_field():
    operations = [Operation("GET /text", "Nothing", "Any", answer="name"), Operation("GET /big", "Nothing", "Any", answer="big")]
    operations += [
        Operation("GET /list", "Nothing", "WithWords", answer="words"),
        Operation("GET /free", "Nothing", "WithValue", answer="value"),
    ]
    echo = Echo(rpcs_of(*operations))
    bridge = Bridge(echo)

    def told(path: str, answer: Any) -> tuple[bytes, str | None]:
        echo.answer = answer
        got = call(bridge, "GET", path)
        return got.body, got.header("content-type")

    value = type_of("WithValue")()
    value.value.struct_value.fields["a"].number_value = 2
    assert told("/text", type_of("Any")(name='say "ü"')) == ('say "ü"'.encode(), "text/plain;charset=UTF-8")
    assert told("/big", type_of("Any")(big=2**62)) == (str(2**62).encode(), "application/json;charset=UTF-8")
    assert told("/list", type_of("WithWords")(words=["a", "b"])) == (b'["a","b"]', "application/json;charset=UTF-8")
    assert told("/list", type_of("WithWords")()) == (b"[]", "application/json;charset=UTF-8")
    assert told("/free", value) == (b'{"a":2}', "application/json;charset=UTF-8")

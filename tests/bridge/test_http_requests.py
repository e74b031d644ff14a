"""Whole requests: path, query and body into one message, and what is told of those that cannot be read."""

from typing import Any

import pytest
from gamehall_bridge.app import Bridge
from gamehall_bridge.body import DEEPEST

from tests.bridge.http_contract import Echo, Operation, call, rpcs_of, type_of
from tests.bridge.http_wire import Answer


def told(answer: Any) -> dict[str | None, str]:
    """What a refusal says of each field."""
    assert isinstance(answer, Answer), answer
    assert answer.status == 400, answer
    return {result["field"]: result["message"] for result in answer.json()["result"]}


TREE = Operation("POST /tree", "Tree", "Tree", "*")
OPERATIONS = (
    TREE,
    Operation("GET /any/{id}", "Any"),
    Operation("PUT /any/{id}", "Any", body="*"),
    Operation("POST /any/{id}", "Any", body="body"),
    Operation("PUT /number/{id}", "WithAmount", body="amount"),
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


@pytest.mark.parametrize("left, right", [(b'{"parent":', b"}"), (b'{"children":[', b"]}"), (b'{"named":{"a":', b"}}")])
def test_a_message_that_holds_itself_is_read_as_deep_as_protobuf_goes(echo, bridge, left, right):
    levels = (DEEPEST - 1) // (left.count(b"{") + left.count(b"["))
    deepest = left * levels + b"{}" + right * levels

    answer = call(bridge, "POST", "/tree", body=deepest)
    request = asked(echo)
    refused = call(bridge, "POST", "/tree", body=left * DEEPEST + b"{}" + right * DEEPEST)

    assert answer.status == 200
    assert request.ByteSize() > levels
    assert type(request).FromString(request.SerializeToString()) == request
    assert told(refused) == {None: f"The body is nested more than {DEEPEST} levels deep."}
    assert echo.asked == []


@pytest.mark.parametrize("left, right", [(b'{"a":', b"}"), (b"[", b"]"), (b'[{"a":', b"}]")])
def test_free_json_is_read_as_deep_as_protobuf_goes(echo, bridge, left, right):
    levels = (DEEPEST - 1) // len(right)
    deepest = left * levels + b"[]" + right * levels

    answer = call(bridge, "PUT", "/value", body=deepest)
    request = asked(echo)
    echo.answer = request
    again = call(bridge, "PUT", "/value", body=deepest)
    too_deep = [call(bridge, "PUT", "/value", body=left * n + b"1" + right * n) for n in (DEEPEST + 1, 500, 900, 10_000)]

    assert answer.status == 200
    assert type(request).FromString(request.SerializeToString()) == request
    assert again.body == deepest
    assert [refusal.status for refusal in too_deep] == [400] * 4


def test_brackets_in_text_are_not_depth(echo, bridge):
    assert call(bridge, "PUT", "/value", body=b'"' + b"[{" * 5000 + b'"').status == 200
    assert call(bridge, "PUT", "/list", body=b"[" + b",".join([b"[]"] * 5000) + b"]").status == 200


def test_the_path_tells_more_than_the_body(echo, bridge):
    call(bridge, "PUT", "/any/5", body=b'{"id": 6, "name": "x", "body": {"small": 1}}')

    assert asked(echo) == type_of("Any")(id=5, name="x", body={"small": 1})


def test_a_query_is_read_like_json(echo, bridge):
    call(bridge, "GET", "/any/5", b"id=6&name=a%20b+c&big=-1&ratio=1.5&flag=true&color=red&numbers=1,2&numbers=3&body=x&unknown=1&name=")

    assert asked(echo) == type_of("Any")(id=5, name="a b c", big=-1, ratio=1.5, flag=True, color=1, numbers=[1, 2, 3])


@pytest.mark.parametrize(
    "query, field",
    [
        (b"big=9223372036854775808", "big"),
        (b"big=1.5", "big"),
        (b"ratio=x", "ratio"),
        (b"ratio=1e999", "ratio"),
        (b"flag=1", "flag"),
        (b"color=purple", "color"),
        (b"numbers=1,x", "numbers[1]"),
        (b"numbers=1,,2", "numbers[1]"),
        (b"big=%00", "big"),
    ],
)
def test_a_wrong_parameter_is_named(echo, bridge, query, field):
    assert list(told(call(bridge, "GET", "/any/5", query))) == [field]
    assert echo.asked == []


@pytest.mark.parametrize("query", [b"name=%ff", b"name=%ed%a0%80", b"name=\xff", b"%ff=1", b"&".join([b"a=b"] * 201)])
def test_a_query_that_cannot_be_read_is_refused(echo, bridge, query):
    assert list(told(call(bridge, "GET", "/any/5", query))) == [None]


@pytest.mark.parametrize("path", ["/any/x", "/any/1.5", "/any/2147483648", "/any/%20", "/any/%00", "/any/+1"])
def test_a_wrong_path_is_named(echo, bridge, path):
    assert list(told(call(bridge, "GET", path))) == ["id"]


def test_wrong_fields_of_path_query_and_body_are_told_together(echo, bridge):
    answer = call(bridge, "POST", "/any/x", b"big=x", b'{"small": "x"}')

    assert set(told(answer)) == {"id", "big", "small"}


def test_a_body_of_one_number_comes_bare_or_wrapped(echo, bridge):
    for body in (b"37", b'"37"', b'{"value": 37}', b'{"value": "37", "more": 1}', b" 37 "):
        assert call(bridge, "PUT", "/number/5", body=body).status in (200, 204)
        assert asked(echo) == type_of("WithAmount")(id=5, amount=37)
    for body in (b"x", b'{"value": 37', b"\xff"):
        assert list(told(call(bridge, "PUT", "/number/5", body=body))) == [None]
    for body in (b"[37]", b"1.5", b"true", b"9223372036854775808"):
        assert list(told(call(bridge, "PUT", "/number/5", body=body))) == ["amount"]
    assert list(told(call(bridge, "PUT", "/number/5", body=b'{"value": true}'))) == ["value"]


def test_a_body_may_be_a_list_or_any_json(echo, bridge):
    assert call(bridge, "PUT", "/words", body=b'["a", 1]').status == 200
    assert list(asked(echo).words) == ["a", "1"]
    assert told(call(bridge, "PUT", "/words", body=b'["a", true]')) == {"words[1]": "must be text"}
    assert list(told(call(bridge, "PUT", "/words", body=b'{"a": 1}')).values()) == ["must be a list"]
    assert told(call(bridge, "PUT", "/list", body=b"{}")) == {"list": "must be a list"}
    assert call(bridge, "PUT", "/value", body=b"3").status == 200
    assert asked(echo).value.number_value == 3


@pytest.mark.parametrize("body", [b"[]", b"1", b'"a"', b"true"])
def test_a_body_that_is_a_message_must_be_an_object(echo, bridge, body):
    for path in ("/tree", "/any/1"):
        assert told(call(bridge, "POST", path, body=body)) == {None: "The body must be a JSON object."}


def test_answers_may_be_one_field(echo, bridge):
    echo.answer = type_of("WithWords")(words=["a"])
    assert call(bridge, "PUT", "/words").body == b'["a"]'
    echo.asked.clear()
    call(bridge, "PUT", "/value", body=b'{"a": [1.0, null]}')
    echo.answer = asked(echo)
    assert call(bridge, "PUT", "/value").body == b'{"a":[1,null]}'
    echo.answer = type_of("Text")(text='say "ä"')
    answer = call(bridge, "GET", "/text")
    assert (answer.body.decode(), answer.header("content-type")) == ('say "ä"', "text/plain;charset=UTF-8")


def test_a_form_takes_each_parameter_once_and_only_text(echo, bridge):
    form = [(b"content-type", b"application/x-www-form-urlencoded; charset=utf-8")]

    assert call(bridge, "POST", "/form", b"id=1&unknown=1&unknown=2", b"name=a+b", form).status == 204
    assert asked(echo) == type_of("Any")(id=1, name="a b")
    for query, body in ((b"name=a", b"name=a"), (b"", b"name=a&name=b"), (b"id=x", b""), (b"", b"name=%ff")):
        check_oauth = call(bridge, "POST", "/form", query, body, form)
        assert (check_oauth.status, check_oauth.json()["error"]) == (400, "invalid_request")
    as_json = call(bridge, "POST", "/form", b"", b'{"name": "a"}', [(b"content-type", b"application/json")])
    assert as_json.json()["error"] == "invalid_request"
    assert echo.asked == []


def test_an_answer_does_not_tell_of_thousands_of_fields(echo, bridge):
    answer = call(bridge, "PUT", "/words", body=b"[" + b",".join([b"true"] * 50_000) + b"]")

    assert answer.status == 400
    assert len(answer.json()["result"]) == 100


@pytest.mark.parametrize("length", [b"abc", b"-1", b"1e5", b"+2", b" 2", "٣".encode(), b"1_0"])
def test_a_length_that_is_no_number_is_refused(echo, bridge, length):
    assert list(told(call(bridge, "PUT", "/words", body=b"[]", headers=[(b"content-length", length)]))) == [None]


@pytest.mark.parametrize("length", [b"1048577", b"9" * 18, b"9" * 5000])
def test_a_length_over_the_limit_is_refused(echo, bridge, length):
    assert call(bridge, "PUT", "/words", body=b"[]", headers=[(b"content-length", length)]).status == 413


def test_a_bug_behind_the_bridge_tells_nothing(echo, bridge, caplog):
    echo.answer = RuntimeError("the secret is swordfish")

    answer = call(bridge, "PUT", "/words", body=b"[]")

    assert (answer.status, answer.json()["result"][0]["message"]) == (500, "Internal error.")
    assert b"swordfish" not in answer.body
    assert answer.json()["request_id"] in caplog.text

"""Bad input, through both doors of every deployment: refused in the published shape with the right status, the field named as the
client wrote it, nothing changed, nothing told of the server's inside."""

import gzip
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pytest
from gamehall.options.v1 import options_pb2

from tests.bad_input.attacks import JSON, PNG, ROUTES
from tests.bridge.http_wire import ask, check_oauth_refusal, check_refusal, chunked


class Case(NamedTuple):
    """One bad request and what becomes of it. `fields` is what the refusal names; None is the request as a whole."""

    name: str
    verb: str
    target: str | bytes
    status: int
    fields: frozenset[str | None] | set[str | None] = frozenset({None})
    body: bytes | None = None
    headers: Mapping[str, str | bytes] = MappingProxyType({})

    def __str__(self) -> str:
        return self.name


COMMENT = b'{"context": "bad", "context_id": "input", "content": "a"}'
ABOUT = "context=bad&context_id=input"
LIST = f"/comments?{ABOUT}"
TEXT = "/comments/1/content"


def post(name: str, body: bytes, fields: set[str | None] | None = None, status: int = 400, **headers: str | bytes) -> Case:
    """A comment that is no comment."""
    return Case(
        name, "POST", "/comments", status, fields or {None}, body, {name.replace("_", "-"): value for name, value in headers.items()}
    )


MALFORMED = {
    "nothing but a brace": b"{",
    "a closing brace": b"}",
    "a comma too many": b'{"content": "a",}',
    "single quotes": b"{'content': 'a'}",
    "no quotes": b"{content: 1}",
    "two values": COMMENT + COMMENT,
    "something after it": COMMENT + b"x",
    "a comment": b"/* a */" + COMMENT,
    "NaN": b'{"content": NaN}',
    "Infinity": b'{"content": -Infinity}',
    "a number too large": b'{"content": 1e999}',
    "a leading zero": b'{"content": 01}',
    "a bare control character": b'{"content": "\x01"}',
    "a bare NUL": b'{"content": "\0"}',
    "an unknown escape": b'{"content": "\\x41"}',
    "half an escape": b'{"content": "\\u12"}',
    "a byte order mark": b"\xef\xbb\xbf" + COMMENT,
    "UTF-16": COMMENT.decode().encode("utf-16"),
    "latin-1": '{"content": "ä"}'.encode("latin-1"),
    "a surrogate in bytes": b'{"content": "\xed\xa0\x80"}',
    "an overlong NUL": b'{"content": "\xc0\x80"}',
    "an overlong slash": b'{"content": "\xc0\xaf"}',
    "cut UTF-8": b'{"content": "\xf0\x9f\x8e',
    "invalid UTF-8 in a key": b'{"\xff": 1}',
    "a list": b"[]",
    "a list of it": b"[" + COMMENT + b"]",
    "a text": b'"a"',
    "a number": b"1",
    "true": b"true",
    "10,000 lists": b"[" * 10_000 + b"]" * 10_000,
    "10,000 objects": b'{"content":' * 10_000 + b"1" + b"}" * 10_000,
    "1,000 objects": b'{"content":' * 1000 + b"1" + b"}" * 1000,
    "500 objects beside it": COMMENT[:-1] + b', "more": ' + b'{"a":' * 500 + b"1" + b"}" * 501,
    "an image": PNG,
    "a form": b"context=a&context_id=b&content=c",
    "XML": b"<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
    "YAML": b"content: !!python/object/apply:os.system [ls]",
}
LONE = {
    "content": rb'{"content": "\ud800"}',
    "context": rb'{"context": "a\udfff", "content": "a"}',
    "context_id": rb'{"context_id": "\udc00\ud800"}',
}

CASES = [
    *(post(f"JSON: {name}", body) for name, body in MALFORMED.items()),
    *(post(f"half a pair of surrogates in {name}", body, {name}) for name, body in LONE.items()),
    post("half a pair of surrogates in an unknown field", COMMENT[:-1] + rb', "x": "\ud800"}', {"x"}),
    post("a thousand keys that are wrong", b"{" + b",".join([b'"content": []'] * 1000) + b"}", {"content"}),
    post("a key twice, the last is wrong", COMMENT[:-1] + b', "content": []}', {"content"}),
    post("compressed", gzip.compress(COMMENT), status=415, Content_Encoding="gzip"),
    post("said to be compressed", COMMENT, status=415, Content_Encoding="GZIP"),
    post("compressed in another way", COMMENT, status=415, Content_Encoding="br, identity"),
    post("in parts", b"--a\r\n\r\n1\r\n--a--", status=415, Content_Type="multipart/form-data; boundary=a"),
    post("too large", b'{"content": "' + b"a" * 1024 * 1024 + b'"}', status=413),
    post("too large in chunks", chunked(b'{"content": "' + b"a" * 1024 * 1024 + b'"}', 65536), status=413, Transfer_Encoding="chunked"),
    post("a key with a space", COMMENT, {"Idempotency-Key"}, Idempotency_Key="a b"),
    post("a key with a tab", COMMENT, {"Idempotency-Key"}, Idempotency_Key="a\tb"),
    post("an empty key", COMMENT, {"Idempotency-Key"}, Idempotency_Key=""),
    post("a key of 256 characters", COMMENT, {"Idempotency-Key"}, Idempotency_Key="a" * 256),
    post("a key that is not ASCII", COMMENT, {"Idempotency-Key"}, Idempotency_Key="schlüssel"),
    post("a key of bytes", COMMENT, {"Idempotency-Key"}, Idempotency_Key=b"\xff\xfe"),
    post("a token that is not ASCII", COMMENT, {"Authorization"}, Authorization="Bearer schlüssel"),
    post("no token", COMMENT, status=401, Authorization=""),
    post("half a token", COMMENT, status=401, Authorization="Bearer"),
    post("a token of another kind", COMMENT, status=401, Authorization="Digest username=a"),
    post("a token that is none", COMMENT, status=401, Authorization="Bearer a.b.c"),
    post("a token of dots", COMMENT, status=401, Authorization="Bearer ..."),
    post("a token of JSON", COMMENT, status=401, Authorization="Bearer {}"),
    post("a token that is long", COMMENT, status=401, Authorization="Bearer " + "a" * 9000),
    post("a basic token", COMMENT, status=401, Authorization="Basic YTpi"),
    # Text edits take bare words as well, but not everything.
    Case("an edit that is an object", "PUT", TEXT, 400, {"value"}, b'{"value": {}}'),
    Case("an edit that is a list", "PUT", TEXT, 400, {"value"}, b'{"value": []}'),
    Case("an edit that is true", "PUT", TEXT, 400, {"value"}, b'{"value": true}'),
    Case("an edit that is cut", "PUT", TEXT, 400, {None}, b'{"value": "a"'),
    Case("an edit in latin-1", "PUT", TEXT, 400, {None}, b"\xe4"),
    Case("an edit with a bare NUL", "PUT", TEXT, 400, {"content"}, b"a\0b"),
    Case("an edit with an escaped NUL", "PUT", TEXT, 400, {"content"}, rb'"a\u0000b"'),
    Case("an edit with half a pair", "PUT", TEXT, 400, {"value"}, rb'{"value": "\ud800"}'),
    Case("a bare edit that is too long", "PUT", TEXT, 400, {"content"}, b"a" * 10_001),
    Case("an edit of nothing", "PUT", "/comments/x/content", 400, {"id"}, b'"a"'),
    # Registration.
    Case("a free property", "POST", "/users", 400, {"additional_properties"}, b'{"additional_properties": 1}'),
    # Lists.
    Case("size -1", "GET", f"{LIST}&size=-1", 400, {"size"}),
    Case("size 1001", "GET", f"{LIST}&size=1001", 400, {"size"}),
    Case("size 2^31", "GET", f"{LIST}&size=2147483648", 400, {"size"}),
    Case("size of 65 bits", "GET", f"{LIST}&size=36893488147419103232", 400, {"size"}),
    Case("size in words", "GET", f"{LIST}&size=all", 400, {"size"}),
    Case("size 2.0", "GET", f"{LIST}&size=2.0", 400, {"size"}),
    Case("page -1", "GET", f"{LIST}&page=-1", 400, {"page"}),
    Case("page 2^40", "GET", f"{LIST}&page=1099511627776", 400, {"page"}),
    Case("page of 65 bits", "GET", f"{LIST}&page=-36893488147419103232", 400, {"page"}),
    Case("page with NUL", "GET", f"{LIST}&page=1%00", 400, {"page"}),
    Case("size and page", "GET", f"{LIST}&page=x&size=x", 400, {"page", "size"}),
    Case("order by what is not there", "GET", f"{LIST}&order=unknown:ASC", 400, {"order"}),
    Case("order sideways", "GET", f"{LIST}&order=created_date:SIDEWAYS", 400, {"order"}),
    Case("order by a column that is not shown", "GET", f"{LIST}&order=user_id:ASC", 400, {"order"}),
    Case("order by nothing", "GET", f"{LIST}&order=,", 400, {"order"}),
    Case("order by SQL", "GET", f"{LIST}&order=id%20ASC;DROP%20TABLE%20comment;--:ASC", 400, {"order"}),
    Case("order by a subquery", "GET", f"{LIST}&order=(SELECT%201):ASC", 400, {"order"}),
    Case("order with NUL", "GET", f"{LIST}&order=id%00:ASC", 400, {"order"}),
    Case("order that is long", "GET", f"{LIST}&order={'id:ASC,' * 50}", 400, {"order"}),
    Case("a context with NUL", "GET", "/comments?context=%00&context_id=a", 400, {"context"}),
    Case("a query in latin-1", "GET", "/comments?context=%e4&context_id=a", 400),
    Case("a query with half a pair", "GET", "/comments?context=%ed%a0%80&context_id=a", 400),
    Case("a query of raw bytes", "GET", b"/comments?context=\xff&context_id=a", 400),
    Case("a query of 5,000 parameters", "GET", f"{LIST}&{'&'.join(['a=b'] * 3000)}", 400),
    Case("a query that is too long", "GET", f"{LIST}&a={'b' * 17_000}", 431),
    # Paths.
    Case("a word for a number", "GET", "/comments/x", 400, {"id"}),
    Case("a fraction for a number", "GET", "/comments/1.5", 400, {"id"}),
    Case("a number of 64 bits", "GET", "/comments/9223372036854775808", 400, {"id"}),
    Case("a number of 65 bits", "DELETE", "/comments/-36893488147419103232", 400, {"id"}),
    Case("a number of 5,000 digits", "GET", f"/comments/{'9' * 5000}", 400, {"id"}),
    Case("the largest number", "GET", "/comments/9223372036854775807", 404, {"id"}),
    Case("the smallest number", "GET", "/comments/-9223372036854775808", 404, {"id"}),
    Case("zero", "GET", "/comments/0", 400, {"id"}),
    Case("NUL for a number", "GET", "/comments/%00", 400, {"id"}),
    Case("a space for a number", "GET", "/comments/%20", 400, {"id"}),
    Case("a slash in a number", "GET", "/comments/1%2F2", 400, {"id"}),
    Case("no percent code", "GET", "/comments/%ZZ", 400, {"id"}),
    Case("a path in latin-1", "GET", "/comments/%ff", 400),
    Case("a path with half a pair", "GET", "/users/%ed%a0%80", 400),
    Case("a path of raw bytes", "GET", b"/users/\xff", 400),
    Case("a user who is no number", "GET", "/users/ann", 400, {"id"}),
    Case("a user with NUL", "GET", "/users/1%00", 400, {"id"}),
    Case("a user below zero", "GET", "/users/-1", 400, {"id"}),
    Case("a user in Arabic digits", "GET", "/users/%D9%A3", 400, {"id"}),
    Case("a user of 64 bits", "GET", "/users/9223372036854775808", 400, {"id"}),
    Case("a user who is not there", "GET", "/users/2147483648", 404, {"id"}),
    Case("a country of four letters", "GET", "/location/countries/USAA/states", 400, {"country_code_iso3"}),
    Case("a country that is not there", "GET", "/location/countries/XXX/states", 404, {"country_code_iso3"}),
    Case("a country with NUL", "GET", "/location/countries/U%00A/states", 400, {"country_code_iso3"}),
    Case("a country in a wider alphabet", "GET", "/location/countries/%C3%9F/states", 404, {"country_code_iso3"}),
    Case("a path that is too long", "GET", "/comments/" + "1" * 17_000, 431),
    Case("no path", "GET", "/", 404),
    Case("nowhere", "GET", "/nowhere", 404),
    Case("a slash too many", "GET", "/comments/", 404),
    Case("a slash before", "GET", "//comments/1", 404),
    Case("an empty segment", "PUT", "/comments//content", 404, {None}, b'"a"'),
    Case("a step up", "GET", "/comments/../me", 404),
    Case("an encoded step up", "GET", "/comments/%2e%2e/content", 404),
    Case("a file", "GET", "/../../../../etc/passwd", 404),
    Case("another case", "GET", "/Comments/1", 404),
    Case("a path with NUL", "GET", "/%00", 404),
    Case("a question in the path", "GET", "/comments%3Fcontext=a", 404),
    Case("a path like the contract's", "POST", "/gamehall.comments.v1.CommentService/getComment", 404, {None}, b"{}"),
    Case("a client that injects headers", "GET", "/nowhere%0d%0aSet-Cookie:%20a=b", 404),
    Case("a header that is too long", "GET", "/version", 431, {None}, None, {"X": "a" * 17_000}),
    Case("headers that are too many", "GET", "/version", 431, {None}, None, {f"X-{n}": "a" for n in range(2000)}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bad_input_is_refused(caller, unchanged, case):
    headers = {"Connection": "close", **({} if "Authorization" in case.headers else caller.token), **case.headers}

    answer = ask(caller.world.url, case.verb, case.target, headers, case.body)

    assert set(check_refusal(answer, case.status)) == case.fields


ALLOWED = {
    "/comments": {"GET", "POST"},
    "/comments/1": {"GET", "DELETE"},
    TEXT: {"PUT"},
    "/users": {"GET", "POST"},
    "/oauth/token": {"POST"},
    "/me": {"GET"},
}


@pytest.mark.parametrize("path, allowed", ALLOWED.items(), ids=list(ALLOWED))
def test_other_methods_are_told_which_there_are(caller, unchanged, path, allowed):
    expected = allowed | {"OPTIONS"} | ({"HEAD"} if "GET" in allowed else set())
    for verb in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "LOCK", "PURGE"} - allowed:
        answer = caller.ask(verb, path, b"{}")
        check_refusal(answer, 405)
        assert set((answer.header("allow") or "").split(", ")) == expected


@pytest.mark.parametrize(
    "each", [(method, route) for method, route in ROUTES if route.body], ids=lambda each: f"{each[1].verb} {each[1].path}"
)
def test_every_body_that_is_no_json_is_refused(caller, unchanged, each):
    method, route = each
    path = route.path.replace("{id}", str(caller.comment))
    for body in (
        b"{",
        b'{"a":}',
        b'{"\xff": 1}',
        b'{"a": NaN}',
        b'{"a":' * 10_000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b"{\0}",
        b'{"value": "',
    ):
        answer = caller.ask(route.verb, path, body, **JSON)
        if method.GetOptions().Extensions[options_pb2.method].oauth:
            check_oauth_refusal(answer, 400, "invalid_request")
        else:
            assert set(check_refusal(answer, 400)) == {None}, body[:20]


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "text/xml", "application/json; charset=latin-1", "a" * 1000, "application/x-www-form-urlencoded", "\x7f/;;="],
)
def test_a_content_type_changes_nothing_where_json_is_read(caller, unchanged, content_type):
    """Published clients send JSON under many names."""
    if "\x7f" in content_type:
        check_refusal(caller.ask("POST", "/comments", b"{}", Content_Type=content_type), 400)
        return
    assert set(check_refusal(caller.ask("POST", "/comments", b"{}", Content_Type=content_type), 400)) == {
        "context",
        "context_id",
        "content",
    }

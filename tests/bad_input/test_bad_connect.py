"""Bad input through Connect and gRPC-Web: refused in the form of the protocol that was spoken, nothing changed, never our fault."""

import base64
import gzip
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from gamehall.auth.v1.tokens_pb2 import CreateTokenRequest
from google.protobuf import message_factory
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from people import PASSWORD

from tests.bad_input.attacks import CREATE_USER, METHODS, PNG, about, each_service, name_of
from tests.bad_input.test_bad_messages import BYTES
from tests.bad_input.test_fuzz import CALLERS_FAULT, VALUES, fuzzed, messages
from tests.bridge.http_wire import Answer, ask, check_headers, check_refusal, check_silence

JSON, PROTO, WEB, TEXT = "application/json", "application/proto", "application/grpc-web+proto", "application/grpc-web-text+proto"
GET_COMMENT, LIST = "/gamehall.comments.v1.CommentService/GetComment", "/gamehall.comments.v1.CommentService/ListComments"
SIGN_IN = "/gamehall.auth.v1.TokenService/CreateToken"
CODES = {3: "invalid_argument", 4: "deadline_exceeded", 5: "not_found", 7: "permission_denied", 8: "resource_exhausted"}
CODES |= {0: "ok", 6: "already_exists", 9: "failed_precondition", 12: "unimplemented", 16: "unauthenticated"}
STATUS = {"invalid_argument": 400, "deadline_exceeded": 504, "not_found": 404, "permission_denied": 403, "resource_exhausted": 429}
STATUS |= {"already_exists": 409, "failed_precondition": 400, "unimplemented": 501, "unauthenticated": 401}


def framed(payload: bytes, flags: int = 0) -> bytes:
    return bytes([flags]) + len(payload).to_bytes(4, "big") + payload


def said(content_type: str, payload: bytes) -> bytes:
    """A message as it is sent in this tongue."""
    if content_type not in (WEB, TEXT):
        return payload
    return framed(payload) if content_type == WEB else base64.b64encode(framed(payload))


def speak(caller: Any, path: str, content_type: str, body: bytes, **headers: str) -> Answer:
    """A call whose body is sent as it stands; the administrator's unless the headers name somebody."""
    token = {} if path == SIGN_IN else caller.token
    return ask(caller.world.url, "POST", path, {**token, "Content-Type": content_type, **headers}, body)


def end_of(answer: Answer) -> tuple[str, str]:
    """Code and message of an answer; it must have the form of its protocol and tell nothing of the inside."""
    check_headers(answer)
    check_silence(answer)
    kind = answer.header("content-type") or ""
    if kind.startswith("application/grpc-web"):
        assert answer.status == 200
        rest, frames = base64.b64decode(answer.body) if "text" in kind else answer.body, []
        while rest:
            end = 5 + int.from_bytes(rest[1:5], "big")
            frames.append(rest[5:end])
            rest = rest[end:]
        lines = dict(line.split(": ", 1) for line in frames[-1].decode("ascii").split("\r\n") if line)
        return CODES[int(lines["grpc-status"])], lines.get("grpc-message", "")
    if answer.status == 200:
        return "ok", ""
    told = answer.json()
    assert kind == JSON
    assert told.keys() == {"code", "message", "details"}
    assert answer.status == STATUS[told["code"]] or (answer.status, told["code"]) == (404, "unimplemented")
    return told["code"], told["message"]


def fields_of(answer: Answer) -> set[str]:
    """The fields that a refusal in Connect's form names."""
    details = {detail["type"]: detail["debug"] for detail in answer.json()["details"]}
    return {violation["field"] for violation in details.get("google.rpc.BadRequest", {}).get("fieldViolations", [])}


@pytest.mark.parametrize("content_type", [PROTO, WEB, TEXT])
@each_service(METHODS)
def test_bytes_that_are_no_message_are_refused(caller, unchanged, those, content_type):
    for method in those:
        with about(method):
            for payload in BYTES.values():
                try:
                    message_factory.GetMessageClass(method.input_type).FromString(payload)
                except DecodeError:
                    code, message = end_of(speak(caller, name_of(method), content_type, said(content_type, payload)))
                    assert (code, method.input_type.full_name in message) == ("invalid_argument", True), payload


NO_JSON = [b"", b"{", b"[]", b"1", b"null", b"NaN", b'{"a": NaN}', b'{"\xff": 1}', b'{"a":' * 10_000, b"[" * 10_000, b'"\\ud800"', PNG]


@each_service(METHODS)
def test_a_body_that_is_no_json_is_refused(caller, unchanged, those):
    for method in those:
        with about(method):
            for body in NO_JSON:
                assert end_of(speak(caller, name_of(method), JSON, body))[0] == "invalid_argument", body[:20]


WRONG = {
    "comment.content": {"comment": {"context": "a", "contextId": "b", "content": 1}},
    "comment.contextId": {"comment": {"contextId": {}}},
    "comment.context": {"comment": {"context": "\0", "contextId": "b", "content": "c"}},
}


@pytest.mark.parametrize("field", WRONG)
def test_json_that_is_wrong_in_a_field_names_it(caller, unchanged, field):
    answer = speak(caller, "/gamehall.comments.v1.CommentService/CreateComment", JSON, json.dumps(WRONG[field]).encode())

    assert end_of(answer)[0] == "invalid_argument"
    assert fields_of(answer) == {field}


FRAMES = {
    "nothing": b"",
    "half a head": b"\0\0\0",
    "a length beyond the end": b"\0\0\0\0\5ab",
    "something after it": framed(b"") + b"x",
    "two messages": framed(b"") * 2,
    "flags that mean nothing": framed(b"", 2),
    "trailers alone": framed(b"a: b\r\n", 0x80),
    "the largest length": b"\0\xff\xff\xff\xff",
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_that_are_none_are_refused(caller, unchanged, name):
    assert end_of(speak(caller, LIST, WEB, FRAMES[name]))[0] == "invalid_argument"
    assert end_of(speak(caller, LIST, TEXT, base64.b64encode(FRAMES[name])))[0] == "invalid_argument"


@pytest.mark.parametrize("body", [b"%%%", b"A", b"====", "ä".encode(), b"AAAA AAA"])
def test_text_that_is_no_base64_is_refused(caller, unchanged, body):
    assert end_of(speak(caller, LIST, TEXT, body))[0] == "invalid_argument"


def test_base64_may_be_written_in_parts(caller):
    whole = framed(b"\x22\x01a\x2a\x01b")
    parts = b"".join(base64.b64encode(whole[at : at + 4]) for at in range(0, len(whole), 4))

    assert end_of(speak(caller, LIST, TEXT, parts))[0] == "ok"


def test_compressed_messages_are_not_taken(caller, unchanged):
    for content_type in (JSON, PROTO):
        answer = speak(caller, CREATE_USER, content_type, gzip.compress(b"{}"), **{"Content-Encoding": "gzip"})
        assert end_of(answer)[0] == "unimplemented"
    assert end_of(speak(caller, CREATE_USER, WEB, framed(gzip.compress(b""), 1), **{"Grpc-Encoding": "gzip"}))[0] == "unimplemented"
    query = urlencode({"encoding": "json", "message": "{}", "compression": "gzip"})
    assert end_of(ask(caller.world.url, "GET", f"{LIST}?{query}"))[0] == "unimplemented"


@pytest.mark.parametrize("content_type", [JSON, PROTO, WEB, TEXT])
def test_what_is_too_large_is_refused(caller, unchanged, content_type):
    assert end_of(speak(caller, CREATE_USER, content_type, b"A" * (1024 * 1024 + 1)))[0] == "resource_exhausted"


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/grpc", "application/connect+proto", "application/x-protobuf", "*/*", ";"]
)
def test_a_content_type_that_nobody_speaks_is_refused_and_told_which_there_are(caller, unchanged, content_type):
    answer = speak(caller, LIST, content_type, b"{}")

    check_refusal(answer, 415)
    assert JSON in (answer.header("accept-post") or "").split(", ")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json ;a=b"])
def test_a_content_type_may_be_written_in_any_way(caller, content_type):
    assert end_of(speak(caller, LIST, content_type, b'{"context": "a", "contextId": "b"}'))[0] == "ok"


@pytest.mark.parametrize("verb", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_verbs_are_told_which_there_are(caller, unchanged, verb):
    for path, allowed in ((CREATE_USER, "OPTIONS, POST"), (LIST, "GET, HEAD, OPTIONS, POST")):
        answer = caller.ask(verb, path, b"{}")
        check_refusal(answer, 405)
        assert answer.header("allow") == allowed


def test_what_writes_is_not_gotten(caller, unchanged):
    check_refusal(caller.ask("GET", f"{CREATE_USER}?encoding=json&message=%7B%7D&connect=v1"), 405)


@pytest.mark.parametrize("path", ["/gamehall.users.v1.UserService/Nothing", "/no.such.Service/Nothing", "/gamehall.users.v1.UserService/"])
def test_an_unknown_method_is_not_implemented(caller, unchanged, path):
    for content_type in (PROTO, WEB, TEXT):
        answer = speak(caller, path, content_type, b"")
        assert end_of(answer)[0] == "unimplemented"
        assert answer.status == (404 if content_type == PROTO else 200)
    # JSON is what REST speaks, too.
    check_refusal(speak(caller, path, JSON, b"{}"), 404)


QUERIES = {
    "no encoding": ({"message": "{}"}, "encoding"),
    "an unknown encoding": ({"message": "{}", "encoding": "xml"}, "encoding"),
    "an encoding of another protocol": ({"message": "{}", "encoding": "grpc-web"}, "encoding"),
    "no message": ({"encoding": "json"}, "message"),
    "no base64": ({"encoding": "proto", "base64": "1", "message": "%%%"}, "message"),
    "another version": ({"encoding": "json", "message": "{}", "connect": "v2"}, "connect"),
    "letters for an encoding": ({"encoding": "ä", "message": "{}"}, "encoding"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_get_that_is_wrong_says_where(caller, unchanged, name):
    query, field = QUERIES[name]

    answer = ask(caller.world.url, "GET", f"{LIST}?{urlencode(query)}")

    assert end_of(answer)[0] == "invalid_argument"
    assert fields_of(answer) == {field}


def test_a_get_is_answered_as_a_post(caller):
    message = {"context": "bad", "contextId": "input"}
    payload = base64.urlsafe_b64encode(b"\x22\x03bad\x2a\x05input").rstrip(b"=").decode()

    posted = speak(caller, LIST, JSON, json.dumps(message).encode())
    gotten = ask(caller.world.url, "GET", f"{LIST}?{urlencode({'connect': 'v1', 'encoding': 'json', 'message': json.dumps(message)})}")
    binary = ask(caller.world.url, "GET", f"{LIST}?{urlencode({'encoding': 'proto', 'base64': '1', 'message': payload})}")

    assert posted.json()["content"][0]["content"] == "a"
    assert gotten.body == posted.body
    assert (binary.status, binary.header("content-type")) == (200, PROTO)


HEADERS = {
    "a protocol of the future": {"Connect-Protocol-Version": "2"},
    "a time that is none": {"Connect-Timeout-Ms": "soon"},
    "a time below zero": {"Connect-Timeout-Ms": "-1"},
    "a time of many digits": {"Connect-Timeout-Ms": "1" * 11},
    "a time in other digits": {"Connect-Timeout-Ms": "\xb2"},
    "a key that is none": {"Idempotency-Key": "a b"},
    "a token that is not ASCII": {"Authorization": "Bearer schl\xfcssel"},
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_is_wrong_is_named(caller, unchanged, name):
    comment = b'{"comment": {"context": "bad", "contextId": "header", "content": "a"}}'

    answer = speak(caller, "/gamehall.comments.v1.CommentService/CreateComment", JSON, comment, **HEADERS[name])

    assert end_of(answer)[0] == "invalid_argument"
    assert {field.lower() for field in fields_of(answer)} == {field.lower() for field in HEADERS[name]}


@pytest.mark.parametrize("time", ["5", "5s", "123456789S", "S", "-1S", "1.5S", "\xb2S"])
def test_a_grpc_timeout_that_is_none_is_refused(caller, unchanged, time):
    assert end_of(speak(caller, LIST, WEB, framed(b""), **{"Grpc-Timeout": time}))[0] == "invalid_argument"


def test_a_call_ends_when_its_time_is_over(caller, unchanged):
    """A password takes far longer to check than a millisecond."""
    form = CreateTokenRequest(grant_type="password", client_id="web", username="admin", password=PASSWORD)

    for content_type, payload in ((JSON, MessageToJson(form).encode()), (PROTO, form.SerializeToString())):
        assert end_of(speak(caller, SIGN_IN, content_type, payload, **{"Connect-Timeout-Ms": "1"}))[0] == "deadline_exceeded"
    assert end_of(speak(caller, SIGN_IN, WEB, framed(form.SerializeToString()), **{"Grpc-Timeout": "1m"}))[0] == "deadline_exceeded"
    for time in ("10S", "1H"):
        assert end_of(speak(caller, LIST, WEB, framed(b"\x22\x01a\x2a\x01b"), **{"Grpc-Timeout": time}))[0] == "ok"


@pytest.mark.parametrize("value", ["", "Bearer", "Basic YTpi", "Bearer a.b.c", "Bearer " + "a" * 9000, "Bearer {}", "Bearer ..."])
def test_what_is_no_token_opens_nothing(caller, unchanged, value):
    for content_type, payload in ((JSON, b'{"id": 1}'), (PROTO, b"\x08\x01"), (WEB, framed(b"\x08\x01"))):
        assert end_of(speak(caller, GET_COMMENT, content_type, payload, Authorization=value))[0] == "unauthenticated"


def test_anything(caller):
    """Whatever is sent to an RPC, in whatever tongue: an answer, or a refusal that is not our fault."""
    fields = sorted({name for method in METHODS for field in method.input_type.fields for name in (field.name, field.json_name)})
    aimed = st.recursive(VALUES, lambda inner: st.dictionaries(st.sampled_from(fields), inner, max_size=4), max_leaves=8)
    payloads = st.binary(max_size=60) | messages()
    bodies = (
        st.tuples(st.just(JSON), aimed.map(lambda value: json.dumps(value).encode()) | payloads)
        | st.tuples(st.just(PROTO), payloads)
        | st.tuples(st.sampled_from([WEB, TEXT]), payloads).map(lambda pair: (pair[0], said(*pair)))
        | st.tuples(st.sampled_from([WEB, TEXT]), payloads)
    )

    @fuzzed(60)
    @given(st.sampled_from(METHODS), bodies, st.booleans())
    def holds(method: Any, sent: tuple[str, bytes], known: bool) -> None:
        named = {} if known else {"Authorization": ""}
        code = end_of(speak(caller, name_of(method), *sent, **named))[0]
        assert code in {"ok", *(fault.lower() for fault in CALLERS_FAULT)}

    holds()

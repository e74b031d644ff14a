"""Whatever is sent, through whichever door: no refusal that is not of the published shape, none that is our fault, and a server that
goes on. GAMEHALL_FUZZ multiplies the number of inputs and makes them new ones."""

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from gamehall.options.v1 import options_pb2
from gamehall_server.modules.platform.servicer import error_codes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import World, settings_for, sqlite_url

from tests.bad_input.attacks import METHODS, ROUTES, name_of
from tests.bridge.http_wire import LEAKS, Answer, ask, check_headers, check_silence
from tests.databases import shared_postgres

EACH_ONCE = ("sqlite-grpcio", "postgresql-native")
TIMES = int(os.environ.get("GAMEHALL_FUZZ", "0"))
# What the error table says each reason comes with.
STATUSES = {code.code: list(code.http_statuses) for code in error_codes()}
CALLERS_FAULT = {"INVALID_ARGUMENT", "NOT_FOUND", "UNAUTHENTICATED", "PERMISSION_DENIED", "ALREADY_EXISTS", "FAILED_PRECONDITION"}

ODD = [
    "",
    "\0",
    "a\0b",
    "\ud800",
    "\udfff\ud800",
    "\u202e",
    "\ufeff",
    "\U0001f3b2" * 101,
    "a" * 256,
    "a" * 10_001,
    "'; --",
    "%00",
    "../..",
    "1e999",
]
ODD += [
    "true",
    "null",
    "9223372036854775808",
    "-1",
    "0",
    "ASC",
    "id:ASC",
    "ID:desc,",
    "me",
    "USA",
    "a@example.com",
    "correct horse battery",
    "GET",
]
TEXTS = st.text(max_size=20) | st.sampled_from(ODD)
NUMBERS = st.integers() | st.integers(2**31 - 1, 2**65) | st.floats() | st.sampled_from([0, -1, 2**31, 2**53 + 1, 2**63, 2**64, 10**40])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", "*/*", ";"]),
        "Idempotency-Key": st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=12),
        "Origin": st.sampled_from(["null", "http://a.b", "*"]),
        "Accept": st.sampled_from(["*/*", "text/html", "application/xml"]),
    },
)


@pytest.fixture(scope="module", params=EACH_ONCE)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One of its own: among what is sent are a good password for the administrator, and worse."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("fuzz"))
    made = World(settings_for(url, engine))
    yield made
    made.close()


def fuzzed(examples: int) -> Any:
    """So many inputs, the same ones every time unless more are asked for."""
    return settings(
        max_examples=examples * (TIMES or 1),
        derandomize=not TIMES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def keys_of(route: Any, method: Any) -> list[str]:
    """The JSON keys that a route reads."""
    field = method.input_type.fields_by_name.get(route.body)
    message = method.input_type if field is None else field.message_type
    return ["value"] if message is None else [each.name for each in message.fields]


def bodies(route: Any, method: Any) -> Any:
    """Bodies that are aimed at a route, and bodies that are not."""
    aimed = st.dictionaries(st.sampled_from(keys_of(route, method)), VALUES, min_size=1)
    as_json = (aimed | VALUES).map(lambda value: json.dumps(value).encode())
    as_utf_8 = aimed.map(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
    cut = st.tuples(as_json, st.integers(0, 40)).map(lambda pair: pair[0][: pair[1]])
    return as_json | as_utf_8 | cut | st.binary(max_size=40) | forms(keys_of(route, method))


def forms(names: list[str]) -> Any:
    """Forms and query strings: right names and odd ones, percent codes right and wrong."""
    values = TEXTS.map(lambda text: quote_from_bytes(text.encode(errors="surrogatepass"))) | st.text("%abcdefA0189+&=;.,-", max_size=12)
    pairs = st.tuples(st.sampled_from([*names, "a", ""]), values).map("=".join)
    return st.lists(pairs, max_size=5).map(lambda parts: "&".join(parts).encode())


def check(answer: Answer, oauth: bool) -> None:
    """An answer, or a refusal of the published shape; never our fault."""
    assert answer.status < 500, answer
    check_headers(answer)
    check_silence(answer)
    kind = answer.header("content-type") or ""
    if kind.startswith("text/html") or (answer.status < 400 and (not answer.body or kind.startswith("text/plain"))):
        return
    told = answer.json()
    if answer.status >= 400:
        shape = {"error", "error_description"} if oauth else {"code", "request_id", "result"}
        assert shape <= told.keys(), answer
        assert oauth or answer.status in STATUSES[told["code"]], answer
        assert oauth or all(result.keys() == {"field", "message", "details"} for result in told["result"])


def unlock(world, token, method) -> None:
    """Takes away what may have locked out everybody else."""
    if method.containing_service.name == "MaintenanceService":
        ask(world.url, "DELETE", "/maintenance", {"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def token(world):
    return world.admin().token


@pytest.mark.parametrize("pair", [pair for pair in ROUTES if pair[1].body], ids=lambda pair: f"{pair[1].verb} {pair[1].path}")
def test_any_body(world, token, pair):
    method, route = pair
    oauth = method.GetOptions().Extensions[options_pb2.method].oauth

    @fuzzed(8)
    @given(bodies(route, method), HEADERS, st.booleans(), st.sampled_from(["1", "2", "0", "-1", "x"]))
    def holds(body: bytes, headers: dict[str, str], known: bool, id: str) -> None:
        named = {"Authorization": f"Bearer {token}"} if known and not oauth else {}
        check(ask(world.url, route.verb, route.path.replace("{id}", id), {**headers, **named}, body), oauth)
        unlock(world, token, method)

    holds()


def test_any_query(world, token):
    names = sorted({field.name for method in METHODS for field in method.input_type.fields})

    @fuzzed(40)
    @given(st.sampled_from(ROUTES), forms(names), st.booleans(), TEXTS)
    def holds(pair: Any, query: bytes, known: bool, text: str) -> None:
        method, route = pair
        oauth = method.GetOptions().Extensions[options_pb2.method].oauth
        path = route.path
        for name in route.variables:
            path = path.replace(f"{{{name}}}", quote_from_bytes(text.encode(errors="surrogatepass"), safe=""))
        named = {"Authorization": f"Bearer {token}"} if known and not oauth else {}
        answer = ask(world.url, route.verb, path.encode() + b"?" + query, named, b"{}" if route.body else None)
        # Where the operation is not known yet, the refusal is not one of OAuth.
        check(answer, oauth and answer.status not in (404, 405, 431))

    holds()


def test_any_path(world):
    @fuzzed(20)
    @given(
        st.lists(
            st.sampled_from(["users", "comments", "1", "me", "content", "", ".", "..", "%2F", "%00", "%ff", "%", "a b"])
            | st.text("aZ0%.~:@", max_size=5)
        )
    )
    def holds(segments: list[str]) -> None:
        answer = ask(world.url, "GET", "/" + "/".join(segments).replace(" ", "%20"))
        check(answer, False)

    holds()


def test_any_message(world, token):
    @fuzzed(40)
    @given(st.sampled_from(METHODS), st.binary(max_size=60) | messages(), st.booleans())
    def holds(method: Any, payload: bytes, known: bool) -> None:
        metadata = (("authorization", f"Bearer {token}"),) if known and not method.GetOptions().Extensions[options_pb2.method].oauth else ()
        call = world.channel.unary_unary(name_of(method)).future(payload, timeout=20, metadata=metadata)
        assert call.code().name in {"OK", *CALLERS_FAULT}, call
        told = f"{call.details()} {call.trailing_metadata()}"
        assert not [leak for leak in LEAKS if leak in told], told
        unlock(world, token, method)

    holds()


def messages() -> Any:
    """Well-formed fields of any number and type, also inside each other."""
    varint = st.integers(0, 2**64 - 1).map(_varint)
    scalar = st.tuples(st.integers(1, 30), varint).map(lambda pair: _varint(pair[0] << 3) + pair[1])
    text = st.tuples(st.integers(1, 30), TEXTS.map(lambda text: text.encode(errors="surrogatepass"))).map(_delimited)
    fields = st.recursive(scalar | text, lambda inner: st.tuples(st.integers(1, 30), inner).map(_delimited), max_leaves=3)
    return st.lists(fields, max_size=4).map(b"".join)


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def _delimited(pair: tuple[int, bytes]) -> bytes:
    number, content = pair
    return _varint(number << 3 | 2) + _varint(len(content)) + content

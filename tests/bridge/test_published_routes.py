"""Every path ever published, against a contract made of them: where it leads, and that each kind of body and answer is served."""

import itertools
import json
from urllib.parse import unquote

import pytest
import requests
from gamehall_bridge.app import Bridge
from gamehall_bridge.routes import Routes, routes_of
from gamehall_server.contract import bindings
from gamehall_server.servicers import SERVICERS
from hypothesis import example, given
from hypothesis import strategies as st

from bench.published import models, operations, routed
from tests.bridge.http_contract import Echo, call
from tests.bridge.standin import answer_of, least, name_of, path_of, rpcs, values_of
from tests.contract.doors import published_refusal

SHAPE = {"code", "request_id", "result"}
LITERAL = 0
RANKS = {"number": 1, "user": 1, "text": 2}
ROUTED = {(operation.method, operation.path): operation for operation in routed()}
TEMPLATES = [(operation, operation.path.split("/")[1:]) for operation in routed()]
WORDS = sorted({segment for _, template in TEMPLATES for segment in template if not segment.startswith("{")})
SERVED = {(route.verb, route.path) for route in bindings([servicer.service for servicer in SERVICERS])}


@pytest.fixture(scope="module")
def routes():
    return Routes(route for rpc in rpcs().values() for route in routes_of(rpc))


@pytest.fixture(scope="module")
def echo():
    return Echo(rpcs().values())


@pytest.fixture(scope="module")
def bridge(echo):
    return Bridge(echo)


def fits(operation, part, given, words_are_numbers):
    if "{" not in part:
        return given == part
    kind = operation.kinds[part[1:-1]]
    number = given.isascii() and given.removeprefix("-").isdigit()
    return given != "" and (kind == "text" or number or words_are_numbers or (kind == "user" and given == "me"))


def expected(verb, path):
    """The rule, without any cleverness: (operation, values, allowed verbs)."""
    segments = [unquote(segment) for segment in path.split("/")[1:]]
    for words_are_numbers in (False, True):
        fitting = []
        for operation, template in TEMPLATES:
            if len(template) != len(segments):
                continue
            kinds = [RANKS[operation.kinds[part[1:-1]]] if "{" in part else LITERAL for part in template]
            if all(fits(operation, part, given, words_are_numbers) for part, given in zip(template, segments, strict=True)):
                values = tuple(given for part, given in zip(template, segments, strict=True) if "{" in part)
                fitting.append((kinds, operation, values))
        ours = [found for found in fitting if found[1].method == verb]
        if ours:
            # Kinds are numbered so that the leftmost literal comes first, then the leftmost number.
            _, operation, values = min(ours, key=lambda found: found[0])
            return operation.name, values, ()
        if fitting and not words_are_numbers:
            return None, (), tuple(sorted({operation.method for _, operation, _ in fitting}))
    return None, (), ()


def found(routes, verb, path):
    match = routes.find(verb, path)
    return match.route and name_of(match.route.rpc), match.values, match.allowed


def pairs():
    """Pairs of operations of one method that some path fits both of: (literals that only the one has, only the other, their paths)."""
    current = [(operation, template) for operation, template in TEMPLATES if not operation.until]
    for (one, left), (other, right) in itertools.combinations(current, 2):
        places = list(zip(left, right, strict=False))
        if one.method == other.method and len(left) == len(right) and all(a == b or "{" in a + b for a, b in places):
            specific = ["{" in b and "{" not in a for a, b in places], ["{" in a and "{" not in b for a, b in places]
            yield any(specific[0]), any(specific[1]), one, other


def both(one, other):
    """A path that fits both templates, at least where a word may stand for a number."""
    filled = zip(path_of(one, "7", "7").split("/"), path_of(other, "7", "7").split("/"), one.path.split("/"), strict=True)
    return "/".join(right if "{" in template else left for left, right, template in filled)


def test_the_table_holds_what_was_published_and_what_was_dropped():
    assert len(operations()) == 672
    assert len({operation.name for operation in operations()}) == 672
    assert sum(1 for operation in operations() if operation.until) == 18
    assert sum(1 for operation in operations() if operation.public) == 85
    assert list(operations()) == sorted(operations(), key=lambda operation: (operation.path, operation.method, operation.until))


def test_one_dropped_operation_had_the_address_of_a_later_one():
    assert [operation.name for operation in operations() if operation not in routed()] == ["Search.addSearchIndex"]
    assert expected("POST", "/search/index/a/b")[0] == "Search.searchIndexWithTemplatePOST"


def test_no_path_was_published_with_a_slash_at_its_end():
    assert [operation.path for operation in operations() if operation.path.endswith("/") or "//" in operation.path] == []


@pytest.mark.parametrize(
    "number, word",
    [("7", "word"), ("-7", "a.b"), ("0", "a b"), ("12", "a/b"), ("9223372036854775807", "naïve ☃"), ("1", "logo.png"), ("2", "me")],
)
def test_a_published_path_leads_to_its_operation(routes, number, word):
    later = {operation.shape: operation for operation in routed()}
    wanted, got = {}, {}
    for operation in operations():
        served = later[operation.shape]
        wanted[operation.name] = served.name, tuple(values_of(operation, number, word)), ()
        got[operation.name] = found(routes, operation.method, path_of(operation, number, word))

    assert len(got) == 672
    assert got == wanted


def test_where_two_paths_meet_the_leftmost_literal_wins(routes):
    beside, crossing = [], []
    for left, right, one, other in pairs():
        (crossing if left and right else beside).append((one, other))
        path = both(one, other)

        assert found(routes, one.method, path) == expected(one.method, path), path
        if not (left and right):
            assert found(routes, one.method, path)[0] == (one if left else other).name
    assert (len(beside), len(crossing)) == (41, 110)


segments = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(
        [
            "7",
            "-7",
            "0",
            "07",
            "1.5",
            "a.b",
            "a%2Fb",
            "%20",
            "%C3%BC",
            "%67roups",
            "me",
            "",
            ".",
            "..",
            "%2E%2E",
            "Users",
            "a;b",
            "%zz",
            "٣",
        ]
    ),
)
verbs = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"])
# A published path with a segment changed goes where it matters more often than words drawn at random.
near = st.tuples(
    st.sampled_from([template for _, template in TEMPLATES]), st.lists(segments, min_size=8, max_size=8), st.integers(0, 7)
).map(
    lambda drawn: [
        given if at == drawn[2] or "{" in part else part for at, (part, given) in enumerate(zip(drawn[0], drawn[1], strict=False))
    ]
)


@given(verbs, st.one_of(near, st.lists(segments, max_size=6)))
@example("GET", ["users", "groups", ""])
def test_any_path_goes_where_the_rule_says(routes, verb, parts):
    path = "/" + "/".join(parts)

    assert found(routes, verb, path.encode().decode("latin-1")) == expected(verb, path)


def test_every_kind_of_body_and_answer_is_served(bridge, echo):
    for operation in routed():
        rpc = rpcs()[operation.name]
        echo.asked.clear()
        echo.answer = answer_of(operation, rpc)
        form = operation.body.startswith("form<")
        body = b"grant_type=x" if form else json.dumps(least(operation.body, "x")).encode() if operation.body else b""
        types = {name: kind for part in operation.query.split(",") if part for name, kind in [part.split(":")]}
        query = "&".join(f"{name}={ {'boolean': 'true', 'string': 'x'}.get(kind, 7) }" for name, kind in types.items())

        answer = call(bridge, operation.method, path_of(operation, "7", "word"), query.encode(), body)

        ((_, request, _),) = echo.asked
        assert (answer.status, type(request)) == (operation.success, rpc.request), operation.name
    assert [name for name in types if not getattr(request, name)] == []
    assert not operation.body or form or request.HasField("body") if _has_presence(rpc, "body") else True
    _check_answer(operation, answer)
    if operation.method == "GET":
        head = call(bridge, "HEAD", path_of(operation, "7", "word"))
        assert (head.status, head.body) == (answer.status, b"")


def _has_presence(rpc, name):
    field = rpc.request.DESCRIPTOR.fields_by_name.get(name)
    return field is not None and field.has_presence


def _check_answer(operation, answer):
    if not operation.model:
        assert answer.body == b""
    elif operation.model == "string":
        assert answer.body.decode() == operation.name
    elif operation.page_of:
        assert answer.json()["total_elements"] == 1
        _check_value(operation.page_of, answer.json()["content"], [least(operation.page_of, operation.name)])
    else:
        kind = operation.model.removeprefix("array<").removesuffix(">")
        _check_value(kind, answer.json(), least(operation.model, operation.name))


def _check_value(kind, value, sent):
    if kind not in models():
        assert value == sent
        return
    for record in value if isinstance(sent, list) else [value]:
        assert record.keys() <= models()[kind].keys()


def test_another_method_is_told_those_that_are_there(bridge):
    for operation in routed():
        path = path_of(operation, "7", "word")

        answer = call(bridge, "PATCH", path)

        allowed = {*expected("PATCH", path)[2], "OPTIONS"}
        assert operation.method in allowed
        assert set(answer.header("allow").split(", ")) == allowed | ({"HEAD"} if "GET" in allowed else set())
        assert answer.json().keys() == SHAPE


CHANGES = {
    "a slash at the end": lambda path: path + "/",
    "an empty segment": lambda path: "/" + path,
    "another case": str.upper,
    "more segments": lambda path: path + "/a/b/c/d/e",
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_only_looks_like_a_published_path_is_not_there(bridge, change):
    for operation in routed():
        answer = call(bridge, operation.method, CHANGES[change](path_of(operation, "7", "word")))
        assert (answer.status, answer.json().keys()) == (404, SHAPE)


@pytest.mark.parametrize("path", ["/%75sers/%67roups", "/users/grou%70s"])
def test_a_literal_may_be_percent_encoded(routes, path):
    assert found(routes, "GET", path)[0] == "UsersGroups.listGroups"


def test_bytes_beyond_ascii_are_read_as_utf_8(routes):
    assert found(routes, "GET", "/configs/ü".encode().decode("latin-1"))[1] == ("ü",)
    assert found(routes, "GET", "/configs/ü%20".encode().decode("latin-1"))[1] == ("ü ",)


def test_a_published_path_that_is_not_built_yet_is_not_there(world):
    """Five words stand where the id of a user or a device is asked for, which strangers may not even ask; a method that its path lacks is
    405, and any word may be the id of a device."""
    words = {"/users/achievements", "/users/groups", "/users/relationships", "/users/templates", "/devices/templates"}
    paths = {path for _, path in SERVED} | {"/devices/templates"}
    missing = [operation for operation in operations() if (operation.method, operation.path) not in SERVED]
    told = {}
    for operation in missing:
        answer = requests.request(operation.method, world.url + path_of(operation, "7", "word"))
        published_refusal(answer)
        told[operation.method, operation.path] = answer.status_code

    def wanted(verb, path):
        return 401 if verb == "GET" and path in words else 405 if path in paths else 404

    assert missing
    assert told == {key: wanted(*key) for key in told}

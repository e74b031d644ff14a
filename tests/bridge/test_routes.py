"""Which operation a request reaches, and what a request that reaches none is told."""

from types import SimpleNamespace
from typing import Any

import pytest
from gamehall_bridge.app import Bridge
from gamehall_bridge.routes import Ambiguous, Routes, Unroutable, routes_of
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2

from tests.bridge.http_contract import Echo, Operation, call, rpcs_of, type_of

# Pairs that clash in the published API, and what must win: a request, then the paths, the right one first.
CLASHES = [
    ("/users/groups", "/users/groups", "/users/{name}"),
    ("/templates/properties", "/templates/properties", "/templates/{name}"),
    ("/users/achievements/leveling", "/users/achievements/{name}", "/users/{id}/leveling"),
    ("/users/12/leveling", "/users/{id}/leveling", "/users/achievements/{name}"),
    ("/users/me/friends", "/users/{name}/friends", "/users/groups/{name}"),
    ("/users/groups/friends", "/users/groups/{name}", "/users/{name}/friends"),
    ("/items/7", "/items/{id}", "/items/{name}"),
    ("/items/-7", "/items/{id}", "/items/{name}"),
    ("/items/seven", "/items/{name}", "/items/{id}"),
    ("/users/seven/leveling", "/users/{name=**}", "/users/{id}/leveling"),
    ("/a/b/c", "/a/b/{name}", "/a/{name=**}"),
    ("/a/b/d/e", "/a/{name=**}", "/a/b/{name}"),
]


def bridge_of(*operations: Operation) -> tuple[Bridge, Echo]:
    echo = Echo(rpcs_of(*operations))
    return Bridge(echo), echo


@pytest.mark.parametrize("path, wins, loses", CLASHES)
def test_the_leftmost_literal_wins_and_integers_take_only_integers(path, wins, loses):
    for paths in ((wins, loses), (loses, wins)):
        bridge, echo = bridge_of(*(Operation(f"GET {template}", "Any") for template in paths))

        assert call(bridge, "GET", path).status == 204
        assert paths[int(echo.asked[0][0])] == wins


@pytest.mark.parametrize(
    "segment, name",
    [
        ("a.b", "a.b"),
        ("a%2Fb", "a/b"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("a%252Fb", "a%2Fb"),
        ("%C3%BC", "ü"),
        ("logo.png", "logo.png"),
        ("%zz", "%zz"),
    ],
)
def test_a_segment_is_decoded_alone_and_loses_nothing(segment, name):
    bridge, echo = bridge_of(Operation("GET /configs/{name}", "Any"), Operation("GET /configs/{name}/more", "Any"))

    assert call(bridge, "GET", f"/configs/{segment}").status == 204
    assert call(bridge, "GET", f"/configs/{segment}/more").status == 204
    assert [(number, request.name) for number, request, _ in echo.asked] == [("0", name), ("1", name)]


def test_a_literal_may_be_percent_encoded():
    bridge, echo = bridge_of(Operation("GET /comments/new", "Any"), Operation("GET /comments/{name}", "Any"))

    assert call(bridge, "GET", "/%63omments/n%65w").status == 204
    assert echo.asked[0][0] == "0"


def test_the_rest_of_a_path_is_one_value():
    bridge, echo = bridge_of(Operation("GET /files/{name=**}", "Any"))

    assert call(bridge, "GET", "/files/a/b%20c/d.txt").status == 204
    assert echo.asked[0][1].name == "a/b c/d.txt"


@pytest.mark.parametrize(
    "path", ["/nowhere", "/comments/", "/comments//", "//comments", "/", "/comments/a/b", "/Comments", "/comments;a=b"]
)
def test_what_is_not_published_is_not_there(path):
    bridge, _ = bridge_of(Operation("GET /comments", "Any"), Operation("GET /comments/{name}", "Any"))

    answer = call(bridge, "GET", path)

    assert (answer.status, answer.json()["code"]) == (404, 21)
    assert answer.json()["result"][0]["field"] is None


def test_another_method_is_told_those_that_are_there():
    bridge, _ = bridge_of(Operation("GET /comments", "Any"), Operation("POST /comments", "Any"), Operation("DELETE /comments/{id}", "Any"))

    answer = call(bridge, "PATCH", "/comments")
    inside = call(bridge, "GET", "/comments/x")

    assert (answer.status, answer.header("allow"), answer.json()["code"]) == (405, "GET, HEAD, OPTIONS, POST", 22)
    assert inside.status == 404, "nothing is at a word where an integer belongs, whatever the method"
    assert call(bridge, "HEAD", "/comments/5").status == 405


def test_a_word_where_an_integer_belongs_is_named():
    bridge, _ = bridge_of(Operation("GET /comments/{id}", "Any"))

    for word in ("abc", "1.5", "9" * 30, "%31x", "٣", "1e3"):
        answer = call(bridge, "GET", f"/comments/{word}" if word.isascii() else "/comments/%D9%A3")
        assert answer.status == 400, word
        assert answer.json()["result"][0]["field"] == "id"


def test_a_path_that_is_not_utf_8_is_refused():
    bridge, _ = bridge_of(Operation("GET /configs/{name}", "Any"))

    answer = call(bridge, "GET", "/configs/%FF")

    assert (answer.status, answer.json()["code"]) == (400, 11)


def test_head_is_get_without_its_body():
    bridge, echo = bridge_of(Operation("GET /text", "Any", "Text"))
    echo.answer = type_of("Text")(text="hello")

    whole, head = call(bridge, "GET", "/text"), call(bridge, "HEAD", "/text")

    assert (head.status, head.body) == (200, b"")
    assert head.header("content-length") == whole.header("content-length") == str(len(whole.body))


@pytest.mark.parametrize("second", ["/users/{name}", "/users/{text}", "/users/{name=**}"])
def test_two_operations_of_one_route_do_not_start(second):
    first = "/users/{name=**}" if "**" in second else "/users/{name}"
    kinds = ("Text" if "text" in second else "Any", second)

    with pytest.raises(Ambiguous):
        bridge_of(Operation(f"GET {first}", "Any"), Operation(f"GET {kinds[1]}", kinds[0]))


@pytest.mark.parametrize(
    "operation",
    [
        Operation("GET /a/{nothing}", "Any"),
        Operation("GET /a/{body}", "Any"),
        Operation("GET /a/{numbers}", "Any"),
        Operation("GET /a/{name=b/*}", "Any"),
        Operation("GET /a/{name=**}/b", "Any"),
        Operation("GET /a/{name}:undo", "Any"),
        Operation("POST /a", "Any", body="nothing"),
        Operation("POST /a", "Any", "Any", answer="nothing"),
    ],
    ids=lambda operation: f"{operation.path} {operation.body}{operation.answer}",
)
def test_a_binding_that_cannot_be_served_does_not_start(operation):
    with pytest.raises(Unroutable):
        bridge_of(operation)


def test_additional_bindings_are_routes_too():
    options: Any = descriptor_pb2.MethodOptions()
    http = options.Extensions[annotations_pb2.http]
    http.get = "/auth/roles"
    http.additional_bindings.add(get="/security/roles")
    http.additional_bindings.add().custom.path = "/security/roles"
    http.additional_bindings[1].custom.kind = "SEARCH"
    nothing = type_of("Nothing").DESCRIPTOR
    rpc: Any = SimpleNamespace(name="x", descriptor=SimpleNamespace(GetOptions=lambda: options, input_type=nothing, output_type=nothing))

    routes = Routes(routes_of(rpc))

    for verb, path in (("GET", "/auth/roles"), ("GET", "/security/roles"), ("SEARCH", "/security/roles")):
        found = routes.find(verb, path).route
        assert found is not None
        assert found.rpc is rpc

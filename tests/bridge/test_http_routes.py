"""Which operation a path means."""

import pytest
from gamehall_bridge.app import Bridge
from gamehall_bridge.routes import Ambiguous, Routes, routes_of

from tests.bridge.http_contract import Echo, Operation, call, rpcs_of, type_of
from tests.bridge.http_wire import check_refusal

# The clashing shapes of the published paths: a literal beside a variable, paths that cross, string keys beside whole numbers.
PATHS = (
    "GET /users",
    "POST /users",
    "GET /users/{id}",
    "PUT /users/{id}",
    "GET /users/groups",
    "GET /users/groups/{name}",
    "GET /users/achievements/{name}",
    "GET /users/{id}/leveling",
    "GET /users/{id}/leveling/{name}",
    "DELETE /users/{id}/{name}/tokens",
    "GET /users/{id}/friends/tokens",
    "GET /users/{id}/friends/{name}",
    "GET /templates/{name}",
    "GET /templates/properties",
    "GET /templates/properties/{name}/text",
    "GET /templates/{name}/{text}",
    "GET /configs/{name}",
    "GET /files/{name=**}",
    "GET /files/index",
    "GET /a/b/c",
    "GET /a/{name}/d",
    "GET /{name}/b/e",
    "LOCK /a",
    "GET /.well-known/keys.json",
)


@pytest.fixture(scope="module")
def echo():
    return Echo(rpcs_of(*(Operation(path, "Route") for path in PATHS)))


@pytest.fixture(scope="module")
def bridge(echo):
    return Bridge(echo)


@pytest.fixture
def goes(echo, bridge):
    """Where a request goes: the path of the operation, and what its variables hold."""

    def ask(verb, path):
        echo.asked.clear()
        answer = call(bridge, verb, path)
        if not echo.asked:
            return answer.status
        ((number, request, _),) = echo.asked
        return PATHS[int(number)], {field.name: value for field, value in request.ListFields()}

    return ask


@pytest.mark.parametrize(
    "verb, path, operation, values",
    [
        ("GET", "/users", "GET /users", {}),
        ("POST", "/users", "POST /users", {}),
        ("GET", "/users/7", "GET /users/{id}", {"id": 7}),
        ("PUT", "/users/7", "PUT /users/{id}", {"id": 7}),
        ("GET", "/users/groups", "GET /users/groups", {}),
        ("GET", "/users/groups/7", "GET /users/groups/{name}", {"name": "7"}),
        # Crossing pairs: the leftmost literal wins.
        ("GET", "/users/achievements/leveling", "GET /users/achievements/{name}", {"name": "leveling"}),
        ("GET", "/users/7/leveling", "GET /users/{id}/leveling", {"id": 7}),
        ("GET", "/users/7/leveling/a", "GET /users/{id}/leveling/{name}", {"id": 7, "name": "a"}),
        ("GET", "/users/7/friends/tokens", "GET /users/{id}/friends/tokens", {"id": 7}),
        ("GET", "/users/7/friends/token", "GET /users/{id}/friends/{name}", {"id": 7, "name": "token"}),
        ("DELETE", "/users/7/friends/tokens", "DELETE /users/{id}/{name}/tokens", {"id": 7, "name": "friends"}),
        ("GET", "/templates/properties", "GET /templates/properties", {}),
        ("GET", "/templates/other", "GET /templates/{name}", {"name": "other"}),
        # Back out of a literal that leads nowhere.
        ("GET", "/templates/properties/a", "GET /templates/{name}/{text}", {"name": "properties", "text": "a"}),
        ("GET", "/templates/properties/a/text", "GET /templates/properties/{name}/text", {"name": "a"}),
        ("GET", "/a/b/c", "GET /a/b/c", {}),
        ("GET", "/a/b/d", "GET /a/{name}/d", {"name": "b"}),
        ("GET", "/a/b/e", "GET /{name}/b/e", {"name": "a"}),
        ("LOCK", "/a", "LOCK /a", {}),
        ("GET", "/.well-known/keys.json", "GET /.well-known/keys.json", {}),
    ],
)
def test_the_leftmost_literal_wins(goes, verb, path, operation, values):
    assert goes(verb, path) == (operation, values)


@pytest.mark.parametrize(
    "written, name",
    [
        ("a.b", "a.b"),
        ("a.json", "a.json"),
        (".", "."),
        ("..", ".."),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("a%2Fb", "a/b"),
        ("a%2fb", "a/b"),
        ("%2F", "/"),
        ("a%252Fb", "a%2Fb"),
        ("a;b=c,d", "a;b=c,d"),
        ("a:b@c", "a:b@c"),
        ("%C3%A4", "ä"),
        ("%F0%9F%8E%B2", "\U0001f3b2"),
        ("%3F%23", "?#"),
        ("%7Bid%7D", "{id}"),
        ("{id}", "{id}"),
        ("%ZZ", "%ZZ"),
        ("%", "%"),
        ("%4", "%4"),
        ("*", "*"),
        ("%00", "\0"),
        ("-", "-"),
    ],
)
def test_a_segment_is_decoded_by_itself(goes, written, name):
    assert goes("GET", f"/configs/{written}") == ("GET /configs/{name}", {"name": name})
    assert goes("GET", f"/users/7/friends/{written}") == ("GET /users/{id}/friends/{name}", {"id": 7, "name": name})


@pytest.mark.parametrize("path", ["/%75sers/7", "/users%2F7", "/USERS/7"])
def test_a_literal_may_be_encoded_but_is_one_segment(goes, path):
    assert goes("GET", path) == (("GET /users/{id}", {"id": 7}) if path == "/%75sers/7" else 404)


@pytest.mark.parametrize("path", ["/configs/%ff", "/configs/%ed%a0%80", "/%ff", "/users/%c3/leveling"])
def test_what_is_not_utf_8_is_refused(echo, bridge, path):
    answer = call(bridge, "GET", path)

    assert answer.status in (400, 404)
    assert answer.json()["result"][0]["field"] is None


@pytest.mark.parametrize(
    "path, name",
    [
        ("/files/a", "a"),
        ("/files/a/b/c.txt", "a/b/c.txt"),
        ("/files/a%2Fb/c", "a/b/c"),
        ("/files/index/a", "index/a"),
        ("/files/a//b", "a//b"),
    ],
)
def test_the_rest_of_a_path_may_be_one_variable(goes, path, name):
    assert goes("GET", path) == ("GET /files/{name=**}", {"name": name})
    assert goes("GET", "/files/index") == ("GET /files/index", {})


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//",
        "/nowhere",
        "/users/",
        "//users",
        "/users//7",
        "/users/7/",
        "/configs/",
        "/configs//",
        "/users/7/nothing",
        "/configs/a/b",
    ],
)
def test_a_path_that_leads_nowhere_is_not_found(echo, bridge, goes, path):
    for verb in ("GET", "HEAD", "POST", "DELETE", "PATCH", "FOO"):
        answer = call(bridge, verb, path)
        assert answer.status == 404, verb
        assert answer.header("allow") is None
    assert call(bridge, "OPTIONS", path).status == 404
    assert goes("GET", path) == 404


@pytest.mark.parametrize(
    "verb, path, allowed",
    [
        ("DELETE", "/users", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/users/7", "GET, HEAD, OPTIONS, PUT"),
        ("POST", "/users/groups", "GET, HEAD, OPTIONS"),
        ("get", "/users", "GET, HEAD, OPTIONS, POST"),
        ("PATCH", "/configs/a", "GET, HEAD, OPTIONS"),
        ("GET", "/a", "LOCK, OPTIONS"),
        ("HEAD", "/a", "LOCK, OPTIONS"),
        ("PUT", "/files/a/b", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_path_with_other_methods_names_them(bridge, verb, path, allowed):
    answer = call(bridge, verb, path)

    assert answer.status == 405
    assert set(allowed.split(", ")) <= set((answer.header("allow") or "").split(", "))
    assert answer.header("allow") == ", ".join(sorted((answer.header("allow") or "").split(", ")))
    if verb != "HEAD":
        assert [result["field"] for result in answer.json()["result"]] == [None]


def test_another_method_of_a_variable_is_found_behind_a_literal(goes):
    assert goes("PUT", "/users/groups") != ("GET /users/groups", {})
    assert goes("DELETE", "/users/7/friends/tokens") == ("DELETE /users/{id}/{name}/tokens", {"id": 7, "name": "friends"})


def test_head_is_get_without_the_body(echo, bridge):
    echo.asked.clear()
    got, head = call(bridge, "GET", "/users/x"), call(bridge, "HEAD", "/users/x")

    assert (got.status, head.status) == (400, 400)
    assert head.body == b""
    assert head.header("content-length") == got.header("content-length")
    assert call(bridge, "HEAD", "/users/7").status == 204


@pytest.mark.parametrize("path", ["/users/x", "/users/7.5", "/users/%20", "/users/99999999999", "/users/x/leveling"])
def test_a_word_where_a_number_belongs_is_named(bridge, path):
    answer = call(bridge, "GET", path)

    assert [result["field"] for result in answer.json()["result"]] == ["id"]
    assert answer.status == 400


def test_options_lists_the_methods(bridge):
    answer = call(bridge, "OPTIONS", "/users")

    assert (answer.status, answer.body) == (204, b"")
    assert set((answer.header("allow") or "").split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize(
    "first, second",
    [
        ("GET /a/{id}", "GET /a/{id}"),
        ("GET /a", "GET /a"),
        ("GET /a/{name}/b", "GET /a/{text}/b"),
        ("GET /a/{name=**}", "GET /a/{text=**}"),
    ],
)
def test_two_operations_with_one_route_do_not_start(first, second):
    rpcs = rpcs_of(Operation(first, "Route"), Operation(second, "Route"))

    with pytest.raises(Ambiguous) as refused:
        Bridge(Echo(rpcs))

    assert all(rpc.name in str(refused.value) for rpc in rpcs)
    with pytest.raises(Ambiguous):
        Routes(route for rpc in rpcs for route in routes_of(rpc))


def test_the_same_path_with_another_method_starts():
    assert Bridge(Echo(rpcs_of(Operation("GET /a/{id}", "Route"), Operation("PUT /a/{id}", "Route"), Operation("GET /a/b", "Route"))))


@pytest.mark.parametrize("segments", [10, 1000, 5000])
def test_a_path_of_many_segments_is_not_found(bridge, segments):
    assert call(bridge, "GET", "/a" * segments).status in (404, 431)
    assert call(bridge, "GET", "/" * segments).status == 404


def test_a_refusal_names_the_path_but_no_more_than_a_line_of_it(bridge):
    answer = call(bridge, "GET", "/nowhere/" + "a" * 5000)

    assert len(answer.body) < 500
    assert type_of("Route").DESCRIPTOR.full_name not in answer.body.decode()


def test_a_refusal_has_the_published_shape(bridge):
    answer = call(bridge, "GET", "/nowhere")

    # A server adds the date.
    check_refusal(answer._replace(headers=[*answer.headers, ("date", "now")]), 404)

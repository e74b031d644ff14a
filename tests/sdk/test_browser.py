"""What a browser sends for a page: a preflight, then the call; and what it may never read."""

from collections.abc import Iterator

import pytest
import requests
from people import PASSWORD, Person
from worlds import World, settings_for, sqlite_url

PAGE, OTHER = "https://game.example", "https://game.example.evil"
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
CALL = {"User-Agent": "Mozilla/5.0", "Referer": f"{PAGE}/", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory, recorder) -> Iterator[World]:
    """One that names the origin it serves."""
    world = World(settings_for(sqlite_url(tmp_path_factory.mktemp("browser")), "native", cors_origins=PAGE), recorder.observe)
    yield world
    world.close()


@pytest.fixture
def player(deployment) -> Person:
    return deployment.person("player")


def shared(answer: requests.Response) -> dict[str, str]:
    """The headers that a browser looks for."""
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith("access-control-")}


def words(text: str) -> set[str]:
    return {word.strip().lower() for word in text.split(",")}


def test_a_page_asks_and_then_calls(deployment, player):
    asked = requests.options(deployment.url + "/comments", headers={**CALL, "Origin": PAGE, **ASKS})

    assert (asked.status_code, asked.content) == (204, b"")
    assert shared(asked)["access-control-allow-origin"] == PAGE
    assert "POST" in asked.headers["access-control-allow-methods"].split(", ")
    assert words(asked.headers["access-control-allow-headers"]) >= {"authorization", "content-type"}
    assert "access-control-allow-credentials" not in shared(asked)

    body = {"context": "page", "context_id": "1", "content": "from a page"}
    said = player.post("/comments", body, headers={**CALL, "Origin": PAGE})

    assert said.status_code == 200
    assert said.headers["access-control-allow-origin"] == PAGE
    assert words(said.headers["vary"]) == {"origin"}
    assert "x-request-id" in words(said.headers["access-control-expose-headers"])


@pytest.mark.parametrize("content_type", ["application/json", "application/proto", "application/grpc-web+proto"])
def test_a_page_may_speak_connect_and_grpc_web(deployment, content_type):
    url = f"{deployment.url}/gamehall.comments.v1.CommentService/GetComment"
    ours = "authorization,content-type,idempotency-key,traceparent,tracestate"
    sent = f"{ours},connect-protocol-version,connect-timeout-ms,grpc-timeout,x-grpc-web,x-user-agent"

    asked = requests.options(url, headers={**CALL, "Origin": PAGE, **ASKS, "Access-Control-Request-Headers": sent})
    called = requests.post(url, headers={**CALL, "Origin": PAGE, "Content-Type": content_type}, data=b"")

    assert asked.headers["access-control-allow-origin"] == called.headers["access-control-allow-origin"] == PAGE
    assert words(asked.headers["access-control-allow-methods"]) == {"get", "head", "options", "post"}
    assert words(asked.headers["access-control-allow-headers"]) == words(sent)
    assert words(called.headers["access-control-expose-headers"]) >= {"grpc-status", "grpc-message", "grpc-status-details-bin"}


def test_no_page_reads_what_the_secret_of_a_server_opens_over_connect(deployment):
    server = deployment.client("ROLE_USER")
    form = {"grantType": "client_credentials", "clientId": server.username, "clientSecret": server.refresh_token}

    answer = requests.post(deployment.url + "/gamehall.auth.v1.TokenService/CreateToken", json=form, headers={**CALL, "Origin": PAGE})

    assert answer.json()["accessToken"]
    assert shared(answer) == {}


def test_a_page_reads_why_it_was_refused(deployment):
    refused = requests.post(deployment.url + "/comments", json={}, headers={**CALL, "Origin": PAGE})

    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == PAGE
    assert "www-authenticate" in words(refused.headers["access-control-expose-headers"])


def test_users_sign_in_from_a_page(deployment, player):
    form = {"grant_type": "password", "client_id": "web", "username": player.username, "password": PASSWORD}

    answer = requests.post(deployment.url + "/oauth/token", data=form, headers={**CALL, "Origin": PAGE})

    assert answer.json()["token_type"] == "bearer"
    assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("origin", [OTHER, "http://game.example", "null"])
def test_a_page_of_another_origin_reads_nothing(deployment, player, origin):
    asked = requests.options(deployment.url + "/comments", headers={**CALL, "Origin": origin, **ASKS})
    read = player.get("/me", headers={**CALL, "Origin": origin})

    assert shared(asked) == shared(read) == {}
    # A cache must not give one origin the answer that another got.
    assert words(asked.headers.get("vary", "")) == words(read.headers["vary"]) == {"origin"}


def test_a_path_that_is_not_there_has_no_preflight(deployment):
    asked = requests.options(deployment.url + "/nowhere", headers={**CALL, "Origin": PAGE, **ASKS})

    assert asked.status_code == 404
    assert not shared(asked).keys() & {"access-control-allow-methods", "access-control-allow-headers", "access-control-max-age"}


@pytest.mark.parametrize("proof", ["form", "query", "basic"])
def test_no_page_reads_what_the_secret_of_a_server_opens(deployment, proof):
    server = deployment.client("ROLE_USER")
    who = {"client_id": server.username, "client_secret": server.refresh_token}
    sends = {
        "form": {"data": {"grant_type": "client_credentials", **who}},
        "query": {"params": {"grant_type": "client_credentials", **who}},
        "basic": {"data": {"grant_type": "client_credentials"}, "auth": (server.username, server.refresh_token)},
    }

    answer = requests.post(deployment.url + "/oauth/token", headers={**CALL, "Origin": PAGE}, **sends[proof])

    assert answer.status_code == 200
    assert shared(answer) == {}


def test_a_wrong_secret_is_no_business_of_a_page_either(deployment):
    form = {"grant_type": "client_credentials", "client_id": deployment.client().username, "client_secret": "guessed"}

    answer = requests.post(deployment.url + "/oauth/token", data=form, headers={**CALL, "Origin": PAGE})

    assert answer.status_code == 401
    assert shared(answer) == {}


def test_every_page_may_call_where_no_origin_is_named(world):
    answer = requests.get(world.url + "/location/countries", headers={**CALL, "Origin": OTHER})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in shared(answer)

"""A client that others wrote completes every grant: authlib, as an application uses it."""

from urllib.parse import parse_qsl

import pytest
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from people import PASSWORD

from tests.modules.oauth_stage import BACK, WEB, Stage


@pytest.fixture
def stage(world):
    return Stage(world)


def session_of(stage, key, secret="", **more):
    """authlib's session of a client, which proves itself as a client of its kind does."""
    how = more.pop("how", "client_secret_basic") if secret else "none"
    return OAuth2Session(key, secret or None, token_endpoint_auth_method=how, **more)


def signed_in(stage, session, **more):
    """The person's way over the login page; the address that the application is called back with."""
    verifier = "v" * 64
    url, state = session.create_authorization_url(stage.world.url + "/oauth/authorize", code_verifier=verifier, **more)
    asked = dict(parse_qsl(url.partition("?")[2]))
    answer = stage.post("/oauth/authorize", {**asked, "username": stage.ann.username, "password": PASSWORD, "decision": "allow"})
    return answer.headers["location"], state, verifier


@pytest.mark.parametrize("kind", ["public", "client_secret_basic", "client_secret_post"])
def test_authorization_code_with_pkce(stage, kind):
    key, secret = (stage.app, "") if kind == "public" else stage.site
    back = BACK if kind == "public" else WEB
    session = session_of(stage, key, secret, how=kind, redirect_uri=back, scope="read", code_challenge_method="S256")
    address, state, verifier = signed_in(stage, session)

    token = session.fetch_token(
        stage.world.url + "/oauth/token", authorization_response=address, state=state, code_verifier=verifier
    )  # fmt: skip

    assert token["scope"] == "read"
    assert session.get(stage.world.url + "/me").json()["user_id"] == stage.ann.id


def test_an_answer_of_somebody_else_is_seen(stage):
    session = session_of(stage, stage.app, redirect_uri=BACK, code_challenge_method="S256")
    address, _, _ = signed_in(stage, session)

    with pytest.raises(AuthlibBaseError, match="state"):
        session.fetch_token(stage.world.url + "/oauth/token", authorization_response=address, state="another")


@pytest.mark.parametrize("how", ["client_secret_basic", "client_secret_post"])
def test_client_credentials(stage, how):
    session = session_of(stage, *stage.server, how=how)

    session.fetch_token(stage.world.url + "/oauth/token", grant_type="client_credentials")

    assert session.get(stage.world.url + "/me").json()["client_id"] == stage.server[0]


def test_password_and_refresh_and_the_end(stage):
    session = session_of(stage, stage.ours)
    first = session.fetch_token(stage.world.url + "/oauth/token", username=stage.ann.username, password=PASSWORD)

    second = session.refresh_token(stage.world.url + "/oauth/token")

    assert second["refresh_token"] != first["refresh_token"]
    assert session.get(stage.world.url + "/me").json()["user_id"] == stage.ann.id
    ended = session.revoke_token(stage.world.url + "/oauth/revoke", token=second["refresh_token"])
    assert (ended.status_code, ended.content) == (200, b"")
    assert not stage.opens(second["access_token"])


def test_introspection(stage):
    asks = session_of(stage, *stage.server)

    told = asks.introspect_token(stage.world.url + "/oauth/introspect", token=stage.ann.token)

    assert told.json()["username"] == stage.ann.username

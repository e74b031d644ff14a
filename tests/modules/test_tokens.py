"""Tokens: how one gets them, what they open, how they end. RFC 6749, RFC 6750 and RFC 9068, through both doors."""

import base64
import logging
from urllib.parse import quote_plus, urlencode

import jwt
import pytest
import requests
from gamehall.auth.v1.tokens_pb2 import CreateTokenRequest, GetTokenDetailsRequest
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.storage import Query
from gamehall_server.modules.auth.sessions import GRACE
from people import PASSWORD, Person
from sqlalchemy import select
from sqlmodel import SQLModel
from worlds import ISSUER

from tests.contract.callers import issued
from tests.contract.doors import published_refusal, reason_of
from tests.contract.forgery import BAD_TOKENS
from tests.modules.oauth import ask, by_password, made_older, me, refresh, refusal

# How one gets a token.


def test_a_password_gives_a_token_as_the_guide_prints_it(world, ann):
    answer = ask(world, **by_password(ann))

    told = answer.json()
    assert answer.status_code == 200
    assert list(told) == ["access_token", "token_type", "expires_in", "scope", "refresh_token"]
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("bearer", 900, "write read")
    assert answer.headers["cache-control"] == "no-cache, no-store, max-age=0, must-revalidate"
    assert answer.headers["pragma"] == "no-cache"
    assert me(world, told["access_token"]).json() == {"client_id": "web", "roles": ["ROLE_USER"], "user_id": ann.id}


def test_parameters_may_stand_in_the_query_string(world, ann):
    """As the guide's own example does."""
    answer = requests.post(f"{world.url}/oauth/token?{urlencode(by_password(ann))}")

    assert me(world, answer.json()["access_token"]).json()["user_id"] == ann.id


def test_parameters_may_stand_in_both(world, ann):
    form = by_password(ann)
    query = {"client_id": form.pop("client_id"), "grant_type": form.pop("grant_type")}

    assert requests.post(f"{world.url}/oauth/token?{urlencode(query)}", data=form).status_code == 200


def test_a_client_gets_a_token_for_its_secret(world):
    server = world.client("ROLE_USER")

    answer = ask(world, grant_type="client_credentials", client_id=server.username, client_secret=server.refresh_token)

    told = answer.json()
    assert list(told) == ["access_token", "token_type", "expires_in", "scope"]
    assert told["expires_in"] == 3600
    assert me(world, told["access_token"]).json() == {"client_id": server.username, "roles": ["ROLE_USER"]}


@pytest.mark.parametrize("word", ["Basic", "basic", "BASIC"])
def test_a_client_may_name_itself_in_the_header(world, word):
    server = world.client()
    pair = f"{quote_plus(server.username)}:{quote_plus(server.refresh_token)}"
    header = {"Authorization": f"{word} {base64.b64encode(pair.encode()).decode()}"}

    answer = requests.post(world.url + "/oauth/token", data={"grant_type": "client_credentials"}, headers=header)

    assert me(world, answer.json()["access_token"]).json()["client_id"] == server.username


def test_a_header_that_names_no_client_is_refused_with_a_challenge(world):
    server = world.client()
    wrong = base64.b64encode(f"{server.username}:wrong".encode()).decode()

    answer = requests.post(
        world.url + "/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {wrong}"}
    )

    refusal(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"] == 'Basic realm="gamehall"'


@pytest.mark.parametrize("header", ["Basic", "Basic ", "Basic ???", "Basic /w==", "Basic Og=="])
def test_a_header_that_cannot_be_read_is_refused(world, header):
    answer = requests.post(world.url + "/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header})

    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_request", "invalid_client", "unauthorized_client")


def test_the_client_is_knetik_unless_told(world, ann):
    form = by_password(ann)
    del form["client_id"]

    answer = ask(world, **form)

    assert me(world, answer.json()["access_token"]).json()["client_id"] == "knetik"


def test_the_grant_is_client_credentials_unless_told(world):
    server = world.client()

    answer = ask(world, client_id=server.username, client_secret=server.refresh_token)

    assert me(world, answer.json()["access_token"]).json()["client_id"] == server.username


def test_a_refresh_token_gives_the_next_of_both(world, ann):
    told = refresh(world, ann.refresh_token)

    assert list(told) == ["access_token", "token_type", "expires_in", "scope", "refresh_token"]
    assert told["refresh_token"] != ann.refresh_token
    assert me(world, told["access_token"]).json()["user_id"] == ann.id
    assert me(world, ann.token).status_code == 200


def test_letter_case_of_a_user_name_does_not_count(world, ann):
    assert ask(world, **by_password(ann, username=ann.username.upper())).status_code == 200


def test_a_sign_in_is_noted(world, ann):
    assert ann.get("/users/me").json()["last_activity"] >= ann.get("/users/me").json()["member_since"]


def test_grpc_gives_tokens_too(world, ann, refused):
    stub = world.nobody().grpc.tokens

    told = stub.CreateToken(CreateTokenRequest(**by_password(ann)))

    details = Person(world.url, world.channel, told.access_token).grpc.tokens.GetTokenDetails(GetTokenDetailsRequest())
    assert (details.user_id, details.client_id) == (ann.id, "web")
    with refused("INVALID_ARGUMENT") as refusals:
        stub.CreateToken(CreateTokenRequest(**by_password(ann, password="wrong")))
    assert reason_of(refusals[0]) == "OAUTH_INVALID_GRANT"
    with refused("UNAUTHENTICATED") as refusals:
        stub.CreateToken(CreateTokenRequest(**by_password(ann, client_id="nobody")))
    assert reason_of(refusals[0]) == "OAUTH_INVALID_CLIENT"


# How a token is refused.

WRONG_REQUESTS = {
    "an unknown grant": ({"grant_type": "telepathy", "client_id": "web"}, 400, "unsupported_grant_type"),
    "an unknown client": ({"grant_type": "password", "client_id": "nobody", "username": "a", "password": "b"}, 401, "invalid_client"),
    "a grant that the client may not use": ({"grant_type": "client_credentials", "client_id": "web"}, 400, "unauthorized_client"),
    "nothing at all": ({}, 400, "unauthorized_client"),
    "no user name": ({"grant_type": "password", "client_id": "web", "password": "b"}, 400, "invalid_request"),
    "no password": ({"grant_type": "password", "client_id": "web", "username": "a"}, 400, "invalid_request"),
    "an empty password": ({"grant_type": "password", "client_id": "web", "username": "a", "password": ""}, 400, "invalid_request"),
    "no refresh token": ({"grant_type": "refresh_token", "client_id": "web"}, 400, "invalid_request"),
    "an unknown refresh token": ({"grant_type": "refresh_token", "client_id": "web", "refresh_token": "x"}, 400, "invalid_grant"),
    "an unknown user": ({"grant_type": "password", "client_id": "web", "username": "nobody", "password": "b"}, 400, "invalid_grant"),
    "a name that is too long": (
        {"grant_type": "password", "client_id": "web", "username": "a" * 256, "password": "b"},
        400,
        "invalid_request",
    ),
    "a parameter twice": ([("grant_type", "password"), ("grant_type", "password"), ("client_id", "web")], 400, "invalid_request"),
}


@pytest.mark.parametrize("name", WRONG_REQUESTS)
def test_a_wrong_request_is_refused_as_the_rfc_says(world, name):
    form, status, word = WRONG_REQUESTS[name]

    assert refusal(requests.post(world.url + "/oauth/token", data=form), status, word)


def test_a_private_client_must_prove_itself(world):
    server = world.client()

    for more in ({}, {"client_secret": ""}, {"client_secret": "wrong"}, {"client_secret": server.refresh_token.swapcase()}):
        refusal(ask(world, grant_type="client_credentials", client_id=server.username, **more), 401, "invalid_client")


def test_json_is_no_form(world, ann):
    refusal(requests.post(world.url + "/oauth/token", json=by_password(ann)), 400, "invalid_request")


def test_an_unknown_user_and_a_wrong_password_are_one_answer(world, ann):
    unknown = ask(world, **by_password(ann, username="no" + ann.username))
    wrong = ask(world, **by_password(ann, password="not it, not it"))

    assert (unknown.status_code, unknown.json()) == (wrong.status_code, wrong.json())
    assert set(unknown.headers) == set(wrong.headers)


def test_a_password_is_compared_whole(world, ann):
    for near in (PASSWORD + " ", " " + PASSWORD, PASSWORD[:-1], PASSWORD.upper(), PASSWORD + "\0"):
        assert ask(world, **by_password(ann, password=near)).status_code == 400


# What never shows.


def test_no_secret_is_ever_logged(world, ann, caplog):
    caplog.set_level(logging.DEBUG)
    # What the client of this test logs of its own requests is not the product's.
    caplog.set_level(logging.WARNING, "urllib3")
    server = world.client("ROLE_USER")
    secrets = [PASSWORD, "a wrong secret", server.refresh_token, ann.token, ann.refresh_token]

    told = requests.post(f"{world.url}/oauth/token?{urlencode(by_password(ann))}").json()
    next_one = refresh(world, told["refresh_token"])
    made_older(world, told["refresh_token"], used=GRACE + SECOND)
    assert refresh(world, told["refresh_token"]) is None
    for form in (by_password(ann, password="a wrong secret"), {"client_id": server.username, "client_secret": "a wrong secret"}):
        assert not requests.post(f"{world.url}/oauth/token?{urlencode(form)}").ok
    assert ann.get("/users/me").ok
    assert me(world, ann.token + "x").status_code == 401

    secrets += [told["access_token"], told["refresh_token"], next_one["access_token"], next_one["refresh_token"]]
    for secret in secrets:
        assert secret not in caplog.text
        assert quote_plus(secret) not in caplog.text
    assert "grant_type=" not in caplog.text


def test_no_secret_is_kept_in_clear(world, ann):
    """Every table's every text, as the database has it."""
    server = world.client()
    told = refresh(world, ann.refresh_token)
    secrets = [PASSWORD, server.refresh_token, ann.token, ann.refresh_token, told["refresh_token"], told["access_token"]]

    async def dump():
        reader = world.server.product.database.reader()
        return [str(await reader.all(Query(select(table)))) for table in SQLModel.metadata.tables.values()]

    stored = "\n".join(world.inside(dump))
    assert ann.username in stored
    assert [secret for secret in secrets if secret in stored] == []


# What a token is.


def test_anybody_can_verify_a_token_with_the_published_keys(world, ann):
    keys = jwt.PyJWKSet.from_dict(requests.get(world.url + "/.well-known/jwks.json").json())
    header = jwt.get_unverified_header(ann.token)

    claims = jwt.decode(ann.token, keys[header["kid"]], ["ES256"], issuer=ISSUER, audience=ISSUER)

    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt")
    assert (claims["sub"], claims["client_id"]) == (str(ann.id), "web")
    assert claims["exp"] - claims["iat"] == 900


def test_published_keys_are_public_halves(world):
    for key in requests.get(world.url + "/.well-known/jwks.json").json()["keys"]:
        assert set(key) == {"kty", "kid", "use", "alg", "crv", "x", "y"}
        assert (key["kty"], key["alg"], key["crv"], key["use"]) == ("EC", "ES256", "P-256", "sig")


def test_no_two_tokens_are_alike(world, ann):
    assert issued(world, ann, 900) != issued(world, ann, 900)


@pytest.fixture(scope="module")
def holders():
    """One user per world, whose token many others are made from."""
    return {}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_bad_token_opens_nothing(world, holders, refused, name):
    holder = holders.get(world.url) or holders.setdefault(world.url, world.person("holder"))
    token = BAD_TOKENS[name](world, holder)

    answer = me(world, token)
    outcome = published_refusal(answer)
    with refused("UNAUTHENTICATED") as refusals:
        Person(world.url, world.channel, token).grpc.tokens.GetTokenDetails(GetTokenDetailsRequest())

    assert outcome == ("UNAUTHENTICATED", "TOKEN_INVALID")
    assert reason_of(refusals[0]) == "TOKEN_INVALID"
    assert answer.json()["error"] == "invalid_token"
    assert answer.json()["result"] == [{"field": None, "message": "The access token is not valid.", "details": None}]
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert me(world, holder.token).status_code == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Token x", "Basic YTpi", "x"])
def test_a_header_that_is_no_bearer_token_is_refused(world, header):
    answer = requests.get(world.url + "/me", headers={"Authorization": header})

    assert published_refusal(answer) == ("UNAUTHENTICATED", "TOKEN_INVALID")


@pytest.mark.parametrize("word", ["bearer", "BEARER", "Bearer  "])
def test_the_word_bearer_may_be_written_in_any_case(world, ann, word):
    assert requests.get(world.url + "/me", headers={"Authorization": f"{word} {ann.token}"}).status_code == 200


def test_without_a_token_the_challenge_names_no_error(world):
    """RFC 6750 section 3.1."""
    answer = requests.get(world.url + "/me")

    assert published_refusal(answer) == ("UNAUTHENTICATED", "TOKEN_MISSING")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"] == "unauthorized"


def test_an_expired_token_says_so_whether_it_was_seen_before_or_not(world, ann):
    never_seen = issued(world, ann, -1)
    seen = next(token for token in iter(lambda: issued(world, ann, 1), None) if me(world, token).ok)

    answer = next(answer for answer in iter(lambda: me(world, seen), None) if not answer.ok)

    for refused in (answer, me(world, never_seen)):
        assert published_refusal(refused) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")
        assert refused.json()["code"] == 5

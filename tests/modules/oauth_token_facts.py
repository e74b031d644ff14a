"""Sentences of the RFCs about tokens that are out: bearer tokens, their end, what is known of them, metadata. See oauth_facts.py."""

import time

import jwt
import requests
from worlds import ISSUER

from tests.contract.callers import issued
from tests.contract.forgery import claims_of
from tests.modules.oauth_facts import fact, same
from tests.modules.oauth_stage import BACK, WEB, Stage, asked_back

# Bearer tokens (RFC 6750).


@fact("RFC6750 2.1 a token in the header, whatever the letter case of Bearer")
def _(s: Stage) -> None:
    for word in ("Bearer", "bearer", "BEARER"):
        assert s.get("/me", headers={"Authorization": f"{word} {s.ann.token}"}).ok


@fact("RFC6750 2.3 no token in an address", "RFC6750 5.3 an address with a token opens nothing")
def _(s: Stage) -> None:
    answer = s.get("/me", params={"access_token": s.ann.token})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@fact("RFC6750 2.2 no token in a form")
def _(s: Stage) -> None:
    answer = s.post("/comments", {"access_token": s.ann.token})
    assert answer.status_code in (400, 401)


@fact("RFC6750 3.1 without a token the challenge tells no error")
def _(s: Stage) -> None:
    assert s.get("/me").headers["www-authenticate"] == "Bearer"


@fact("RFC6750 3.1 an expired token is invalid_token", "RFC6750 3 the words of a challenge are printable")
def _(s: Stage) -> None:
    answer = s.get("/me", issued(s.world, s.ann, -1))
    challenge = answer.headers["www-authenticate"]
    assert (answer.status_code, challenge.startswith('Bearer error="invalid_token", error_description="')) == (401, True)
    assert challenge.isascii()
    assert challenge.isprintable()


@fact("RFC6750 5.3 answers to a token are kept by nobody")
def _(s: Stage) -> None:
    assert "no-store" in s.get("/me", s.ann.token).headers["cache-control"]


# The end of tokens (RFC 7009).


@fact("RFC7009 2.1 the end of a refresh token is the end of its access tokens", "RFC7009 2.2 the answer is 200 and empty")
def _(s: Stage) -> None:
    told = s.tokens()
    answer = s.revoke(told["refresh_token"])
    assert (answer.status_code, answer.content) == (200, b"")
    assert not s.opens(told["access_token"])
    assert s.refresh(told["refresh_token"]).json()["error"] == "invalid_grant"


@fact("RFC7009 2.1 the end of an access token, and of its refresh token")
def _(s: Stage) -> None:
    told = s.tokens()
    assert s.opens(told["access_token"])
    assert s.revoke(told["access_token"]).status_code == 200
    assert not s.opens(told["access_token"])
    assert s.refresh(told["refresh_token"]).json()["error"] == "invalid_grant"


@fact("RFC7009 2.1 a used refresh token ends its family too")
def _(s: Stage) -> None:
    first = s.tokens()
    second = s.refresh(first["refresh_token"]).json()
    assert s.revoke(first["refresh_token"]).status_code == 200
    assert not s.opens(second["access_token"])


@fact("RFC7009 2.1 an end is an end, however often the token was used and asked about")
def _(s: Stage) -> None:
    ended, going_on = s.tokens(), s.tokens()
    for told in (ended, going_on):
        assert s.opens(told["access_token"])
        assert s.about(told["access_token"]).json()["active"]
        assert s.about(told["access_token"]).json()["active"]
    for told in (ended, going_on):
        assert s.revoke(told["access_token"]).status_code == 200
        assert not s.opens(told["access_token"])


@fact("RFC7009 2.1 other sessions of the person go on")
def _(s: Stage) -> None:
    ended, going_on = s.tokens(), s.tokens()
    s.revoke(ended["refresh_token"])
    assert s.opens(going_on["access_token"])
    assert s.refresh(going_on["refresh_token"]).ok


@fact("RFC7009 2.2 a token that is no token is no error", "RFC7009 2.2 a token that has ended is no error")
def _(s: Stage) -> None:
    told = s.tokens()
    answers = [s.revoke(token) for token in ("none", "a.b.c", told["refresh_token"], told["refresh_token"], told["access_token"])]
    assert [answer.status_code for answer in answers] == [200] * 5


@fact("RFC7009 2.1 a wrong hint, or an unknown one, does not matter", "RFC7009 2.2.1 every type of token can be ended")
def _(s: Stage) -> None:
    for kind, hint in (("access_token", "refresh_token"), ("refresh_token", "access_token"), ("refresh_token", "pat")):
        told = s.tokens()
        assert s.revoke(told[kind], token_type_hint=hint).status_code == 200
        assert not s.opens(told["access_token"])


@fact("RFC7009 2.1 a confidential client ends its own token")
def _(s: Stage) -> None:
    token = s.token(grant_type="client_credentials", **s.sandwich()).json()["access_token"]
    assert s.post("/oauth/revoke", {"token": token}, auth=s.server).status_code == 200
    assert not s.opens(token)


@fact("RFC7009 2.1 the token is never in the address")
def _(s: Stage) -> None:
    told = s.tokens()
    for path in ("revoke", "introspect"):
        answer = requests.post(f"{s.world.url}/oauth/{path}", params={"token": told["access_token"], "client_id": s.app})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert s.opens(told["access_token"])


@fact("RFC7009 2.3 a page of another site may end a token, as applications in browsers do")
def _(s: Stage) -> None:
    answer = s.post("/oauth/revoke", {"client_id": s.app, "token": "a"}, headers={"Origin": "https://game.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


# What is known of tokens (RFC 7662).


@fact("RFC7662 2.2 an access token", "RFC7662 2.2 the claims are those of the token")
def _(s: Stage) -> None:
    token = s.tokens()["access_token"]
    answer = s.about(token)
    claims = claims_of(token)
    wanted = {name: claims[name] for name in ("scope", "client_id", "exp", "iat", "sub", "aud", "iss", "jti")}
    assert answer.json() == {"active": True, "token_type": "bearer", "username": s.ann.username, **wanted}
    assert answer.headers["content-type"].startswith("application/json")
    assert "no-store" in answer.headers["cache-control"]


@fact("RFC7662 2.2 a client's own token has no user")
def _(s: Stage) -> None:
    told = s.about(s.token(grant_type="client_credentials", **s.sandwich()).json()["access_token"]).json()
    assert (told["active"], told["sub"], told["client_id"], "username" in told) == (True, s.server[0], s.server[0], False)


@fact("RFC7662 2.2 a refresh token, to its client alone")
def _(s: Stage) -> None:
    code = s.code(client_id=s.site[0], redirect_uri=WEB, scope="read")
    token = s.exchange(code, client_id=s.site[0], client_secret=s.site[1], redirect_uri=WEB).json()["refresh_token"]
    told = s.post("/oauth/introspect", {"token": token}, auth=s.site).json()
    assert told.pop("exp") > time.time()
    known = {"active": True, "scope": "read", "client_id": s.site[0], "sub": str(s.ann.id), "username": s.ann.username, "iss": ISSUER}
    assert told == known
    assert s.about(token).json() == {"active": False}


@fact("RFC7662 2.2 of a token that has ended nothing is told", "RFC7662 2.2 of no token at all", "RFC7662 2.2 of an expired one")
def _(s: Stage) -> None:
    told = s.tokens()
    s.revoke(told["refresh_token"])
    for token in (told["access_token"], told["refresh_token"], "none", "a.b.c", issued(s.world, s.ann, -1)):
        assert s.about(token).json() == {"active": False}


@fact("RFC7662 2.1 a hint does not matter")
def _(s: Stage) -> None:
    assert s.about(str(s.tokens()["access_token"]), token_type_hint="refresh_token").json()["active"]


@fact("RFC7662 2.2 a used refresh token is not active")
def _(s: Stage) -> None:
    code = s.code(client_id=s.site[0], redirect_uri=WEB)
    site = {"client_id": s.site[0], "client_secret": s.site[1]}
    token = s.exchange(code, redirect_uri=WEB, **site).json()["refresh_token"]
    s.refresh(token, **site)
    assert s.post("/oauth/introspect", {"token": token}, auth=s.site).json() == {"active": False}


# Metadata (RFC 8414), and the keys.


def metadata(s: Stage) -> dict[str, object]:
    found: dict[str, object] = s.get("/.well-known/oauth-authorization-server").json()
    return found


for name, told in {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/oauth/authorize",
    "token_endpoint": f"{ISSUER}/oauth/token",
    "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
    "revocation_endpoint": f"{ISSUER}/oauth/revoke",
    "introspection_endpoint": f"{ISSUER}/oauth/introspect",
    "scopes_supported": ["read", "write"],
    "response_types_supported": ["code"],
    "response_modes_supported": ["query"],
    "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    "code_challenge_methods_supported": ["S256"],
}.items():
    same(f"RFC8414 2 {name}", lambda s, name=name: metadata(s)[name], told)
same(
    "RFC9207 3 the metadata say that answers name the issuer", lambda s: metadata(s)["authorization_response_iss_parameter_supported"], True
)


@fact("RFC8414 2 grant_types_supported are those that are served")
def _(s: Stage) -> None:
    told = metadata(s)["grant_types_supported"]
    assert isinstance(told, list)
    assert {"authorization_code", "client_credentials", "password", "refresh_token"} <= set(told)
    for word in told:
        assert s.token(grant_type=word, client_id=s.app).json()["error"] != "unsupported_grant_type"


@fact("RFC8414 3.2 the metadata are JSON, and every address in them answers")
def _(s: Stage) -> None:
    answer = s.get("/.well-known/oauth-authorization-server")
    assert answer.headers["content-type"].startswith("application/json")
    for name, address in answer.json().items():
        if name.endswith(("_endpoint", "_uri")):
            assert s.get(address.removeprefix(ISSUER)).status_code in (200, 400, 405), name


@fact("RFC8414 3.3 the issuer is that of the tokens", "RFC9207 2.4 and that of the answers, on error too")
def _(s: Stage) -> None:
    assert metadata(s)["issuer"] == claims_of(str(s.ann.token))["iss"] == asked_back(s.page(scope="no"))["iss"]


@fact("RFC8414 2 what is not there is not told: this is no OpenID provider")
def _(s: Stage) -> None:
    assert "id_token_signing_alg_values_supported" not in metadata(s)
    assert s.get("/.well-known/openid-configuration").status_code == 404


# Access tokens (RFC 9068).


@fact("RFC9068 2.1 the header", *(f"RFC9068 2.2 the claim {name}" for name in ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")))
def _(s: Stage) -> None:
    token = s.tokens()["access_token"]
    header, claims = jwt.get_unverified_header(token), claims_of(token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert (claims["iss"], claims["aud"], claims["sub"], claims["client_id"]) == (ISSUER, ISSUER, str(s.ann.id), s.app)
    assert claims["exp"] - claims["iat"] == 900
    assert abs(claims["iat"] - time.time()) < 60
    assert claims["jti"]


@fact("RFC9068 2.2.3 the scope", "RFC9068 4 the published keys verify it")
def _(s: Stage) -> None:
    token = s.tokens(scope="read")["access_token"]
    keys = jwt.PyJWKSet.from_dict(s.get("/.well-known/jwks.json").json())
    claims = jwt.decode(token, keys[jwt.get_unverified_header(token)["kid"]], ["ES256"], issuer=ISSUER, audience=ISSUER)
    assert claims["scope"] == "read"


@fact("RFC9068 6 a token says nothing of the person but who it is")
def _(s: Stage) -> None:
    claims = claims_of(s.tokens()["access_token"])
    assert set(claims) == {"iss", "aud", "sub", "client_id", "sid", "jti", "iat", "exp", "scope"}


@fact("RFC9068 2.2 no two tokens have one jti")
def _(s: Stage) -> None:
    assert claims_of(s.tokens()["access_token"])["jti"] != claims_of(s.tokens()["access_token"])["jti"]


@fact("RFC9207 2 the answer to a refusal names the issuer as well")
def _(s: Stage) -> None:
    answer = s.login(decision="deny")
    assert answer.headers["location"].startswith(BACK)
    assert asked_back(answer)["iss"] == ISSUER

"""Sentences of the RFCs that hold or do not, each with its section: cases of test_oauth_rfcs.py."""

import time
from collections.abc import Callable

import jwt
import requests
from people import PASSWORD
from worlds import ISSUER

from tests.contract.callers import issued
from tests.contract.forgery import claims_of
from tests.modules.oauth_stage import APP, BACK, HERE, VERIFIER, WEB, Form, Stage, asked_back, challenge_of

FACTS: dict[str, Callable[[Stage], None]] = {}
Fact = Callable[[Stage], None]


def fact(*cases: str) -> Callable[[Fact], Fact]:
    """Names the cases that a function looks at."""

    def note(look: Fact) -> Fact:
        FACTS.update(dict.fromkeys(cases, look))
        return look

    return note


def same(case: str, value: Callable[[Stage], object], wanted: object) -> None:
    """A case that is one comparison."""

    def look(stage: Stage) -> None:
        assert value(stage) == wanted

    FACTS[case] = look


# The login page and its answer.


@fact("RFC6749 4.1.2 the answer has the code, and the state as it was", "RFC9207 2 the answer names the issuer")
def _(s: Stage) -> None:
    told = asked_back(s.login())
    assert (set(told), told["state"], told["iss"]) == ({"code", "state", "iss"}, "af0 ifjsldkj/&=", ISSUER)


@fact("RFC6749 4.1.2 without a state there is none in the answer")
def _(s: Stage) -> None:
    assert set(asked_back(s.login(state=None))) == {"code", "iss"}


@fact("RFC6749 3.1.2 the query of the redirect address stays")
def _(s: Stage) -> None:
    back = s.login(redirect_uri=WEB).headers["location"]
    assert back.startswith(WEB + "&code=")


@fact("RFC8252 7.1 the answer reaches a private scheme")
def _(s: Stage) -> None:
    assert s.login(redirect_uri=APP).headers["location"].startswith(APP + "?code=")


@fact("RFC6749 3.1 the page takes GET and POST, and nothing else")
def _(s: Stage) -> None:
    for verb in ("PUT", "DELETE", "PATCH"):
        answer = requests.request(verb, s.world.url + "/oauth/authorize")
        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD", "POST", "OPTIONS"})


@fact("RFC6749 3.1 unknown parameters are ignored")
def _(s: Stage) -> None:
    assert s.page(prompt="login", nonce="n").status_code == 200


@fact("RFC6749 3.1.2.3 one registered address need not be named")
def _(s: Stage) -> None:
    code = s.code(client_id=s.alone, redirect_uri=None)
    assert s.exchange(code, client_id=s.alone, redirect_uri=None).ok


@fact("RFC9700 4.12 a form is followed by 303, which keeps the password here", "RFC6749 10.3 no token is in an address")
def _(s: Stage) -> None:
    answer = s.login()
    assert (answer.status_code, answer.content) == (303, b"")
    assert PASSWORD.split()[0] not in answer.headers["location"]
    assert "token" not in answer.headers["location"]


@fact("RFC9700 4.16 the page is in nobody's frame", "RFC6749 10.13 clickjacking")
def _(s: Stage) -> None:
    for answer in (s.page(), s.login(password="wrong")):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"


@fact("RFC9700 4.2.4 the page tells no other site where it is, and loads nothing from any")
def _(s: Stage) -> None:
    answer = s.page()
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert not {"script", "img", "iframe", "link", "a"} & {tag for tag, _ in Form(answer.text).elements}


@fact("RFC9700 2.6 no script of another page reads the login page")
def _(s: Stage) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    preflight = requests.options(s.world.url + "/oauth/authorize", headers=asked)
    for answer in (preflight, s.get("/oauth/authorize", params=s.request(), headers=asked)):
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert s.post("/oauth/token", {}, headers=asked).headers["access-control-allow-origin"] == "*"


@fact("RFC6749 10.12 another site cannot send the form")
def _(s: Stage) -> None:
    filled = s.request(username=s.ann.username, password=PASSWORD, decision="allow")
    for site in ("cross-site", "same-site"):
        answer = s.post("/oauth/authorize", filled, headers={"Sec-Fetch-Site": site})
        assert (answer.status_code, "location" in answer.headers) == (403, False)
    assert s.post("/oauth/authorize", filled, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


@fact("RFC6749 10.12 the page knows nobody: no cookie is set, and none is looked at")
def _(s: Stage) -> None:
    session = requests.Session()
    session.post(
        s.world.url + "/oauth/authorize", s.request(username=s.ann.username, password=PASSWORD, decision="allow"), allow_redirects=False
    )
    assert not session.cookies
    assert "password" in session.get(s.world.url + "/oauth/authorize", params=s.request()).text


@fact("RFC6749 3.1 the form is never taken from the address")
def _(s: Stage) -> None:
    filled = s.request(username=s.ann.username, password=PASSWORD, decision="allow")
    answer = requests.post(s.world.url + "/oauth/authorize", params=filled, allow_redirects=False)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@fact("RFC6749 10.14 what the page shows of a request is text")
def _(s: Stage) -> None:
    evil = "\"><script>alert(1)</script><i x='"
    form = Form(s.page(state=evil).text)
    assert form.fields["state"] == evil
    assert "script" not in {tag for tag, _ in form.elements}
    assert Form(s.login(username=evil, password="wrong").text).fields["username"] == evil


@fact("RFC6749 4.1.1 a wrong password shows the page again, without it", "RFC6749 4.1.1 the form has the request in it")
def _(s: Stage) -> None:
    answer = s.login(password="wrong")
    form = Form(answer.text)
    assert answer.status_code == 200
    assert (form.fields["username"], form.fields["password"]) == (s.ann.username, "")
    assert {name: form.fields[name] for name in s.request()} == s.request()


@fact("RFC6749 10.10 no code without the decision to allow it")
def _(s: Stage) -> None:
    for decision in (None, "", "perhaps"):
        assert s.login(decision=decision).status_code == 200


@fact("RFC9700 4.15 somebody else's application is named as such, with what it may do; ours is not")
def _(s: Stage) -> None:
    assert 'id="consent"' in s.page().text
    assert "Change and do" in s.page().text
    assert "Change and do" not in s.page(scope="read").text
    ours, _ = s.world.application(first_party=True)
    assert 'id="consent"' not in s.page(client_id=ours, redirect_uri=HERE).text


# Codes.


@fact("RFC6749 4.1.2 a code is good once", "RFC6749 4.1.2 a second use ends what came of the first", "RFC9700 4.5 a stolen code")
def _(s: Stage) -> None:
    code = s.code()
    told = s.exchange(code).json()
    next_one = s.refresh(told["refresh_token"]).json()
    assert s.opens(next_one["access_token"])
    assert s.exchange(code).json()["error"] == "invalid_grant"
    assert not s.opens(told["access_token"])
    assert not s.opens(next_one["access_token"])
    assert s.refresh(next_one["refresh_token"]).json()["error"] == "invalid_grant"


@fact("RFC6749 4.1.2 a code expires")
def _(s: Stage) -> None:
    code = s.code()
    s.made_older(code)
    assert s.exchange(code).json()["error"] == "invalid_grant"


@fact("RFC6749 10.5 a refused use does not use up a code")
def _(s: Stage) -> None:
    code = s.code()
    assert s.exchange(code, client_id=s.other).json()["error"] == "invalid_grant"
    assert s.exchange(code, code_verifier="b" * 43).json()["error"] == "invalid_grant"
    assert s.exchange(code).ok


@fact("RFC7636 4.1 a verifier of 43 and one of 128, of every letter there is")
def _(s: Stage) -> None:
    for verifier in ("a" * 43, ("ABCXYZabcxyz0123456789-._~" * 5)[:128]):
        assert s.exchange(s.code(code_challenge=challenge_of(verifier)), code_verifier=verifier).ok


@fact("RFC7636 4.6 the example of appendix B")
def _(s: Stage) -> None:
    assert challenge_of(VERIFIER) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert s.exchange(s.code()).ok


@fact("RFC6749 4.1.3 a confidential client proves itself and gets its tokens")
def _(s: Stage) -> None:
    code = s.code(client_id=s.site[0], redirect_uri=WEB)
    assert s.exchange(code, client_id=s.site[0], client_secret=s.site[1], redirect_uri=WEB).ok


@fact("RFC6749 10.10 no two codes are alike, and none can be guessed")
def _(s: Stage) -> None:
    first, second = s.code(), s.code()
    assert first != second
    assert min(len(first), len(second)) >= 43


# Tokens and their answers.


@fact("RFC6749 5.1 the answer", "RFC6749 4.1.4 the answer to a code", "RFC6749 7.1 the token type")
def _(s: Stage) -> None:
    answer = s.exchange(s.code())
    told = answer.json()
    assert set(told) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("bearer", 900, "write read")
    assert answer.headers["content-type"].startswith("application/json")
    assert ("no-store" in answer.headers["cache-control"], answer.headers["pragma"]) == (True, "no-cache")


@fact("RFC6749 3.2 tokens are asked for by POST")
def _(s: Stage) -> None:
    for path in ("token", "revoke", "introspect"):
        assert s.get(f"/oauth/{path}").status_code == 405


@fact("RFC6749 3.2 unknown parameters are ignored")
def _(s: Stage) -> None:
    assert s.exchange(s.code(), audience="all", nonce="n").ok


@fact("RFC6749 4.4.3 a client for itself gets no refresh token", "RFC9068 5 a client is no user")
def _(s: Stage) -> None:
    told = s.token(grant_type="client_credentials", **s.sandwich()).json()
    assert "refresh_token" not in told
    assert claims_of(told["access_token"])["sub"] == s.server[0]
    assert "user_id" not in s.get("/me", told["access_token"]).json()


@fact("RFC6749 3.3 less scope is told in the answer", "RFC6750 3.1 a token of less scope opens no more", "RFC6750 3 the challenge names it")
def _(s: Stage) -> None:
    told = s.tokens(scope="read")
    assert told["scope"] == claims_of(told["access_token"])["scope"] == "read"
    assert s.opens(told["access_token"])
    refused = requests.post(s.world.url + "/comments", json={}, headers={"Authorization": f"Bearer {told['access_token']}"})
    assert refused.status_code == 403
    assert refused.headers["www-authenticate"].startswith('Bearer error="insufficient_scope"')


@fact("RFC6750 3.1 a token for writing alone reads nothing")
def _(s: Stage) -> None:
    told = s.tokens(scope="write")
    assert s.get("/me", told["access_token"]).status_code == 403
    body = {"context": "video", "context_id": "rfc", "content": "mine"}
    assert requests.post(s.world.url + "/comments", json=body, headers={"Authorization": f"Bearer {told['access_token']}"}).ok


@fact("RFC6749 6 a refresh token's scope is told again", "RFC6749 6 it may be narrowed for one access token, and stays as it was")
def _(s: Stage) -> None:
    told = s.refresh(s.tokens()["refresh_token"], scope="read").json()
    assert (told["scope"], claims_of(told["access_token"])["scope"]) == ("read", "read")
    assert s.refresh(told["refresh_token"]).json()["scope"] == "write read"


@fact("RFC6749 6 a refused scope does not use up the refresh token")
def _(s: Stage) -> None:
    token = s.tokens(scope="read")["refresh_token"]
    assert s.refresh(token, scope="write").json()["error"] == "invalid_scope"
    assert s.refresh(token).json()["scope"] == "read"


@fact("RFC6749 6 a confidential client proves itself to refresh")
def _(s: Stage) -> None:
    code = s.code(client_id=s.site[0], redirect_uri=WEB)
    site = {"client_id": s.site[0], "client_secret": s.site[1]}
    token = s.exchange(code, redirect_uri=WEB, **site).json()["refresh_token"]
    assert s.refresh(token, client_id=s.site[0]).status_code == 401
    assert s.refresh(token, **site).ok


@fact("RFC9700 4.14.2 every refresh token is used once", "RFC9700 4.14.2 an old one used later ends the family")
def _(s: Stage) -> None:
    first = s.tokens()["refresh_token"]
    second = s.refresh(first).json()["refresh_token"]
    third = s.refresh(second).json()["refresh_token"]
    assert len({first, second, third}) == 3
    assert s.refresh(first).json()["error"] == "invalid_grant"
    assert s.refresh(third).json()["error"] == "invalid_grant"


@fact("RFC6749 6 a client without that grant gets no refresh token")
def _(s: Stage) -> None:
    plain, _ = s.world.application("authorization_code")
    assert "refresh_token" not in s.exchange(s.code(client_id=plain, redirect_uri=HERE), client_id=plain, redirect_uri=HERE).json()


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

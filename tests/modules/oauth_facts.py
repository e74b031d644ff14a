"""Sentences of the RFCs that hold or do not, each with its section: cases of test_oauth_rfcs.py."""

from collections.abc import Callable

import requests
from people import PASSWORD
from worlds import ISSUER

from tests.contract.forgery import claims_of
from tests.modules.oauth_stage import APP, HERE, VERIFIER, WEB, Form, Stage, asked_back, challenge_of

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
    body = {"context": "level", "context_id": "rfc", "content": "mine"}
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

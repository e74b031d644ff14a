"""Bar S5: what the RFCs of OAuth 2.0 say, case by case. Each is named by its section; where we do otherwise, docs/deviations.md says so.

Sections of refusals stand with the words that the RFC gives them; the facts below them are sentences of an RFC that hold or do not.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt
import pytest
import requests
from gamehall_server.modules.access import redirect_matches
from people import PASSWORD
from worlds import ISSUER, World, settings_for, sqlite_url

from tests.contract.forgery import BAD_TOKENS
from tests.databases import shared_postgres
from tests.modules import oauth_token_facts  # noqa: F401  # It adds its cases.
from tests.modules.oauth_facts import FACTS
from tests.modules.oauth_stage import APP, BACK, HERE, VERIFIER, WEB, Stage, asked_back, challenge_of

DEVIATIONS = Path(__file__).parents[2] / "docs" / "deviations.md"
Words = tuple[int, str]


@pytest.fixture(scope="module", params=["sqlite-native", "postgresql-grpcio"])
def stage(request, tmp_path_factory, recorder):
    """On each database, with each engine."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("oauth"))
    world = World(settings_for(url, engine), recorder.observe)
    yield Stage(world)
    world.close()


# What is wrong with a request to the login page, once the application is known: it is told by redirect.

REDIRECTED: dict[str, tuple[dict[str, Any], str]] = {
    "RFC6749 4.1.2.1 no response type": ({"response_type": None}, "invalid_request"),
    "RFC6749 4.1.2.1 an empty response type is none (3.1)": ({"response_type": ""}, "invalid_request"),
    "RFC6749 4.1.2.1 an unknown response type": ({"response_type": "wish"}, "unsupported_response_type"),
    "RFC6749 4.2 the implicit grant is not there": ({"response_type": "token"}, "unsupported_response_type"),
    "RFC9700 2.1.2 no tokens in the front channel, not even beside a code": ({"response_type": "code token"}, "unsupported_response_type"),
    "RFC6749 3.1.1 the letter case of a response type counts": ({"response_type": "CODE"}, "unsupported_response_type"),
    "RFC6749 4.1.2.1 an unknown scope": ({"scope": "admin"}, "invalid_scope"),
    "RFC6749 3.3 a known scope beside an unknown one": ({"scope": "read admin"}, "invalid_scope"),
    "RFC6749 3.3 the letter case of a scope counts": ({"scope": "READ"}, "invalid_scope"),
    "RFC7636 4.4.1 no challenge": ({"code_challenge": None}, "invalid_request"),
    "RFC7636 4.3 no method means plain, which is not taken": ({"code_challenge_method": None}, "invalid_request"),
    "RFC7636 4.4.1 the method plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "RFC7636 4.4.1 an unknown method": ({"code_challenge_method": "S512"}, "invalid_request"),
    "RFC7636 4.2 a challenge with padding": ({"code_challenge": challenge_of(VERIFIER) + "="}, "invalid_request"),
    "RFC7636 4.2 a challenge that is too short": ({"code_challenge": challenge_of(VERIFIER)[:-1]}, "invalid_request"),
    "RFC7636 4.2 a challenge in another alphabet": ({"code_challenge": "+/" + challenge_of(VERIFIER)[2:]}, "invalid_request"),
    "RFC9700 2.1.1 a confidential client needs PKCE too": (
        {"client_id": "site", "redirect_uri": WEB, "code_challenge": None},
        "invalid_request",
    ),
    "RFC6749 4.1.2.1 a client without this grant": ({"client_id": "without"}, "unauthorized_client"),
    "RFC6749 4.1.2.1 the person does not allow it": ({"decision": "deny"}, "access_denied"),
}


def named(stage: Stage, overrides: dict[str, Any]) -> dict[str, Any]:
    """With the key of an application in the place of its name on the stage."""
    keys = {"site": stage.site[0], "without": stage.without, "alone": stage.alone, "other": stage.other, "ours": stage.ours}
    return {**overrides, **({"client_id": keys.get(overrides["client_id"], overrides["client_id"])} if overrides.get("client_id") else {})}


@pytest.mark.parametrize("case", REDIRECTED)
def test_the_application_is_told_what_is_wrong(stage, case):
    overrides, error = REDIRECTED[case]
    asked = named(stage, overrides)

    answer = stage.login(**asked) if "decision" in asked else stage.page(**asked)

    told = asked_back(answer)
    assert answer.headers["location"].startswith(asked.get("redirect_uri", BACK))
    assert (told["error"], told["state"], told["iss"]) == (error, "af0 ifjsldkj/&=", ISSUER)
    assert set(told) == {"error", "error_description", "state", "iss"} | ({"to"} if "redirect_uri" in asked else set())
    assert told["error_description"].isascii()
    # The form is judged by the same rules as the page.
    assert asked_back(stage.login(**asked)) == told


# Who is not known to be good is never sent anywhere (RFC 6749 sections 3.1.2.4 and 4.1.2.1).

UNTRUSTED: dict[str, dict[str, Any]] = {
    "RFC6749 4.1.2.1 no client": {"client_id": None},
    "RFC6749 4.1.2.1 an unknown client": {"client_id": "nobody"},
    "RFC6749 3.1.2.3 two addresses are registered and none is named": {"redirect_uri": None},
    "RFC6749 3.1.2.4 an address that nobody registered": {"redirect_uri": "https://evil.example/"},
    "RFC6749 3.1.2.4 an address of another client": {"client_id": "alone", "redirect_uri": WEB},
    "RFC6749 3.1.2.2 a client without any address": {"client_id": "web", "redirect_uri": HERE},
    "RFC6749 3.1 a parameter twice": {"redirect_uri": [BACK, BACK]},
    "RFC6749 3.1 a parameter with two values": {"state": ["a", "b"]},
    "RFC9700 4.11.2 an unknown address beside an unknown response type": {"redirect_uri": "https://evil.example/", "response_type": "no"},
    "RFC9700 4.11.2 an address that is no web address": {"redirect_uri": "javascript:alert(1)"},
}


@pytest.mark.parametrize("case", UNTRUSTED)
def test_nobody_is_sent_to_a_place_that_is_not_known(stage, case):
    asked = named(stage, UNTRUSTED[case])

    for answer in (stage.page(**asked), stage.login(**asked)):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert "location" not in answer.headers
    shown = stage.get("/oauth/authorize", params=stage.request(**asked), headers={"Accept": "text/html,*/*;q=0.8"})
    assert (shown.status_code, shown.headers["content-type"]) == (400, "text/html;charset=UTF-8")
    assert '<p role="alert">' in shown.text
    assert "evil.example" not in shown.text
    assert "script" not in shown.text


# Redirect addresses: letter by letter (RFC 9700 section 2.1), but for the port of a loopback address (RFC 8252 section 7.3).

REGISTERED = ("https://shop.example/back", WEB, HERE, "http://[::1]/in", "http://localhost:8000/in", APP, "http://127.0.0.1:5000/fixed")
ADDRESSES = {
    "RFC9700 2.1 the same": ("https://shop.example/back", True),
    "RFC9700 2.1 with its query": (WEB, True),
    "RFC9700 2.1 without its query": ("https://shop.example/back?", False),
    "RFC9700 2.1 another query": ("https://shop.example/back?to=till", False),
    "RFC9700 2.1 more query": (WEB + "&a=b", False),
    "RFC9700 2.1 a slash more": ("https://shop.example/back/", False),
    "RFC9700 2.1 below it": ("https://shop.example/back/there", False),
    "RFC9700 2.1 a way round": ("https://shop.example/x/../back", False),
    "RFC9700 2.1 another letter case": ("https://shop.example/Back", False),
    "RFC9700 2.1 another letter case of the host": ("https://SHOP.example/back", False),
    "RFC9700 2.1 a percent code for a letter": ("https://shop.example/b%61ck", False),
    "RFC9700 2.1 the default port told": ("https://shop.example:443/back", False),
    "RFC9700 2.1 another port": ("https://shop.example:8443/back", False),
    "RFC9700 2.1 without TLS": ("http://shop.example/back", False),
    "RFC9700 2.1 a host that ends so": ("https://evil-shop.example/back", False),
    "RFC9700 2.1 a host below it": ("https://a.shop.example/back", False),
    "RFC9700 2.1 a host that begins so": ("https://shop.example.evil.example/back", False),
    "RFC9700 2.1 a name before the host": ("https://shop.example@evil.example/back", False),
    "RFC6749 3.1.2 a fragment": ("https://shop.example/back#a", False),
    "RFC9700 2.1 a space at the end": ("https://shop.example/back ", False),
    "RFC9700 2.1 a new line": ("https://shop.example/back\n", False),
    "RFC8252 7.3 a loopback address with a port": ("http://127.0.0.1:1/signed-in", True),
    "RFC8252 7.3 the highest port": ("http://127.0.0.1:65535/signed-in", True),
    "RFC8252 7.3 no port": (HERE, True),
    "RFC8252 7.3 the loopback of IPv6": ("http://[::1]:61023/in", True),
    "RFC8252 7.3 another port than a registered one": ("http://127.0.0.1:5001/fixed", True),
    "RFC8252 7.3 another path": ("http://127.0.0.1:61023/other", False),
    "RFC8252 7.3 a query that is not registered": ("http://127.0.0.1:61023/signed-in?a=b", False),
    "RFC8252 7.3 another loopback address": ("http://127.0.0.2:61023/signed-in", False),
    "RFC8252 7.3 a host that begins so": ("http://127.0.0.1.evil.example/signed-in", False),
    "RFC8252 7.3 a name before the host": ("http://127.0.0.1:80@evil.example/signed-in", False),
    "RFC8252 7.3 with TLS": ("https://127.0.0.1:61023/signed-in", False),
    "RFC8252 8.3 localhost is a name, whose port counts": ("http://localhost:9000/in", False),
    "RFC8252 8.3 localhost as registered": ("http://localhost:8000/in", True),
    "RFC8252 7.1 a private scheme": (APP, True),
    "RFC8252 7.1 another path of a private scheme": ("com.example.shop:/other", False),
}  # fmt: skip


@pytest.mark.parametrize("case", ADDRESSES)
def test_an_address_is_registered_or_not(case):
    asked, known = ADDRESSES[case]

    assert redirect_matches(REGISTERED, asked) is known


# What is wrong with a token request (RFC 6749 section 5.2), whichever grant.

TOKENS: dict[str, tuple[Callable[[Stage], dict[str, Any]], Words]] = {
    "RFC6749 5.2 an unknown grant": (lambda s: {"grant_type": "urn:ietf:params:oauth:grant-type:wish"}, (400, "unsupported_grant_type")),
    "RFC6749 5.2 an unknown client": (lambda s: s.form("x", client_id="nobody"), (401, "invalid_client")),
    "RFC6749 2.3.1 a wrong secret": (lambda s: {"grant_type": "client_credentials", **s.sandwich("wrong")}, (401, "invalid_client")),
    "RFC6749 3.2.1 a confidential client without its secret": (lambda s: s.form("x", client_id=s.site[0]), (401, "invalid_client")),
    "RFC6749 5.2 a client without this grant": (lambda s: s.form("x", client_id=s.without), (400, "unauthorized_client")),
    "RFC6749 4.4 a public client for itself": (
        lambda s: {"grant_type": "client_credentials", "client_id": s.app}, (400, "unauthorized_client")),
    "RFC6749 3.2 a parameter twice": (lambda s: {**s.form("x"), "code": ["x", "x"]}, (400, "invalid_request")),
    "RFC6749 3.2 the client twice": (lambda s: {**s.form("x"), "client_id": [s.app, s.app]}, (400, "invalid_request")),
    "RFC6749 4.1.3 no code": (
        lambda s: {"grant_type": "authorization_code", "client_id": s.app, "code_verifier": VERIFIER}, (400, "invalid_request")),
    "RFC6749 3.2 an empty code is none": (lambda s: s.form(""), (400, "invalid_request")),
    "RFC6749 5.2 an unknown code": (lambda s: s.form("x"), (400, "invalid_grant")),
    "RFC6749 4.1.3 another client's code": (lambda s: s.form(s.code(), client_id=s.other), (400, "invalid_grant")),
    "RFC6749 4.1.3 a confidential client with another's code": (
        lambda s: s.form(s.code(), client_id=s.site[0], client_secret=s.site[1]), (400, "invalid_grant")),
    "RFC6749 4.1.3 another redirect address": (lambda s: s.form(s.code(), redirect_uri=WEB), (400, "invalid_grant")),
    "RFC6749 4.1.3 another port of the address": (lambda s: s.form(s.code(), redirect_uri=HERE), (400, "invalid_grant")),
    "RFC6749 4.1.3 the redirect address left out": (lambda s: s.form(s.code(), redirect_uri=None), (400, "invalid_grant")),
    "RFC6749 4.1.3 an address that the page was not told": (
        lambda s: s.form(s.code(client_id=s.alone, redirect_uri=None), client_id=s.alone, redirect_uri=HERE), (400, "invalid_grant")),
    "RFC7636 4.5 no verifier": (lambda s: s.form(s.code(), code_verifier=None), (400, "invalid_request")),
    "RFC9700 4.8.2 an empty verifier is none": (lambda s: s.form(s.code(), code_verifier=""), (400, "invalid_request")),
    "RFC7636 4.6 another verifier": (lambda s: s.form(s.code(), code_verifier="a" * 43), (400, "invalid_grant")),
    "RFC7636 4.6 the challenge is no verifier": (lambda s: s.form(s.code(), code_verifier=challenge_of(VERIFIER)), (400, "invalid_grant")),
    "RFC7636 4.1 another letter case": (lambda s: s.form(s.code(), code_verifier=VERIFIER.swapcase()), (400, "invalid_grant")),
    "RFC7636 4.1 a verifier of 42": (lambda s: s.form(s.code(), code_verifier="a" * 42), (400, "invalid_request")),
    "RFC7636 4.1 a verifier of 129": (lambda s: s.form(s.code(), code_verifier="a" * 129), (400, "invalid_request")),
    "RFC7636 4.1 a verifier with a plus": (lambda s: s.form(s.code(), code_verifier="+" * 43), (400, "invalid_request")),
    "RFC7636 4.1 a verifier that is not ASCII": (lambda s: s.form(s.code(), code_verifier="é" * 43), (400, "invalid_request")),
    "RFC6749 4.3.2 no user name": (lambda s: {"grant_type": "password", "client_id": s.ours, "password": "a"}, (400, "invalid_request")),
    "RFC6749 4.3.2 no password": (lambda s: {"grant_type": "password", "client_id": s.ours, "username": "a"}, (400, "invalid_request")),
    "RFC6749 5.2 a wrong password": (
        lambda s: {"grant_type": "password", "client_id": s.ours, "username": s.ann.username, "password": "a"}, (400, "invalid_grant")),
    "RFC6749 5.2 an unknown user": (
        lambda s: {"grant_type": "password", "client_id": s.ours, "username": "nobody", "password": "a"}, (400, "invalid_grant")),
    "RFC9700 2.4 no password through somebody else's application": (
        lambda s: {"grant_type": "password", "client_id": s.world.application("password")[0], "username": s.ann.username,
                   "password": PASSWORD}, (400, "unauthorized_client")),
    "RFC6749 6 no refresh token": (lambda s: {"grant_type": "refresh_token", "client_id": s.app}, (400, "invalid_request")),
    "RFC6749 5.2 an unknown refresh token": (
        lambda s: {"grant_type": "refresh_token", "client_id": s.app, "refresh_token": "x"}, (400, "invalid_grant")),
    "RFC6749 6 another client's refresh token": (
        lambda s: {"grant_type": "refresh_token", "client_id": s.other, "refresh_token": s.tokens()["refresh_token"]},
        (400, "invalid_grant")),
    "RFC6749 6 an access token is no refresh token": (
        lambda s: {"grant_type": "refresh_token", "client_id": s.app, "refresh_token": "x" * 200}, (400, "invalid_grant")),
    "RFC6749 6 more scope than there was": (
        lambda s: {"grant_type": "refresh_token", "client_id": s.app, "scope": "read write",
                   "refresh_token": s.tokens(scope="read")["refresh_token"]}, (400, "invalid_scope")),
    "RFC6749 5.2 an unknown scope": (
        lambda s: {"grant_type": "client_credentials", "scope": "all", **s.sandwich()}, (400, "invalid_scope")),
    "RFC6749 3.3 a scope with a quote": (
        lambda s: {"grant_type": "client_credentials", "scope": '"', **s.sandwich()}, (400, "invalid_scope")),
}  # fmt: skip


@pytest.mark.parametrize("case", TOKENS)
def test_a_token_request_is_refused(stage, case):
    form, (status, error) = TOKENS[case]

    answer = stage.token(form(stage))

    told = answer.json()
    assert (answer.status_code, told["error"]) == (status, error), answer.text
    assert set(told) == {"error", "error_description"}
    assert all(" " <= letter <= "~" and letter not in '"\\' for letter in told["error_description"])
    assert answer.headers["content-type"].startswith("application/json")
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["pragma"] == "no-cache"


# What is wrong at the endpoints about tokens (RFC 7009 section 2.2.1, RFC 7662 section 2.3).

ABOUT: dict[str, tuple[str, Callable[[Stage], dict[str, Any]], Words]] = {
    "RFC7009 2.1 no token": ("revoke", lambda s: {"client_id": s.app}, (400, "invalid_request")),
    "RFC7009 2.1 the token twice": ("revoke", lambda s: {"client_id": s.app, "token": ["a", "a"]}, (400, "invalid_request")),
    "RFC7009 2.1 an unknown client": ("revoke", lambda s: {"client_id": "nobody", "token": "a"}, (401, "invalid_client")),
    "RFC7009 2.1 a confidential client without its secret": (
        "revoke", lambda s: {"client_id": s.site[0], "token": "a"}, (401, "invalid_client")),
    "RFC7009 2.1 another client's refresh token": (
        "revoke", lambda s: {"client_id": s.other, "token": s.tokens()["refresh_token"]}, (400, "invalid_grant")),
    "RFC7009 2.1 another client's access token": (
        "revoke", lambda s: {"client_id": s.other, "token": s.tokens()["access_token"]}, (400, "invalid_grant")),
    "RFC7662 2.1 no token": ("introspect", lambda s: s.sandwich(), (400, "invalid_request")),
    "RFC7662 2.1 nobody asks": ("introspect", lambda s: {"token": "a"}, (401, "invalid_client")),
    "RFC7662 2.1 a wrong secret": ("introspect", lambda s: {"token": "a", **s.sandwich("wrong")}, (401, "invalid_client")),
    "RFC7662 4 a public client asks": ("introspect", lambda s: {"token": "a", "client_id": s.app}, (401, "invalid_client")),
}  # fmt: skip


@pytest.mark.parametrize("case", ABOUT)
def test_a_question_about_a_token_is_refused(stage, case):
    place, form, (status, error) = ABOUT[case]

    answer = stage.post(f"/oauth/{place}", form(stage))

    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert "no-store" in answer.headers["cache-control"]


# Tokens that are good for nothing (RFC 6750 section 3.1, RFC 9068 section 4, RFC 7662 section 2.2).

# A client may end a refresh token, and what is longer than any token is refused before it is looked at.
OTHERWISE = ("it is a refresh token", "it is too long")


@pytest.mark.parametrize("name", BAD_TOKENS, ids=lambda name: f"RFC9068 4 {name}")
def test_a_token_that_is_not_ours_is_nothing(stage, name):
    token = BAD_TOKENS[name](stage.world, stage.ann)

    answer = stage.get("/me", token)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    if name not in OTHERWISE:
        assert stage.about(token).json() == {"active": False}
        assert stage.revoke(token).status_code == 200


@pytest.mark.parametrize("case", FACTS)
def test_what_the_rfc_says_is_so(stage, case):
    FACTS[case](stage)


# Names of the client in the header (RFC 6749 section 2.3.1).

HEADERS: dict[str, tuple[Callable[[Stage], Any], dict[str, Any], Words | None]] = {
    "RFC6749 2.3.1 key and secret": (lambda s: s.server, {}, None),
    "RFC6749 2.3.1 percent codes in both": (lambda s: tuple("".join(f"%{ord(c):02X}" for c in part) for part in s.server), {}, None),
    "RFC6749 5.2 a wrong secret": (lambda s: (s.server[0], "wrong"), {}, (401, "invalid_client")),
    "RFC6749 5.2 an unknown client": (lambda s: ("nobody", "a"), {}, (401, "invalid_client")),
    "RFC6749 2.3 a secret in the form beside it": (lambda s: s.server, {"client_secret": "a"}, (400, "invalid_request")),
    "RFC6749 2.3 another client in the form": (lambda s: s.server, {"client_id": "web"}, (400, "invalid_request")),
    "RFC6749 2.3 the same client in the form": (lambda s: s.server, {"client_id": "server"}, None),
}  # fmt: skip


@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
@pytest.mark.parametrize("case", HEADERS)
def test_a_client_names_itself_in_the_header(stage, case, path):
    given, more, words = HEADERS[case]
    more = {name: stage.server[0] if value == "server" else value for name, value in more.items()}
    auth = tuple(part if "%" in part else quote(part, safe="") for part in given(stage))

    answer = stage.post(f"/oauth/{path}", {"grant_type": "client_credentials", "token": "a", **more}, auth=auth)

    if words is None:
        assert answer.ok, answer.text
    else:
        assert (answer.status_code, answer.json()["error"]) == words
        challenged = answer.headers.get("www-authenticate", "").startswith("Basic ")
        assert challenged is (words[0] == 401)


def test_there_are_cases_enough():
    """Each with the RFC and the section that it is of."""
    cases = [*REDIRECTED, *UNTRUSTED, *ADDRESSES, *TOKENS, *ABOUT, *FACTS, *HEADERS, *(f"RFC9068 4 {name}" for name in BAD_TOKENS)]

    assert len(cases) >= 150
    assert [case for case in cases if not case.startswith("RFC") or not case.split()[1][0].isdigit()] == []
    assert {case.split()[0] for case in cases} >= {
        f"RFC{number}" for number in (6749, 6750, 7009, 7662, 7636, 8414, 9068, 9207, 9700, 8252)
    }  # fmt: skip


def test_what_we_do_otherwise_is_written_down(stage):
    told = DEVIATIONS.read_text()

    by_query = requests.post(f"{stage.world.url}/oauth/token?{urlencode({'grant_type': 'client_credentials', **stage.sandwich()})}")
    assert by_query.ok
    for section in ("RFC 6749 2.3.1", "RFC 9700 2.4", "RFC 6749 3.2", "RFC 6749 4.1.2.1", "RFC 8414 2", "RFC 6749 4.4"):
        assert section in told
    assert urlsplit(by_query.url).query
    assert jwt.get_unverified_header(by_query.json()["access_token"])["typ"] == "at+jwt"

"""What is no proof of who somebody is: for each case nobody is signed in, nobody is made, and nothing is linked, whoever presents it."""

import base64
import json
import time
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from people import fresh
from worlds import World, settings_for, sqlite_url

from tests.contract.doors import published_refusal
from tests.databases import shared_postgres
from tests.modules.oauth import ask, refusal
from tests.modules.providers import ELSEWHERE, jwk_of, twin
from tests.modules.signing_in import CONFIGS, counted, form_of, linked, put, set_up, signed_in_with

there = twin
STRANGER = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)
PROVIDER_DOWN = (503, "temporarily_unavailable"), ("UNAVAILABLE", "PROVIDER_UNAVAILABLE")
NO_PROOF = (400, "invalid_grant"), ("INVALID_ARGUMENT", "PROVIDER_TOKEN_INVALID")


class Case(NamedTuple):
    """What is presented: `present(issuer)` gives the token, or the token and further parameters. `trouble` is the twin's meanwhile."""

    what: str
    provider: str
    present: object
    trouble: tuple = ()
    ends: tuple = NO_PROOF


def seconds(of):
    return int(time.time()) + of


def hmac_signed(issuer):
    """Signed with the public key, as if it were a shared secret."""
    pem = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return by_hand({"alg": "HS256", "kid": issuer.kid, "typ": "JWT"}, issuer.claims(), lambda data: hs256(pem, data))


def hs256(key, data):
    import hashlib
    import hmac

    return hmac.new(key, data, hashlib.sha256).digest()


def by_hand(header, claims, sign=lambda data: b""):
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims)]
    data = b".".join(parts)
    return (data + b"." + base64.urlsafe_b64encode(sign(data)).rstrip(b"=")).decode()


def unsigned(issuer):
    return by_hand({"alg": "none", "kid": issuer.kid}, issuer.claims())


def changed(issuer):
    """Good but for its subject."""
    header, _, signature = issuer.token().split(".")
    claims = base64.urlsafe_b64encode(json.dumps(issuer.claims()).encode()).rstrip(b"=").decode()
    return f"{header}.{claims}.{signature}"


def with_own_key(issuer):
    """It brings the key along that would verify it."""
    return issuer.token(key=STRANGER, headers={"jwk": jwk_of(STRANGER, issuer.kid), "jku": f"{there().url}/keys"})


def used(issuer):
    """Somebody signed in with it a moment ago."""
    return ("used", issuer.token())


def of_a_used_nonce(issuer):
    nonce = fresh("nonce")
    return ("used", issuer.token(nonce=nonce), issuer.token(nonce=nonce))


def a_used_code(issuer):
    return ("used", issuer.code())


def of_the_other_app():
    error = {"code": 100, "message": "(#100) The App_id in the input_token did not match the Viewing App"}
    return there().facebook_token(is_valid=False, error=error, app_id="1")


ID_TOKENS = {
    "for another audience": lambda issuer: issuer.token(aud="somebody-else"),
    "for several audiences, asked for by nobody": lambda issuer: issuer.token(aud=[issuer.client_id, "somebody-else"]),
    "asked for by another application": lambda issuer: issuer.token(azp="somebody-else"),
    "expired": lambda issuer: issuer.token(iat=seconds(-7200), exp=seconds(-3600)),
    "that never expires": lambda issuer: issuer.token(exp=None),
    "of tomorrow": lambda issuer: issuer.token(iat=seconds(86_400), exp=seconds(90_000)),
    "of another issuer": lambda issuer: issuer.token(iss="https://accounts.example.com"),
    "of nobody's": lambda issuer: issuer.token(iss=None),
    "about nobody": lambda issuer: issuer.token(sub=None),
    "about an empty name": lambda issuer: issuer.token(sub=""),
    "about a very long name": lambda issuer: issuer.token(sub="9" * 256),
    "signed by a stranger with the right key id": lambda issuer: issuer.token(key=STRANGER),
    "signed with an unknown key": lambda issuer: issuer.token(key=STRANGER, kid="unknown"),
    "signed with a key that it brings along": with_own_key,
    "signed with the public key as a secret": hmac_signed,
    "that is not signed": unsigned,
    "that was changed": changed,
    "of an unverified address": lambda issuer: issuer.token(email_verified=False),
    "of an address that is unverified in words": lambda issuer: issuer.token(email_verified="false"),
    "that was used": used,
    "of a nonce that was used": of_a_used_nonce,
    "with another nonce": lambda issuer: (issuer.token(nonce="theirs"), {"nonce": "ours"}),
    "without the nonce": lambda issuer: (issuer.token(), {"nonce": "ours"}),
    "that is cut": lambda issuer: issuer.token()[:-20],
    "that is no JSON": lambda issuer: "eyJ!.e30.e30",
    "whose header is a list": lambda issuer: by_hand(["RS256"], issuer.claims()),
    "whose algorithm is a list": lambda issuer: by_hand({"alg": ["RS256"], "kid": [issuer.kid]}, issuer.claims()),
}
CODES = {
    "a code that was used": a_used_code,
    "a code that was never given": lambda issuer: "4/0Anobody",
    "a code of another application": lambda issuer: issuer.code(client_id="somebody-else"),
    "a code whose verifier is missing": lambda issuer: issuer.code(challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    "a code for a token of another audience": lambda issuer: issuer.code(aud="somebody-else"),
    "a code that gives no ID token": lambda issuer: issuer.code(answer={"access_token": "ya29.x", "token_type": "Bearer"}),
    "an access token": lambda issuer: "ya29.a0AfH6SMBx-not-a-code",
}
FACEBOOK_TOKENS = {
    "that nobody gave": lambda _: "EAAnobody",
    "of another app": lambda _: there().facebook_token(app_id="1"),
    "of another app, as Facebook tells": lambda _: of_the_other_app(),
    "of no app": lambda _: there().facebook_token(app_id=None),
    "that is not valid": lambda _: there().facebook_token(is_valid=False),
    "that is valid in words": lambda _: there().facebook_token(is_valid="true"),
    "that has expired": lambda _: there().facebook_token(expires_at=seconds(-1)),
    "whose end is not told": lambda _: there().facebook_token(expires_at=None),
    "of the app itself": lambda _: there().facebook_token(type="APP", user_id=None),
    "of a page": lambda _: there().facebook_token(type="PAGE"),
    "of nobody": lambda _: there().facebook_token(user_id=None),
    "that was revoked meanwhile": lambda _: there().facebook_token(me={}),
    "that /me knows as somebody else": lambda _: there().facebook_token(me={"id": "1", "name": "Else"}),
}
FIELDS = {"facebook": "access_token", "google": "authorization_code"}
TROUBLE = ("hangs up", "redirects", "talks", "lists", "floods", 500, 503, 429)
GRAPH, ME, GOOGLE_TOKEN, GOOGLE_CERTS, ISSUERS = "/v24.0/debug_token", "/v24.0/me", "/google/token", "/google/certs", "/issuers"
CASES = [
    *(Case(f"a Facebook token {what}", "facebook", present) for what, present in FACEBOOK_TOKENS.items()),
    *(Case(f"a Google ID token {what}", "google", present) for what, present in ID_TOKENS.items()),
    *(Case(f"{what}, of Google's", "google", present) for what, present in CODES.items()),
    *(Case(f"an issuer's ID token {what}", "issuer", present) for what, present in ID_TOKENS.items()),
    Case("an issuer's ID token with another algorithm", "issuer", lambda issuer: issuer.token(algorithm="PS256")),
    Case("an ID token of Google's, for an issuer", "issuer", lambda issuer: there().google.token(aud=issuer.client_id)),
    *(Case(f"{what}, of an issuer's", "issuer", present) for what, present in CODES.items()),
    *(Case(f"Facebook {kind}", "facebook", lambda _: there().facebook_token(), (kind, GRAPH), PROVIDER_DOWN) for kind in TROUBLE),
    *(Case(f"Facebook's /me {kind}", "facebook", lambda _: there().facebook_token(), (kind, ME), PROVIDER_DOWN) for kind in (500, "talks")),
    *(Case(f"Google's token endpoint {kind}", "google", lambda i: i.code(), (kind, GOOGLE_TOKEN), PROVIDER_DOWN) for kind in TROUBLE),
    *(Case(f"an issuer {kind}", "issuer", lambda i: i.token(), (kind, ISSUERS), PROVIDER_DOWN) for kind in TROUBLE),
]


def present(case, issuer):
    """The token of a case and its further parameters; where it says so, somebody signs in with the first one."""
    presented = case.present(issuer)
    if isinstance(presented, str):
        return None, presented, {}
    if presented[0] == "used":
        return presented[1], presented[-1], {}
    return None, *presented


def test_there_are_as_many_cases_as_promised():
    assert len(CASES) >= 40


@pytest.fixture
def somebody(world, admin, facebook_and_google):
    """An issuer for each case, so that nothing is remembered of another one's keys."""
    made = twin().issuer()
    set_up(world, admin, made)
    return made


def ends_as(case, world, ann, name, issuer):
    """Presents a case twice: to sign in, and to be linked with Ann."""
    earlier, token, more = present(case, issuer)
    if earlier is not None:
        signed_in_with(world, name, earlier)
    before = counted(world)
    (status, word), grpc_ends = case.ends
    with there().having(*case.trouble) if case.trouble else there().having(None):
        answer = ask(world, **form_of(name, token, **more))
        assert "access_token" not in answer.text
        refusal(answer, status, word)
        linking = link(ann, name, token, more)
    told = published_refusal(linking)
    assert (told.code if status == 400 else "UNAVAILABLE", told.reason) == grpc_ends, linking.text
    assert (counted(world), linked(ann)) == (before, {})


def link(person, name, token, more):
    if name in FIELDS:
        return person.post(f"/social/{name}/users", {FIELDS[name]: token, **more})
    return person.post("/users/me/identities", {"provider": name, "token": token, **more})


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_it_is_no_proof(world, ann, somebody, case):
    issuer = twin().google if case.provider == "google" else somebody

    ends_as(case, world, ann, somebody.name if case.provider == "issuer" else case.provider, issuer)


def test_the_other_cases_get_in(world, somebody):
    """What the refused ones lack is all they lack."""
    for name, token in (
        ("facebook", twin().facebook_token()),
        ("facebook", twin().facebook_token(expires_at=0)),
        ("google", twin().google.token()),
        ("google", twin().google.token(iss="accounts.google.com", azp=twin().google.client_id)),
        ("google", twin().google.code()),
        (somebody.name, somebody.token()),
        (somebody.name, somebody.token(email_verified="true")),
        (somebody.name, somebody.token(email_verified=None)),
        (somebody.name, somebody.token(aud=[somebody.client_id, "somebody-else"], azp=somebody.client_id)),
        (somebody.name, somebody.code()),
    ):
        assert signed_in_with(world, name, token).id


ISSUERS_GONE_WRONG = {
    "tells of another issuer": lambda issuer: issuer.told.update(issuer="https://accounts.example.com"),
    "tells of itself with a slash": lambda issuer: issuer.told.update(issuer=issuer.url + "/"),
    "has its keys in a private network": lambda issuer: issuer.told.update(jwks_uri=ELSEWHERE),
    "has its keys in a file": lambda issuer: issuer.told.update(jwks_uri="file:///etc/passwd"),
    "has its keys nowhere": lambda issuer: issuer.told.update(jwks_uri=None),
    "has no keys": lambda issuer: issuer.told.update(jwks_uri=f"{issuer.url}/token"),
    "has a key that is too short": lambda issuer: setattr(issuer, "key", WEAK),
}


@pytest.mark.parametrize("what", ISSUERS_GONE_WRONG)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_an_issuer_gone_wrong_lets_nobody_in(world, admin, ann, somebody, what):
    ISSUERS_GONE_WRONG[what](somebody)
    before = counted(world)

    answer = ask(world, **form_of(somebody.name, somebody.token()))
    linking = link(ann, somebody.name, somebody.token(), {})

    assert answer.status_code in (400, 503)
    assert linking.status_code in (400, 503)
    assert (counted(world), linked(ann)) == (before, {})


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("path", [GRAPH, ME, GOOGLE_TOKEN, GOOGLE_CERTS, ISSUERS])
def test_a_slow_provider_holds_nobody_up(tmp_path, database, path):
    """The deployment waits as long as it is told to, and refuses."""
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path)
    world = World(settings_for(url, "native", egress_seconds=0.3))
    try:
        admin, ann, issuer, google = world.admin(), world.person("ann"), twin().issuer(), twin().google
        for name, value in zip(CONFIGS, (twin().app_id, twin().app_secret, google.client_id, google.secret), strict=True):
            put(admin, name, value)
        set_up(world, admin, issuer)
        before = counted(world)
        with twin().having("slow", path):
            name, token = {
                GRAPH: ("facebook", twin().facebook_token()),
                ME: ("facebook", twin().facebook_token()),
                GOOGLE_TOKEN: ("google", google.code()),
                GOOGLE_CERTS: ("google", google.token()),
                ISSUERS: (issuer.name, issuer.token()),
            }[path]
            answer = ask(world, **form_of(name, token))
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert "retry-after" in answer.headers
        assert (counted(world), linked(ann)) == (before, {})
    finally:
        world.close()

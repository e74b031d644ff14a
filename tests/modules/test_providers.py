"""Providers of OpenID Connect as data: setting them up, signing in with them, and Sign in with Apple as one of them."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from gamehall.social.v1.providers_pb2 import GetProviderRequest
from gamehall.social.v1.providers_pb2_grpc import ProviderServiceStub
from gamehall_server.kit.secrets import generated
from gamehall_server.kit.storage import Query
from gamehall_server.modules.social.tables import providers
from people import CANARIES, fresh
from sqlalchemy import select
from worlds import World, settings_for, sqlite_url

from tests.contract.doors import published_refusal
from tests.databases import shared_postgres
from tests.modules.oauth import ask, refusal
from tests.modules.providers import jwk_of, pem_of, twin
from tests.modules.signing_in import allow, form_of, linked, provider_of, put, set_up, signed_in_with


def fields_of(answer):
    assert answer.status_code == 400, answer.text
    return [result["field"] for result in answer.json()["result"]]


def test_a_provider_is_added_shown_changed_and_removed(admin):
    made = twin().issuer()
    body = provider_of(made, title="Example")

    added = admin.post("/auth/providers", body)

    told = added.json()
    assert added.status_code == 201
    assert told | body | {"client_secret": "********", "enabled": True} == told
    path = f"/auth/providers/{made.name}"
    assert admin.get(path).json() == told
    assert told in admin.get("/auth/providers?size=1000").json()["content"]
    changed = admin.put(path, {**told, "title": "Another", "enabled": False})
    assert changed.status_code == 200
    assert {**told, "title": "Another", "enabled": False, "updated_date": changed.json()["updated_date"]} == changed.json()
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404


def test_its_secret_is_sealed_and_stays_unless_another_is_sent(world, admin, issuer):
    path, shown = f"/auth/providers/{issuer.name}", admin.get(f"/auth/providers/{issuer.name}").json()
    stored = Query(select(providers.table.c.sealed_secret).where(providers.table.c.name == issuer.name))

    def sealed():
        return world.inside(lambda: world.server.product.database.reader().value(stored))

    assert issuer.secret not in sealed()
    assert sealed().startswith("s1.")
    for body in (shown, {**shown, "client_secret": None}):
        assert admin.put(path, body).status_code == 200
        assert signed_in_with(world, issuer.name, issuer.code()).id
    assert admin.put(path, {**shown, "client_secret": ""}).json().get("client_secret") is None
    assert sealed() is None
    refusal(ask(world, **form_of(issuer.name, issuer.code())), 400, "invalid_grant")


@pytest.mark.parametrize(
    "field, value",
    [
        ("name", "Apple"),
        ("name", "client_credentials"),
        ("name", "password"),
        ("name", "facebook"),
        ("name", "google"),
        ("name", "a"),
        ("name", ""),
        ("issuer", "http://8.8.8.8"),
        ("issuer", "https://10.0.0.1"),
        ("issuer", "https://user:password@example.com"),
        ("issuer", "https://example.com?tenant=1"),
        ("issuer", "https://example.com#"),
        ("issuer", "nowhere"),
        ("issuer", ""),
        ("client_id", ""),
        ("algorithm", "HS256"),
        ("algorithm", "none"),
        ("key_id", "KEY1234567"),
    ],
)
def test_what_no_provider_can_be_is_refused_by_its_field(admin, field, value):
    body = {**provider_of(twin().issuer()), field: value}
    if value == "https://example.com#":
        body["issuer"] = "https://example.com#part"

    assert field in fields_of(admin.post("/auth/providers", body))


def test_a_name_is_taken_once_and_stays(admin, issuer):
    assert fields_of(admin.post("/auth/providers", provider_of(issuer))) == ["name"]
    assert fields_of(admin.put(f"/auth/providers/{issuer.name}", provider_of(twin().issuer()))) == ["name"]


def test_a_provider_that_users_sign_in_with_stays(world, admin, issuer):
    signed_in_with(world, issuer.name, issuer.token())

    assert fields_of(admin.delete(f"/auth/providers/{issuer.name}")) == ["name"]


@pytest.mark.parametrize("algorithm", ["RS256", "PS512", "ES256"])
def test_an_unknown_account_makes_a_user_who_comes_back(world, admin, algorithm):
    made = twin().issuer(algorithm)
    set_up(world, admin, made)
    subject = fresh("subject")

    by_token = signed_in_with(world, made.name, made.token(sub=subject, nonce="n", jti=fresh("jti")))
    by_code = signed_in_with(world, made.name, made.code(sub=subject))

    assert by_token.id == by_code.id
    assert linked(by_code) == {made.name: subject}


def test_linking_is_the_same_with_every_provider(world, ann, bob, issuer):
    subject = fresh("subject")

    def link(person, token, name=issuer.name, whose="me"):
        return person.post(f"/users/{whose}/identities", {"provider": name, "token": token})

    answer = link(ann, issuer.token(sub=subject))

    assert (answer.status_code, answer.content) == (202, b"")
    assert published_refusal(link(bob, issuer.code(sub=subject))).reason == "IDENTITY_TAKEN"
    person = signed_in_with(world, issuer.name, issuer.code(sub=subject))
    assert person.id == ann.id
    assert published_refusal(link(person, issuer.code())).reason == "SIGNED_IN_BY_PROVIDER"
    assert fields_of(link(ann, "x", "nobody")) == ["provider"]
    assert link(bob, issuer.code(), whose=ann.id).status_code == 404
    assert link(bob, twin().facebook_token(), "facebook", ann.id).status_code == 404


@pytest.mark.usefixtures("facebook_and_google")
def test_the_guides_providers_are_linked_so_too(ann):
    assert ann.post("/users/me/identities", {"provider": "facebook", "token": twin().facebook_token()}).status_code == 202

    assert list(linked(ann)) == ["facebook"]


def test_the_same_subject_of_another_issuer_is_somebody_else(world, admin, issuer):
    other = twin().issuer()
    set_up(world, admin, other)
    allow(world, issuer.name, other.name)

    first, second = (signed_in_with(world, each.name, each.token(sub="one")) for each in (issuer, other))

    assert first.id != second.id


def test_another_issuer_under_the_same_name_knows_other_people(world, admin, issuer):
    first = signed_in_with(world, issuer.name, issuer.token(sub="one"))
    other = twin().issuer()
    assert admin.put(f"/auth/providers/{issuer.name}", {**provider_of(other), "name": issuer.name}).status_code == 200

    assert signed_in_with(world, issuer.name, other.token(sub="one")).id != first.id


def test_a_provider_that_is_switched_off_is_no_grant(world, admin, issuer):
    assert admin.put(f"/auth/providers/{issuer.name}", provider_of(issuer, enabled=False)).status_code == 200

    refusal(ask(world, **form_of(issuer.name, issuer.token())), 400, "unsupported_grant_type")


def test_a_client_without_the_grant_is_refused(world, issuer):
    allow(world)

    refusal(ask(world, **form_of(issuer.name, issuer.token())), 400, "unauthorized_client")


def test_a_client_proves_itself_in_the_header_where_the_issuer_wants_that(world, issuer):
    issuer.methods = ["client_secret_basic"]

    assert signed_in_with(world, issuer.name, issuer.code()).id


def test_a_public_client_needs_no_secret_but_a_verifier(world, admin):
    made = twin().issuer()
    set_up(world, admin, made, client_secret=None)
    made.secret = ""

    code = made.code(challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")

    assert signed_in_with(world, made.name, code, code_verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").id


def test_what_an_issuer_tells_is_asked_once(world, issuer):
    paths = [f"/issuers/{issuer.name}/.well-known/openid-configuration", f"/issuers/{issuer.name}/keys"]
    for _ in range(3):
        signed_in_with(world, issuer.name, issuer.token())

    assert [twin().heard.count(path) for path in paths] == [1, 1]


def test_an_unknown_key_is_looked_for_once_and_not_all_the_time(world, issuer, monkeypatch):
    """Whoever invents keys cannot make us ask for each."""
    signed_in_with(world, issuer.name, issuer.token())
    for _ in range(3):
        refusal(ask(world, **form_of(issuer.name, issuer.token(kid=fresh("kid")))), 400, "invalid_grant")
    assert twin().heard.count(f"/issuers/{issuer.name}/keys") == 1
    monkeypatch.setattr("gamehall_server.modules.social.openid.NOT_AGAIN_WITHIN", 0)
    issuer.kid, issuer.key = fresh("key"), ec_or_rsa()

    assert signed_in_with(world, issuer.name, issuer.token()).id


def ec_or_rsa():
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65537, 2048)


def test_sign_in_with_apple(world, admin):
    """https://developer.apple.com/documentation/signinwithapplerestapi: the secret is a token that the team's key signs; whether an address
    is verified is said in words; the nonce comes back hashed where the application's library hashes it."""
    import hashlib

    made = twin().issuer()
    team_key = ec.generate_private_key(ec.SECP256R1())
    made.team_key = team_key.public_key()
    pem = pem_of(team_key).decode()
    CANARIES.add(pem)
    told = set_up(world, admin, made, client_secret=pem, team_id="TEAM123456", key_id="KEY1234567")
    subject, nonce = "001234.abcdef0123456789.1234", fresh("nonce")
    claims = {"sub": subject, "email_verified": "true", "is_private_email": "true", "auth_time": int(time.time()), "nonce_supported": True}

    by_code = signed_in_with(world, made.name, made.code(**claims))
    hashed = hashlib.sha256(nonce.encode()).hexdigest()
    by_token = signed_in_with(world, made.name, made.token(**claims, nonce=hashed), nonce=nonce)

    assert by_code.id == by_token.id
    assert told["client_secret"] == "********"
    assert made.told == {}


@pytest.mark.parametrize("secret", ["no key", "", pem_of(ec.generate_private_key(ec.SECP384R1())).decode()])
def test_apples_secret_must_be_a_key_that_can_sign(admin, secret):
    body = provider_of(twin().issuer(), client_secret=secret, team_id="TEAM123456", key_id="KEY1234567")

    assert fields_of(admin.post("/auth/providers", body)) == ["client_secret"]


def test_grpc_shows_no_secret_either(admin, issuer):
    stub = ProviderServiceStub(admin.channel)

    answer = stub.GetProvider(GetProviderRequest(name=issuer.name), metadata=[("authorization", f"Bearer {admin.token}")])

    assert answer.provider.client_secret == "********"


def test_an_issuers_keys_are_public_ones(issuer):
    assert jwk_of(issuer.key, issuer.kid).keys().isdisjoint({"d", "p", "q"})


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_secrets_follow_the_root_key(tmp_path, database):
    """With a new root key before the old one they are sealed anew at the start. Then the old one may go."""
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path)
    first, second = generated(), generated()
    CANARIES.update((first, second))
    made, google = twin().issuer(), twin().google
    told = []
    for keys in (first, f"{second},{first}", second):
        world = World(settings_for(url, "native", root_key=keys))
        try:
            if keys == first:
                admin = world.admin()
                set_up(world, admin, made)
                put(admin, "social.google.client_id", google.client_id)
                put(admin, "social.google.secret_key", google.secret)
            told.append([ask(world, **form_of(each.name, each.code())).status_code for each in (made, google)])
        finally:
            world.close()

    assert told == [[200, 200]] * 3

"""Social sign-in with Facebook and Google, as the guide describes it. The providers are a twin that speaks over real HTTP."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
import requests
from gamehall.auth.v1.tokens_pb2 import CreateTokenRequest
from gamehall.social.v1.social_pb2 import DeleteIdentityRequest, GoogleToken, LinkGoogleRequest, ListIdentitiesRequest
from gamehall.social.v1.social_pb2_grpc import IdentityServiceStub
from gamehall_server.kit.storage import Query
from gamehall_server.modules.configs import ConfigValues
from gamehall_server.modules.configs.tables import table as configs
from gamehall_server.servicers import BUILT_INS
from people import fresh
from sqlalchemy import select, update

from tests.contract.doors import published_refusal
from tests.modules.oauth import ask, me, refresh, refusal
from tests.modules.providers import twin
from tests.modules.signing_in import allow, counted, form_of, linked, put, signed_in_with

pytestmark = pytest.mark.usefixtures("facebook_and_google")
PROVIDERS = ("facebook", "google")
FIELD = {"facebook": "access_token", "google": "authorization_code"}


def token_of(provider, subject=None, email=None):
    """What an application gets for somebody: a token of Facebook's, a code of Google's."""
    there, subject = twin(), subject or str(abs(hash(fresh("subject"))))
    if provider == "facebook":
        return there.facebook_token(person=subject, me={"id": subject, "name": "Lee Fox", "email": email or f"{subject}@example.com"})
    return there.google.code(sub=subject, email=email or f"{subject}@example.com")


def link(person, provider, token):
    return person.post(f"/social/{provider}/users", {FIELD[provider]: token})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_unknown_account_makes_a_user_who_comes_back(world, provider):
    subject = str(abs(hash(fresh("subject"))))

    first, again = (signed_in_with(world, provider, token_of(provider, subject)) for _ in range(2))

    assert first.id == again.id
    assert me(world, first.token).json() == {"client_id": "web", "roles": ["ROLE_USER"], "user_id": first.id}
    assert linked(first) == {provider: subject}
    assert refresh(world, first.refresh_token)


def test_a_new_user_has_what_the_provider_told(world):
    lee, kim = (
        signed_in_with(world, *how).get("/users/me").json()
        for how in (
            ("facebook", twin().facebook_token()),
            ("google", twin().google.token()),
        )
    )

    assert lee["username"].startswith("facebook-")
    assert [lee[name] for name in ("display_name", "first_name", "last_name", "avatar_url")] == [
        "Lee Fox",
        "Lee",
        "Fox",
        "https://pictures.example.com/lee.png",
    ]
    assert [kim[name] for name in ("display_name", "first_name", "last_name", "avatar_url")] == [
        "Kim Möller",
        "Kim",
        "Möller",
        "https://pictures.example.com/kim.png",
    ]
    assert lee["email"].endswith("@example.com")


def test_what_a_provider_tells_is_cut_to_what_a_user_may_be(world):
    token = twin().google.token(name="N" * 5000, given_name="\0", family_name=7, picture="javascript:alert(1)", email="no address")

    user = signed_in_with(world, "google", token).get("/users/me").json()

    assert user["display_name"] == "N" * 100
    assert user.keys().isdisjoint({"first_name", "last_name", "avatar_url", "email"})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_parameters_may_stand_in_the_query_string(world, provider):
    """As the guide's own example does."""
    answer = requests.post(f"{world.url}/oauth/token?{urlencode(form_of(provider, token_of(provider)))}")

    assert me(world, answer.json()["access_token"]).status_code == 200


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_auto_creation_only_linked_accounts_get_in(world, admin, ann, provider):
    put(admin, "social_login_auto_create", "false")
    subject = str(abs(hash(fresh("subject"))))
    before = counted(world)

    told = refusal(ask(world, **form_of(provider, token_of(provider, subject))), 400, "invalid_grant")

    assert "link" in told
    assert counted(world) == before
    assert link(ann, provider, token_of(provider, subject)).status_code == 202
    assert signed_in_with(world, provider, token_of(provider, subject)).id == ann.id


@pytest.mark.parametrize("provider", PROVIDERS)
def test_linking_answers_202_without_a_body(world, ann, provider):
    subject = str(abs(hash(fresh("subject"))))

    answer = link(ann, provider, token_of(provider, subject))

    assert (answer.status_code, answer.content) == (202, b"")
    assert signed_in_with(world, provider, token_of(provider, subject)).id == ann.id


def test_both_names_of_the_guide_are_taken_for_a_google_code(ann):
    for field in ("authorization_code", "access_token"):
        assert ann.post("/social/google/users", {field: twin().google.code()}).status_code == 202
    answer = ann.post("/social/google/users", {})
    assert published_refusal(answer) == ("INVALID_ARGUMENT", "REQUIRED")
    assert answer.json()["result"][0]["field"] == "authorization_code"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_another_account_takes_the_place_of_the_earlier_one(world, admin, ann, provider):
    put(admin, "social_login_auto_create", "false")
    first, second = (str(abs(hash(fresh("subject")))) for _ in range(2))
    for subject in (first, second, second):
        assert link(ann, provider, token_of(provider, subject)).status_code == 202

    assert linked(ann) == {provider: second}
    assert signed_in_with(world, provider, token_of(provider, second)).id == ann.id
    refusal(ask(world, **form_of(provider, token_of(provider, first))), 400, "invalid_grant")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_account_of_somebody_else_is_refused(world, ann, bob, provider):
    subject = str(abs(hash(fresh("subject"))))
    assert link(ann, provider, token_of(provider, subject)).status_code == 202

    answer = link(bob, provider, token_of(provider, subject))

    assert answer.status_code == 400
    assert published_refusal(answer).reason == "IDENTITY_TAKEN"
    assert (linked(ann), linked(bob)) == ({provider: subject}, {})
    assert signed_in_with(world, provider, token_of(provider, subject)).id == ann.id


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_session_of_the_provider_itself_links_nothing(world, provider):
    subject = str(abs(hash(fresh("subject"))))
    person = signed_in_with(world, provider, token_of(provider, subject))

    answer = link(person, provider, token_of(provider))

    assert published_refusal(answer) == ("PERMISSION_DENIED", "SIGNED_IN_BY_PROVIDER")
    assert linked(person) == {provider: subject}


def test_the_other_provider_may_be_linked_from_it(world):
    person = signed_in_with(world, "facebook", token_of("facebook"))

    assert link(person, "google", token_of("google", "42")).status_code in (202, 400)
    assert "facebook" in linked(person)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_address_is_nobody(world, admin, ann, provider):
    """Whoever has a Facebook or Google account with Ann's address is not Ann, and may have an account of their own."""
    address = f"{ann.username}@example.com"
    stranger = signed_in_with(world, provider, token_of(provider, email=address.upper()))

    assert stranger.id != ann.id
    assert "email" not in stranger.get("/users/me").json()
    assert linked(ann) == {}
    put(admin, "social_login_auto_create", "false")
    refusal(ask(world, **form_of(provider, token_of(provider, email=address))), 400, "invalid_grant")
    assert linked(ann) == {}


def test_two_providers_with_the_same_number_are_two_people(world):
    subject = str(abs(hash(fresh("subject"))))

    ids = {signed_in_with(world, provider, token_of(provider, subject)).id for provider in PROVIDERS}

    assert len(ids) == 2


def test_another_app_of_facebook_knows_other_people(world, admin, monkeypatch):
    """Facebook's numbers are those of an app: the same number of another app is somebody else."""
    subject = str(abs(hash(fresh("subject"))))
    first = signed_in_with(world, "facebook", token_of("facebook", subject))
    monkeypatch.setattr(twin(), "app_id", "4711")
    put(admin, "social.facebook.app_id", "4711")

    assert signed_in_with(world, "facebook", token_of("facebook", subject)).id != first.id


@pytest.mark.parametrize("provider", PROVIDERS)
def test_first_sign_ins_at_once_make_one_user(world, provider):
    subject = str(abs(hash(fresh("subject"))))
    tokens = [token_of(provider, subject) for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        people = list(pool.map(lambda token: signed_in_with(world, provider, token), tokens))

    assert len({person.id for person in people}) == 1
    assert linked(people[0]) == {provider: subject}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_client_without_the_grant_is_refused_before_the_provider_is_asked(world, provider):
    allow(world)
    heard = len(twin().heard)

    refusal(ask(world, **form_of(provider, token_of(provider))), 400, "unauthorized_client")

    assert len(twin().heard) == heard


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_grant_without_a_token_is_refused(world, provider):
    assert "token" in refusal(ask(world, grant_type=provider, client_id="web"), 400, "invalid_request")


def test_an_unknown_word_is_still_no_grant(world):
    refusal(ask(world, **form_of("myspace", "x")), 400, "unsupported_grant_type")


@pytest.mark.parametrize("provider, config", [("facebook", "social.facebook.app_id"), ("google", "social.google.client_id")])
def test_a_provider_that_is_not_set_up_says_so(world, admin, ann, provider, config):
    token = token_of(provider)
    admin.delete(f"/configs/{config}")

    assert config in refusal(ask(world, **form_of(provider, token)), 400, "invalid_request")
    assert published_refusal(link(ann, provider, token)) == ("INVALID_ARGUMENT", "PROVIDER_NOT_SET_UP")


def test_a_code_is_exchanged_with_what_was_asked_for(world, admin):
    """With PKCE, and with a nonce."""
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    put(admin, "social.google.redirect_url", "postmessage")
    nonce = fresh("nonce")

    code = twin().google.code(challenge=challenge, nonce=nonce)

    assert signed_in_with(world, "google", code, code_verifier=verifier, nonce=nonce).id


def test_an_id_token_of_another_platform_of_ours_is_good(world, admin):
    """Android's own sign-in asks with the id of the app, for the id of the server."""
    android = "android-client.apps.googleusercontent.com"
    put(admin, "social.google.other_client_ids", f"ios.example, {android}")

    assert signed_in_with(world, "google", twin().google.token(azp=android)).id


def test_grpc_does_the_same(world, ann, refused):
    subject = str(abs(hash(fresh("subject"))))
    stub = IdentityServiceStub(ann.channel)
    metadata = [("authorization", f"Bearer {ann.token}")]
    token = twin().google.token(sub=subject)

    stub.LinkGoogle(LinkGoogleRequest(token=GoogleToken(authorization_code=token)), metadata=metadata)
    (identity,) = stub.ListIdentities(ListIdentitiesRequest(user_id="me"), metadata=metadata).identities

    assert (identity.provider, identity.subject) == ("google", subject)
    answer = ann.grpc.tokens.CreateToken(CreateTokenRequest(grant_type="google", client_id="web", token=twin().google.code(sub=subject)))
    assert me(world, answer.access_token).json()["user_id"] == ann.id
    with refused("INVALID_ARGUMENT") as refusal:
        stub.LinkGoogle(LinkGoogleRequest(token=GoogleToken(authorization_code=token)), metadata=metadata)
    assert "used before" in refusal[0].details()
    stub.DeleteIdentity(DeleteIdentityRequest(user_id="me", id=identity.id), metadata=metadata)
    with refused("NOT_FOUND"):
        stub.DeleteIdentity(DeleteIdentityRequest(user_id="me", id=identity.id), metadata=metadata)


# Listing and unlinking.


def test_one_sees_and_unlinks_ones_own_accounts(world, admin, ann, bob):
    for provider in PROVIDERS:
        assert link(ann, provider, token_of(provider)).status_code == 202
    shown = ann.get("/users/me/identities").json()

    assert [each["provider"] for each in shown] == ["facebook", "google"]
    assert all(each.keys() == {"id", "provider", "subject", "linked_date"} for each in shown)
    assert bob.get(f"/users/{ann.id}/identities").status_code == 404
    assert bob.delete(f"/users/{ann.id}/identities/{shown[0]['id']}").status_code == 404
    assert bob.delete(f"/users/me/identities/{shown[0]['id']}").status_code == 404
    assert admin.get(f"/users/{ann.id}/identities").json() == shown
    assert ann.delete(f"/users/me/identities/{shown[0]['id']}").status_code == 204
    assert admin.delete(f"/users/{ann.id}/identities/{shown[1]['id']}").status_code == 204
    assert linked(ann) == {}


@pytest.mark.parametrize("how", ["unlinked", "replaced"])
def test_who_came_in_with_an_account_goes_with_it(world, ann, how):
    """A thief with Ann's Facebook account is out when Ann says that it is no longer hers."""
    subject = str(abs(hash(fresh("subject"))))
    assert link(ann, "facebook", token_of("facebook", subject)).status_code == 202
    thief = signed_in_with(world, "facebook", token_of("facebook", subject))
    (identity,) = ann.get("/users/me/identities").json()

    if how == "unlinked":
        assert ann.delete(f"/users/me/identities/{identity['id']}").status_code == 204
    else:
        assert link(ann, "facebook", token_of("facebook")).status_code == 202

    assert me(world, thief.token).status_code == 401
    assert refresh(world, thief.refresh_token) is None
    assert me(world, ann.token).status_code == 200


def test_the_last_way_to_sign_in_stays(world):
    person = signed_in_with(world, "facebook", token_of("facebook"))
    (only,) = person.get("/users/me/identities").json()

    answer = person.delete(f"/users/me/identities/{only['id']}")

    assert published_refusal(answer) == ("INVALID_ARGUMENT", "LAST_SIGN_IN")
    assert link(person, "google", token_of("google")).status_code == 202
    assert person.delete(f"/users/me/identities/{only['id']}").status_code == 204
    (other,) = person.get("/users/me/identities").json()
    assert person.delete(f"/users/me/identities/{other['id']}").status_code == 400


def test_of_two_accounts_unlinked_at_once_one_stays(world):
    person = signed_in_with(world, "facebook", token_of("facebook"))
    assert link(person, "google", token_of("google")).status_code == 202
    numbers = [each["id"] for each in person.get("/users/me/identities").json()]

    def unlink(number):
        return requests.delete(f"{world.url}/users/me/identities/{number}", headers={"Authorization": f"Bearer {person.token}"}).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(unlink, numbers)) == [204, 400]
    assert len(linked(person)) == 1


# Secrets of the configs.


@pytest.mark.parametrize("name", ["social.facebook.secret_key", "social.google.secret_key"])
def test_a_secret_is_shown_as_asterisks_and_kept_sealed(world, admin, name):
    secret = {"social.facebook.secret_key": twin().app_secret, "social.google.secret_key": twin().google.secret}[name]
    shown = admin.get(f"/configs/{name}").json()
    stored = Query(select(configs.c.value, configs.c.sealed).where(configs.c.name == name))

    assert shown["value"] == "********"
    assert [each for each in admin.get("/configs?size=1000").json()["content"] if each["name"] == name] == [shown]
    value, sealed = world.inside(lambda: world.server.product.database.reader().one(stored))
    assert (value, secret in sealed) == ("********", False)
    # What was shown may be sent back.
    assert admin.put(f"/configs/{name}", shown).status_code == 204
    assert signed_in_with(world, name.split(".")[1], token_of(name.split(".")[1])).id
    assert admin.delete(f"/configs/{name}").status_code == 204
    assert admin.get(f"/configs/{name}").json()["value"] == ""


def test_a_secret_of_before_there_were_seals_is_sealed_at_the_next_start(world):
    """Only its value was there then."""
    product = world.server.product
    database, values = product.database, ConfigValues(BUILT_INS, product.secrets)
    name = "social.google.secret_key"
    plain = Query(update(configs).where(configs.c.name == name).values(value="hush", sealed=None))
    stored = Query(select(configs.c.value, configs.c.sealed).where(configs.c.name == name))

    async def settled():
        await database.write(lambda db: db.run(plain))
        await database.write(values.settle)
        await values.kept.renew(database.reader())
        return await database.reader().one(stored)

    value, sealed = world.inside(settled)

    assert (value, sealed[:3]) == ("********", "s1.")
    assert values.kept.value[name] == "hush"

"""Sign-ins with accounts of other providers, and what is left of them."""

import msgspec
import pytest
from gamehall_server.kit.storage import Query, table_of
from gamehall_server.modules.access.tables import ClientRow
from gamehall_server.modules.auth.tables import SessionRow
from gamehall_server.modules.social.tables import IdentityRow
from gamehall_server.modules.users.tables import users
from people import Person
from sqlalchemy import bindparam, func, select, update

from tests.modules.oauth import ask
from tests.modules.providers import twin

_clients = table_of(ClientRow).table
_allow = Query(update(_clients).where(_clients.c.client_key == bindparam("key")).values(grant_types=bindparam("words")))
_counts = [
    Query(select(func.count()).select_from(table)) for table in (users.table, *(table_of(r).table for r in (IdentityRow, SessionRow)))
]
CONFIGS = ("social.facebook.app_id", "social.facebook.secret_key", "social.google.client_id", "social.google.secret_key")
REDIRECT = "social.google.redirect_url"


def allow(world, *grants, client="web"):
    """Gives a client these grants, and the usual ones."""
    words = msgspec.json.encode(["password", "refresh_token", *grants]).decode()
    database = world.server.product.database
    world.inside(lambda: database.write(lambda db: db.run(_allow, key=client, words=words)))


def counted(world):
    """How many users, identities and sessions there are."""
    reader = world.server.product.database.reader()

    async def count():
        return [await reader.value(query) for query in _counts]

    return world.inside(count)


def form_of(provider, token, **more):
    return {"grant_type": provider, "client_id": "web", "token": token, **more}


def signed_in_with(world, provider, token, **more):
    """Whoever signs in so."""
    return signed_in_by(world, form_of(provider, token, **more))


def signed_in_by(world, form):
    """Whoever the token endpoint lets in by a form."""
    answer = ask(world, **form)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    person = Person(world.url, world.channel, told["access_token"], refresh_token=told["refresh_token"])
    person.id = person.get("/me").json()["user_id"]
    return person


def put(admin, name, value):
    answer = admin.put(f"/configs/{name}", {"name": name, "value": value})
    assert answer.status_code == 204, answer.text


@pytest.fixture
def facebook_and_google(world, admin):
    """Both providers of the guide are set up, for the client web."""
    allow(world, "facebook", "google")
    there = twin()
    values = (there.app_id, there.app_secret, there.google.client_id, there.google.secret)
    for name, value in zip(CONFIGS, values, strict=True):
        put(admin, name, value)
    put(admin, REDIRECT, "https://game.example.com/signed-in")
    yield there
    for name in (*CONFIGS, REDIRECT, "social_login_auto_create", "social.google.other_client_ids"):
        admin.delete(f"/configs/{name}")


def provider_of(issuer, **more):
    """The body that sets an issuer up."""
    told = {"name": issuer.name, "issuer": issuer.url, "client_id": issuer.client_id, "client_secret": issuer.secret}
    return {**told, "algorithm": issuer.algorithm, "redirect_uri": "https://game.example.com/signed-in", **more}


def set_up(world, admin, issuer, **more):
    """Sets an issuer up, and allows the client web to use it."""
    answer = admin.post("/auth/providers", provider_of(issuer, **more))
    assert answer.status_code == 201, answer.text
    allow(world, "facebook", "google", issuer.name)
    return answer.json()


@pytest.fixture
def issuer(world, admin):
    """An issuer that is set up; users sign in with its name."""
    made = twin().issuer()
    set_up(world, admin, made)
    return made


def linked(person):
    """Provider and subject of each account that a user signs in with."""
    answer = person.get("/users/me/identities")
    assert answer.status_code == 200, answer.text
    return {each["provider"]: each["subject"] for each in answer.json()}

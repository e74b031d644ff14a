"""Signing keys: announced, signing, retired; sealed in the database; and what a lost root key costs."""

import asyncio

import jwt
import pytest
import requests
from gamehall_server.admin import opened, rotate_keys
from gamehall_server.kit import clock
from gamehall_server.kit.secrets import generated
from gamehall_server.kit.storage import Query, table_of
from gamehall_server.modules.auth.keys import _pem
from gamehall_server.modules.auth.tables import SigningKeyRow
from people import PASSWORD
from sqlalchemy import bindparam, update
from worlds import World, settings_for, sqlite_url

from tests.databases import seen_from_outside, shared_postgres
from tests.modules.oauth import ask, by_password, me

DAY = 24 * 3600


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    return shared_postgres().fresh() if request.param == "postgresql" else sqlite_url(tmp_path)


@pytest.fixture
def deployment(url):
    world = World(settings_for(url, "native"))
    yield world
    world.close()


def kid_of(token):
    return jwt.get_unverified_header(token)["kid"]


def published(world):
    return [key["kid"] for key in requests.get(world.url + "/.well-known/jwks.json").json()["keys"]]


def rotated(world, after=None, compromised=False):
    return world.inside(lambda: rotate_keys(world.server.product, after, compromised=compromised))


def at_a_later_time(monkeypatch, seconds):
    now = clock.real_seconds()
    monkeypatch.setattr(clock, "real_seconds", lambda: now + seconds)


def test_no_private_half_is_in_the_database(deployment, url):
    rows = asyncio.run(seen_from_outside(url, "SELECT sealed, public FROM signing_key"))

    assert [(sealed.partition(".")[0], "PUBLIC KEY" in public, "PRIVATE" in sealed + public) for sealed, public in rows] == [
        ("s1", True, False)
    ]


def test_a_key_is_announced_a_day_before_it_signs_and_what_the_old_one_signed_stays_good(deployment, monkeypatch):
    ann = deployment.person()
    old = kid_of(ann.token)

    assert "is announced" in rotated(deployment)

    assert len(published(deployment)) == 2
    second = ask(deployment, **by_password(ann)).json()["access_token"]
    assert kid_of(second) == old
    assert jwt.decode(second, options={"verify_signature": False})["sub"] == str(ann.id)

    at_a_later_time(monkeypatch, DAY - 60)
    late = ask(deployment, **by_password(ann)).json()["access_token"]
    at_a_later_time(monkeypatch, 120)
    third = ask(deployment, **by_password(ann)).json()["access_token"]
    assert (kid_of(late), kid_of(third) in published(deployment), kid_of(third) != old) == (old, True, True)
    assert [me(deployment, token).status_code for token in (late, third)] == [200, 200]

    at_a_later_time(monkeypatch, DAY + 1)
    assert published(deployment) == [kid_of(third)]


def test_after_a_compromise_no_token_is_good_and_refresh_tokens_go_on(deployment):
    ann = deployment.person()
    assert me(deployment, ann.token).ok

    rotated(deployment, compromised=True)

    assert me(deployment, ann.token).status_code == 401
    told = ask(deployment, grant_type="refresh_token", client_id="web", refresh_token=ann.refresh_token).json()
    assert me(deployment, told["access_token"]).ok
    assert published(deployment) == [kid_of(told["access_token"])]


def test_another_root_key_costs_no_session(url, caplog):
    first = World(settings_for(url, "native"))
    ann = first.person()
    first.close()

    second = World(settings_for(url, "native", root_key=generated()))
    try:
        assert me(second, ann.token).ok
        again = second.signed_in(ann.username, PASSWORD)
        assert kid_of(again.token) != kid_of(ann.token)
        assert set(published(second)) == {kid_of(again.token), kid_of(ann.token)}
    finally:
        second.close()
    assert "sealed with another root key" in caplog.text


def test_a_new_root_key_before_the_old_one_seals_the_signing_keys_again(url):
    first = World(settings_for(url, "native"))
    ann = first.person()
    first.close()
    new, old = generated(), first.settings.root_key

    World(settings_for(url, "native", root_key=f"{new},{old}")).close()
    third = World(settings_for(url, "native", root_key=new))
    try:
        assert kid_of(third.signed_in(ann.username, PASSWORD).token) == kid_of(ann.token)
    finally:
        third.close()


def test_what_an_earlier_version_stored_in_clear_is_sealed_at_the_next_start(url):
    first = World(settings_for(url, "native"))
    ann = first.person()
    first.close()
    _in_clear(first, url)

    second = World(settings_for(url, "native"))
    try:
        assert me(second, ann.token).ok
        rows = asyncio.run(seen_from_outside(url, "SELECT sealed FROM signing_key"))
        assert all(row[0].startswith("s1.") for row in rows)
    finally:
        second.close()


def _in_clear(world, url):
    """Puts the database back to how version 0002 left it."""
    change = Query(update(table_of(SigningKeyRow).table).values(sealed=bindparam("box"), public=None))

    async def story():
        async with opened(world.settings) as product:
            key = next(iter(product.keys.kept.value.values()))

            async def work(db):
                await db.run(change, box=_pem(key.private))

            await product.database.write(work)

    asyncio.run(story())

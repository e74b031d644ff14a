"""Signing in with a device alone: the first time makes a user, who is let in by the device's secret and by nothing else."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from gamehall_server.kit.storage import Query
from gamehall_server.modules.access.attempts import ACCOUNT
from people import fresh
from sqlalchemy import select, update
from worlds import World, settings_for, sqlite_url

from tests.modules.device_login import AUTO_CREATE, WRONG, Box, client_of, device_secrets, hashes, refresh_of
from tests.modules.oauth import ask, me, refusal
from tests.modules.signing_in import counted, put
from tests.modules.test_attempts import elsewhere, inside, let_pass


@pytest.fixture
def client(world):
    return client_of(world)


@pytest.fixture
def box(client):
    return Box(client)


@pytest.fixture
def closed(world, admin):
    """New devices make no users."""
    put(admin, AUTO_CREATE, "false")
    yield
    admin.delete(f"/configs/{AUTO_CREATE}")


def test_the_first_sign_in_makes_a_user_who_comes_back(world, box):
    first, again = box.signed_in(world), box.signed_in(world)

    assert first.id == again.id
    assert first.token != again.token
    assert me(world, first.token).json() == {"client_id": box.client, "roles": ["ROLE_USER"], "user_id": first.id}
    assert refresh_of(world, box, first)
    user = first.get("/users/me").json()
    assert user["username"].startswith("device-")
    assert "email" not in user
    shown = first.get(f"/devices/{box.id}").json()
    assert (shown["owner"]["id"], [each["id"] for each in shown["users"]]) == (first.id, [first.id])


def test_two_devices_are_two_users(world, client):
    one, other = Box(client), Box(client)

    assert one.signed_in(world).id != other.signed_in(world).id


def test_a_new_user_does_what_users_do(world, box):
    person = box.signed_in(world)

    assert person.post("/comments", {"context": "level", "context_id": "1", "content": "hello"}).status_code == 200
    assert person.get("/auth/clients").status_code == 403


@pytest.mark.parametrize("at_once", [2, 4])
def test_first_sign_ins_at_once_make_one_user(world, box, at_once):
    before = counted(world)
    with ThreadPoolExecutor(at_once) as pool:
        people = list(pool.map(lambda _: box.signed_in(world), range(at_once)))

    assert len({person.id for person in people}) == 1
    made = [now - then for now, then in zip(counted(world), before, strict=True)]
    assert made == [1, 0, at_once]


def test_of_two_secrets_at_once_one_is_the_devices(world, box):
    other = Box(box.client)
    other.id = box.id
    before = counted(world)[0]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda each: ask(world, **each.form()), (box, other)))

    assert sorted(answer.status_code for answer in answers) == [200, 400], [answer.text for answer in answers]
    assert counted(world)[0] - before == 1
    refusal(next(answer for answer in answers if not answer.ok), 400, "invalid_grant")


def test_a_wrong_secret_is_refused_and_guesses_are_few(world, box):
    person, attacker = box.signed_in(world), elsewhere()

    answers = [attacker.post(world.url + "/oauth/token", data=box.form(device_secret=WRONG)) for _ in range(ACCOUNT.free + 2)]

    assert [answer.status_code for answer in answers] == [400] * ACCOUNT.free + [429] * 2
    refusal(answers[0], 400, "invalid_grant")
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    assert int(answers[-1].headers["retry-after"]) >= 1
    # The right one is not looked at either, but for the owner, who signed in from there before.
    assert attacker.post(world.url + "/oauth/token", data=box.form()).status_code == 429
    assert box.signed_in(world).id == person.id
    inside(world, let_pass)


@pytest.mark.usefixtures("closed")
def test_without_auto_creation_a_new_device_is_told_what_a_wrong_one_is(world, admin, box):
    known = Box(box.client)
    admin.delete(f"/configs/{AUTO_CREATE}")
    known.signed_in(world)
    put(admin, AUTO_CREATE, "false")
    before = counted(world)

    told = {refusal(ask(world, **form), 400, "invalid_grant") for form in (box.form(), known.form(device_secret=WRONG))}

    assert told == {"Unknown device, or wrong secret."}
    assert counted(world) == before
    assert known.signed_in(world)
    attacker = elsewhere()
    answers = [attacker.post(world.url + "/oauth/token", data=box.form()).status_code for _ in range(ACCOUNT.free)]
    # One try was the owner's own, from where nobody signed in before.
    assert answers == [400] * (ACCOUNT.free - 1) + [429]


def test_new_devices_of_one_address_are_limited(tmp_path_factory):
    """As codes are that somebody asks for: each new device is a user."""
    world = World(settings_for(sqlite_url(tmp_path_factory.mktemp("few")), "native", network_tries=3))
    try:
        client = world.application("device")[0]
        boxes = [Box(client) for _ in range(5)]
        answers = [ask(world, **each.form()) for each in boxes]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        # Who is known already comes back.
        assert boxes[0].signed_in(world)
    finally:
        world.close()


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"device_id": ""}, "device_id"),
        ({"device_secret": ""}, "device_secret"),
        ({"device_id": "short"}, "device_id"),
        ({"device_secret": "short"}, "device_secret"),
        ({"device_id": "a b/c d e f g h i j"}, "device_id"),
        ({"device_id": "x" * 65}, "device_id"),
        ({"device_secret": "x" * 256}, "device_secret"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(world, box, wrong, said):
    before = counted(world)

    assert said in refusal(ask(world, **box.form(**wrong)), 400, "invalid_request")
    assert counted(world) == before


def test_a_client_needs_the_grant(world, box):
    before = counted(world)

    refusal(ask(world, **box.form(client_id="web")), 400, "unauthorized_client")

    assert counted(world) == before


def test_administrators_give_the_grant(world, admin, box):
    key = fresh("game.")
    assert admin.post("/auth/clients", {"client_key": key, "name": "a game", "is_public": True}).status_code == 200
    assert admin.put(f"/auth/clients/{key}/grant-types", ["device"]).status_code == 204
    box.client = key

    assert box.signed_in(world)


def test_the_secret_is_kept_as_a_hash_of_its_own(world, box):
    box.signed_in(world)
    other = Box(box.client)
    other.secret = box.secret
    other.signed_in(world)

    async def read():
        return [row[0] for row in await world.server.product.database.reader().all(hashes)]

    kept = world.inside(read)
    assert all(hash.startswith("$argon2id$") for hash in kept)
    assert len(set(kept)) == len(kept)


def test_a_hash_of_other_costs_is_made_anew(world, box):
    person, hasher = box.signed_in(world), world.server.product.hasher
    cheap = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43
    assert hasher.outdated(cheap)
    inside(world, Query(update(device_secrets).where(device_secrets.c.device_id == box.id).values(secret_hash=old_hash_of(box.secret))))

    assert box.signed_in(world).id == person.id

    now = inside(world, Query(select(device_secrets.c.secret_hash).where(device_secrets.c.device_id == box.id)))
    assert not hasher.outdated(now)
    assert box.signed_in(world).id == person.id


def old_hash_of(secret):
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(secret)

"""Signing in with a device alone: the first time makes a user, who becomes a full one and loses nothing."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from gamehall.auth.v1.tokens_pb2 import CreateTokenRequest
from gamehall_server.kit.storage import Query, table_of
from gamehall_server.main import BUILT_INS
from gamehall_server.modules.access.attempts import ACCOUNT
from gamehall_server.modules.devices.tables import DeviceSecretRow
from people import CANARIES, Person, fresh
from sqlalchemy import func, select, update
from worlds import World, settings_for, sqlite_url

from tests.modules.oauth import ask, me, refusal
from tests.modules.signing_in import counted, issuer, linked, provider_of, put  # noqa: F401  # A fixture.
from tests.modules.test_attempts import elsewhere, inside, let_pass

AUTO_CREATE = "device_login_auto_create"
NEW_PASSWORD = "seven quiet kettles"
WRONG = "w" * 40
CANARIES.update({NEW_PASSWORD, WRONG})
_secrets = table_of(DeviceSecretRow).table
hashes = Query(select(_secrets.c.secret_hash).where(_secrets.c.device_id.like("%")))
devices_that_sign_in = Query(select(func.count()).select_from(_secrets))


@pytest.fixture(scope="module")
def clients():
    """The client of each world that lets devices sign in."""
    return {}


@pytest.fixture
def client(world, clients):
    if world.url not in clients:
        clients[world.url] = world.application("device", "refresh_token")[0]
    return clients[world.url]


@pytest.fixture
def closed(world, admin):
    """New devices make no users."""
    put(admin, AUTO_CREATE, "false")
    yield
    admin.delete(f"/configs/{AUTO_CREATE}")


class Box:
    """A device: its id, the secret that it made, and the application on it."""

    def __init__(self, client):
        self.id, self.secret, self.client = fresh("box-") + secrets.token_urlsafe(12), secrets.token_urlsafe(32), client
        CANARIES.add(self.secret)

    def form(self, **more):
        return {"grant_type": "device", "client_id": self.client, "device_id": self.id, "device_secret": self.secret, **more}

    def signed_in(self, world):
        answer = ask(world, **self.form())
        assert answer.status_code == 200, answer.text
        told = answer.json()
        person = Person(world.url, world.channel, told["access_token"], refresh_token=told["refresh_token"])
        person.id = person.get("/me").json()["user_id"]
        return person


@pytest.fixture
def box(client):
    return Box(client)


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


def refresh_of(world, box, person):
    form = {"grant_type": "refresh_token", "client_id": box.client, "refresh_token": person.refresh_token}
    return ask(world, **form).status_code == 200


def test_two_devices_are_two_users(world, client):
    one, other = Box(client), Box(client)

    assert one.signed_in(world).id != other.signed_in(world).id


def test_a_new_user_does_what_users_do(world, box):
    person = box.signed_in(world)

    assert person.post("/comments", {"context": "video", "context_id": "1", "content": "hello"}).status_code == 200
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
    inside(world, Query(update(_secrets).where(_secrets.c.device_id == box.id).values(secret_hash=old_hash_of(box.secret))))

    assert box.signed_in(world).id == person.id

    now = inside(world, Query(select(_secrets.c.secret_hash).where(_secrets.c.device_id == box.id)))
    assert not hasher.outdated(now)
    assert box.signed_in(world).id == person.id


def old_hash_of(secret):
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(secret)


def what_is_theirs(person, comment):
    """All that may not be lost."""
    roles = person.get("/me").json()["roles"]
    return (
        person.id,
        roles,
        person.get(f"/comments/{comment}").json()["content"],
        [d["id"] for d in person.get("/devices").json()["content"]],
    )


def becomes_a_player(world, admin, box):
    """A device's user with a comment, a further device and a further role."""
    person = box.signed_in(world)
    said = person.post("/comments", {"context": "video", "context_id": "1", "content": "mine"}).json()["id"]
    assert person.post("/devices", {"name": "another"}).status_code == 201
    role = fresh("ROLE_MADE_")
    assert admin.post("/auth/roles", {"role": role, "name": "made"}).status_code == 201
    assert admin.put(f"/auth/users/{person.id}/roles", ["ROLE_USER", role]).ok
    person = box.signed_in(world)
    return person, said, what_is_theirs(person, said)


def test_name_address_and_password_make_a_full_account_of_it(world, admin, box):
    person, said, theirs = becomes_a_player(world, admin, box)
    name = fresh("player")

    assert person.put("/users/me", {"username": name, "email": f"{name}@example.com"}).status_code == 204
    assert person.put("/users/me/password", NEW_PASSWORD).status_code == 200

    assert len(theirs[1]) == 2
    assert what_is_theirs(world.signed_in(name, NEW_PASSWORD, person.id), said) == theirs
    back = box.signed_in(world)
    assert what_is_theirs(back, said) == theirs
    assert back.get("/users/me").json()["username"] == name
    # The session in which it was done goes on.
    assert what_is_theirs(person, said) == theirs


def test_an_account_with_a_provider_makes_a_full_account_of_it(world, admin, box, issuer):  # noqa: F811  # The fixture.
    person, said, theirs = becomes_a_player(world, admin, box)
    subject = fresh("subject")

    assert person.post("/users/me/identities", {"provider": issuer.name, "token": issuer.token(sub=subject)}).status_code == 202

    form = {"grant_type": issuer.name, "client_id": "web", "token": issuer.token(sub=subject)}
    told = ask(world, **form).json()
    social = Person(world.url, world.channel, told["access_token"], person.id, refresh_token=told["refresh_token"])
    assert social.get("/me").json()["user_id"] == person.id
    assert what_is_theirs(social, said) == theirs
    assert what_is_theirs(box.signed_in(world), said) == theirs
    assert list(linked(person)) == [issuer.name]


def test_what_is_somebody_elses_already_is_refused_and_neither_loses_anything(world, admin, ann, box, issuer):  # noqa: F811
    person, said, theirs = becomes_a_player(world, admin, box)
    before, subject = person.get("/users/me").json(), fresh("subject")
    assert ann.post("/users/me/identities", {"provider": issuer.name, "token": issuer.token(sub=subject)}).status_code == 202
    hers = ann.get("/users/me").json()

    taken = [
        person.put("/users/me", {"username": ann.username, "email": f"{fresh('free')}@example.com"}),
        person.put("/users/me", {"username": fresh("free"), "email": f"{ann.username}@example.com"}),
        person.post("/users/me/identities", {"provider": issuer.name, "token": issuer.token(sub=subject)}),
        # Nor does the device become one of hers.
        ann.post("/devices", {"id": box.id}),
    ]

    assert [answer.status_code for answer in taken] == [400] * 4
    assert ann.put(f"/devices/{box.id}", {"owner": {"id": ann.id}}).status_code == 404
    assert person.get("/users/me").json() == before
    assert what_is_theirs(box.signed_in(world), said) == theirs
    assert ann.get("/users/me").json() == hers
    assert list(linked(ann)) == [issuer.name]
    assert linked(person) == {}
    assert box.id not in [device["id"] for device in ann.get("/devices").json()["content"]]


def test_a_device_that_somebody_added_does_not_sign_in(world, ann, box):
    assert ann.post("/devices", {"id": box.id}).status_code == 201

    refusal(ask(world, **box.form()), 400, "invalid_grant")

    assert ann.get(f"/devices/{box.id}").json()["owner"]["id"] == ann.id


def test_an_update_of_the_device_leaves_its_sign_in(world, box):
    person = box.signed_in(world)

    assert person.put(f"/devices/{box.id}", {"name": "mine", "make": "Acme", "users": [{"id": person.id}]}).status_code == 200
    assert person.delete(f"/devices/{box.id}/users").status_code == 204

    assert box.signed_in(world).id == person.id


def test_the_only_way_to_sign_in_is_not_removed_by_its_user(world, box):
    person = box.signed_in(world)

    answer = person.delete(f"/devices/{box.id}")

    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["result"]] == ["id"]
    assert box.signed_in(world).id == person.id


def test_a_removed_device_signs_in_no_more_and_its_sessions_are_over(world, box):
    name, person, thief = fresh("player"), box.signed_in(world), box.signed_in(world)
    assert person.put("/users/me", {"username": name, "email": f"{name}@example.com"}).status_code == 204
    assert person.put("/users/me/password", NEW_PASSWORD).status_code == 200
    thief = box.signed_in(world)
    owner = world.signed_in(name, NEW_PASSWORD, person.id)

    assert owner.delete(f"/devices/{box.id}").status_code == 204

    assert [each.get("/me").status_code for each in (owner, person, thief)] == [200, 401, 401]
    assert not refresh_of(world, box, thief)
    # Whoever has it now is somebody new.
    assert box.signed_in(world).id != owner.id


def test_an_administrator_may_remove_any_device(world, admin, box):
    person = box.signed_in(world)

    assert admin.delete(f"/devices/{box.id}").status_code == 204

    assert person.get("/me").status_code == 401


def test_a_device_that_changes_hands_signs_nobody_in(world, admin, ann, box):
    person = box.signed_in(world)

    assert admin.put(f"/devices/{box.id}", {"owner": {"id": ann.id}}).status_code == 200

    assert person.get("/me").status_code == 401
    refusal(ask(world, **box.form()), 400, "invalid_grant")
    assert ann.get(f"/devices/{box.id}").status_code == 200


def test_a_new_password_leaves_the_device_and_ends_its_other_sessions(world, box):
    person, other = box.signed_in(world), box.signed_in(world)

    assert person.put("/users/me/password", NEW_PASSWORD).status_code == 200

    assert [each.get("/me").status_code for each in (person, other)] == [200, 401]
    assert box.signed_in(world).id == person.id


def test_a_login_page_or_a_name_does_not_let_a_device_in(world, box):
    """It has no password, and no password is its."""
    person = box.signed_in(world)
    name = person.get("/users/me").json()["username"]

    for password in (box.secret, WRONG):
        form = {"grant_type": "password", "client_id": "web", "username": name, "password": password}
        refusal(ask(world, **form), 400, "invalid_grant")
    inside(world, let_pass)


def test_scope_is_what_was_asked_for(world, box):
    told = ask(world, **box.form(scope="read")).json()

    CANARIES.update({told["access_token"], told["refresh_token"]})
    assert told["scope"] == "read"
    person = Person(world.url, world.channel, told["access_token"])
    assert person.post("/devices", {}).status_code == 403


def test_grpc_does_the_same(world, box, refused):
    person = box.signed_in(world)
    told = world.nobody().grpc.tokens.CreateToken(CreateTokenRequest(**box.form()))

    CANARIES.update({told.access_token, told.refresh_token})
    assert me(world, told.access_token).json()["user_id"] == person.id
    with refused("INVALID_ARGUMENT"):
        world.nobody().grpc.tokens.CreateToken(CreateTokenRequest(**box.form(device_secret=WRONG)))


def test_the_config_is_one_of_the_products_own():
    assert [each.default for each in BUILT_INS if each.name == AUTO_CREATE] == ["true"]

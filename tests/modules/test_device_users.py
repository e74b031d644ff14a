"""A device's user becomes a full one and loses nothing; a device that goes, or changes hands, signs nobody in."""

import pytest
from gamehall.auth.v1.tokens_pb2 import CreateTokenRequest
from gamehall_server.servicers import BUILT_INS
from people import CANARIES, Person, fresh

from tests.modules.device_login import AUTO_CREATE, NEW_PASSWORD, WRONG, Box, client_of, refresh_of
from tests.modules.oauth import ask, me, refusal
from tests.modules.signing_in import issuer, linked, put  # noqa: F401  # A fixture.
from tests.modules.test_attempts import inside, let_pass


@pytest.fixture
def client(world):
    return client_of(world)


@pytest.fixture
def box(client):
    return Box(client)


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
    said = person.post("/comments", {"context": "level", "context_id": "1", "content": "mine"}).json()["id"]
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

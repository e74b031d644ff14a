"""Permissions and roles: what administrators do with them, and that nobody gives what he does not hold."""

import asyncio

import pytest
from people import CANARIES, PASSWORD, fresh
from worlds import World, settings_for, sqlite_url

from tests.modules.access import ADMINISTERS, MADE_UP, client_maker, made, own_token, refused, role_maker
from tests.modules.oauth import ask, me


@pytest.fixture
def role(admin):
    return role_maker(admin)


@pytest.fixture
def client(admin):
    return client_maker(admin)


@pytest.fixture
def clerk(world, admin, role):
    """Somebody who administers access and holds nothing else."""
    person = world.person("clerk")
    word = role(*ADMINISTERS)
    assert admin.put(f"/auth/users/{person.id}/roles", [word]).status_code == 200
    return person


# Roles and permissions.


def test_a_role_tells_what_it_opens_and_how_many_hold_it(admin, ann, bob, role, client):
    word = role("COMMENTS_ADMIN", "USERS_ADMIN")
    for person in (ann, bob):
        admin.put(f"/auth/users/{person.id}/roles", ["ROLE_USER", word])
    client(word)

    told = admin.get(f"/auth/roles/{word}").json()

    assert (told["user_count"], told["client_count"], told["locked"]) == (2, 1, False)
    assert [each["permission"] for each in told["role_permission"]] == ["COMMENTS_ADMIN", "USERS_ADMIN"]
    assert told in admin.get("/security/roles", params={"filter_role": word}).json()["content"]
    assert [each["role"] for each in admin.get(f"/auth/users/{ann.id}/roles").json()] == sorted([word, "ROLE_USER"])


@pytest.mark.parametrize("word", ["ROLE_USER", "ROLE_ADMIN"])
def test_the_locked_roles_stay_as_they_are(admin, word):
    before = admin.get(f"/auth/roles/{word}").json()

    refused(admin.put(f"/auth/roles/{word}", {"role": word, "name": "mine"}), "LOCKED")
    refused(admin.put(f"/auth/roles/{word}/permissions", []), "LOCKED")
    refused(admin.delete(f"/auth/roles/{word}", params={"force": "true"}), "LOCKED")

    after = admin.get(f"/auth/roles/{word}").json()
    assert {**after, "user_count": 0, "client_count": 0} == {**before, "user_count": 0, "client_count": 0}


def test_the_permissions_of_the_contract_stay_as_they_are(admin):
    body = {"permission": "COMMENTS_ADMIN", "name": "mine"}

    refused(admin.put("/auth/permissions/COMMENTS_ADMIN", body), "LOCKED")
    refused(admin.delete("/auth/permissions/COMMENTS_ADMIN", params={"force": "true"}), "LOCKED")


def test_a_role_in_use_goes_only_by_force_and_is_taken_from_everybody(world, admin, ann, role, client):
    word = role("COMMENTS_ADMIN")
    admin.put(f"/auth/users/{ann.id}/roles", [word])
    client(word)

    refused(admin.delete(f"/auth/roles/{word}"), "IN_USE", "role")
    assert admin.delete(f"/auth/roles/{word}", params={"force": "true"}).status_code == 204

    assert admin.get(f"/auth/roles/{word}").status_code == 404
    assert me(world, ann.token).json()["roles"] == []


def test_a_permission_of_ones_own_is_kept_given_and_opens_nothing(admin, ann, role):
    word = fresh("GUILDS_")
    told = made(admin, "/auth/permissions", permission=word, name="Guilds", description="d", parent="p")
    assert (told["permission"], told["locked"], told["description"], told["parent"]) == (word, False, "d", "p")

    holder = role(word)
    assert admin.put(f"/auth/users/{ann.id}/roles", [holder]).status_code == 200
    assert ann.get("/auth/permissions").status_code == 403
    renamed = admin.put(f"/auth/permissions/{word}", {"permission": word, "name": "New"}).json()
    assert (renamed["name"], "description" in renamed) == ("New", False)

    refused(admin.delete(f"/auth/permissions/{word}"), "IN_USE", "permission")
    assert admin.delete(f"/auth/permissions/{word}", params={"force": "true"}).status_code == 204
    assert admin.get(f"/auth/roles/{holder}").json()["role_permission"] == []
    assert admin.get(f"/auth/permissions/{word}").status_code == 404


@pytest.mark.parametrize(
    "path, body, field",
    [
        ("/auth/roles", {"role": "a role", "name": "x"}, "role"),
        ("/auth/roles", {"role": "ROLE_USER", "name": "x"}, "role"),
        ("/auth/permissions", {"permission": "a/b", "name": "x"}, "permission"),
        ("/auth/permissions", {"permission": "USERS_ADMIN", "name": "x"}, "permission"),
        ("/auth/clients", {"client_key": "a:b", "name": "x"}, "client_key"),
        ("/auth/clients", {"client_key": "web", "name": "x"}, "client_key"),
        ("/auth/clients", {"client_key": "grant-types", "name": "x"}, "client_key"),
        ("/auth/clients", {"client_key": "short.secret", "name": "x", "secret": "changeme"}, "secret"),
    ],
)
def test_a_wrong_or_taken_word_is_refused_by_its_field(admin, path, body, field):
    answer = admin.post(path, body)

    assert answer.status_code == 400
    assert [result["field"] for result in answer.json()["result"]] == [field]


def test_unknown_words_are_refused_by_their_place(admin, ann, role):
    word = role()

    refused(admin.put(f"/auth/roles/{word}/permissions", ["USERS_ADMIN", "NONE"]), "INVALID_VALUE", "permissions[1]")
    refused(admin.put(f"/auth/users/{ann.id}/roles", ["NONE"]), "INVALID_VALUE", "roles[0]")


# One gives only what one holds: every way around it.


def test_nobody_puts_into_a_role_what_he_does_not_hold(clerk, role):
    word = role("CLIENTS_ADMIN")

    assert clerk.put(f"/auth/roles/{word}/permissions", list(ADMINISTERS)).status_code == 200
    refused(clerk.put(f"/auth/roles/{word}/permissions", ["USERS_ADMIN"]), "NOT_HELD")
    assert len(clerk.get(f"/auth/roles/{word}").json()["role_permission"]) == 3


def test_nobody_takes_from_a_role_what_he_does_not_hold(clerk, role):
    word = role("USERS_ADMIN")

    refused(clerk.put(f"/auth/roles/{word}/permissions", []), "NOT_HELD")
    refused(clerk.put(f"/auth/roles/{word}", {"role": word, "name": "mine"}), "NOT_HELD")
    refused(clerk.delete(f"/auth/roles/{word}", params={"force": "true"}), "NOT_HELD")


@pytest.mark.parametrize("roles", [["ROLE_ADMIN"], ["ROLE_USER"]])
def test_nobody_gives_himself_or_another_a_role_that_opens_more(clerk, bob, client, roles):
    for path in (f"/auth/users/{clerk.id}/roles", f"/auth/users/{bob.id}/roles", f"/auth/clients/{client()['client_key']}/roles"):
        if (path, roles) != (f"/auth/users/{bob.id}/roles", ["ROLE_USER"]):
            refused(clerk.put(path, roles), "NOT_HELD")


def test_nobody_takes_a_role_from_those_above(clerk, admin, bob):
    refused(clerk.put(f"/auth/users/{admin.id}/roles", []), "NOT_HELD")
    refused(clerk.put(f"/auth/users/{bob.id}/roles", []), "NOT_HELD")


def test_nobody_becomes_a_client_that_may_do_more(world, clerk, client):
    above = client("ROLE_ADMIN")
    path = f"/auth/clients/{above['client_key']}"
    body = {"client_key": above["client_key"], "name": "mine"}

    refused(clerk.put(path, {**body, "secret": "a secret of the clerk's own, long enough"}), "NOT_HELD")
    refused(clerk.put(path, {**body, "is_public": True}), "NOT_HELD")
    refused(clerk.put(f"{path}/grant-types", ["client_credentials", "password"]), "NOT_HELD")
    refused(clerk.put(f"{path}/redirect-uris", ["https://clerk.example/"]), "NOT_HELD")
    refused(clerk.delete(path), "NOT_HELD")
    assert own_token(world, above).ok


def test_nobody_becomes_a_user_who_may_do_more(world, admin, ann, bob, role):
    helper, above = world.person("helper"), world.person("above")
    assert admin.put(f"/auth/users/{helper.id}/roles", [role("USERS_ADMIN")]).status_code == 200
    assert admin.put(f"/auth/users/{above.id}/roles", ["ROLE_USER", role("CONFIGS_ADMIN")]).status_code == 200
    body = {"username": above.username, "email": f"helper.{above.username}@example.com", "display_name": "Above"}
    CANARIES.add("a word of the helper's own")

    refused(helper.put(f"/users/{above.id}/password", "a word of the helper's own"), "NOT_HELD")
    refused(helper.put(f"/users/{above.id}", body), "NOT_HELD")
    assert helper.put(f"/users/{above.id}", {**body, "email": f"{above.username}@example.com"}).ok
    assert helper.put(f"/users/{bob.id}/password", "a word of the helper's own").ok
    assert world.signed_in(above.username, PASSWORD).get("/users/me").json()["display_name"] == "Above"


@pytest.mark.parametrize("dated", [False, True], ids=["hash of today", "hash of yesterday"])
def test_who_signs_in_while_the_password_is_changed_gets_nothing_and_changes_nothing(world, ann, monkeypatch, dated):
    """The old password was proved before the change, and the session would begin after it."""
    hasher, new = world.server.product.hasher, fresh("another long word of hers ")
    CANARIES.add(new)
    verify, changed = hasher.verify, []

    async def slow(hashed, password):
        right = await verify(hashed, password)
        if right and not changed:
            changed.append(new)
            answer = await asyncio.to_thread(ann.put, f"/users/{ann.id}/password", new)
            assert answer.ok, answer.text
        return right

    monkeypatch.setattr(hasher, "verify", slow)
    if dated:
        monkeypatch.setattr(hasher, "outdated", lambda hashed: True)
    form = {"grant_type": "password", "client_id": "web", "username": ann.username}

    assert ask(world, **form, password=PASSWORD).status_code == 400

    assert ask(world, **form, password=PASSWORD).status_code == 400
    assert ask(world, **form, password=new).status_code == 200


def test_a_client_gives_no_more_than_it_holds_either(world, admin, role, client):
    token = own_token(world, client(role(*ADMINISTERS))).json()["access_token"]
    word = role()
    headers = {"Authorization": f"Bearer {token}"}

    refused(world.nobody().put(f"/auth/roles/{word}/permissions", ["USERS_ADMIN"], headers=headers), "NOT_HELD")


def test_what_anybody_sends_of_locks_counts_and_permissions_is_not_taken(admin):
    word = fresh("ROLE_")
    body = {"role": word, "name": "x", "locked": True, "user_count": 7, "role_permission": [{"permission": "USERS_ADMIN", "name": "x"}]}

    told = made(admin, "/auth/roles", **body)

    assert (told["locked"], told["user_count"], told["role_permission"]) == (False, 0, [])


def test_a_word_that_a_later_version_comes_to_mean_something_by_is_taken_from_everybody(tmp_path):
    """Whoever could make up and hold COMMENTS_ADMIN before there were comments must not rule them now."""
    settings = settings_for(sqlite_url(tmp_path), "native")
    world = World(settings)
    admin = world.admin()
    made(admin, "/auth/roles", role="ROLE_X", name="x")
    assert admin.put("/auth/roles/ROLE_X/permissions", ["COMMENTS_ADMIN", "USERS_ADMIN"]).status_code == 200

    async def before_there_were_comments():
        async def work(db):
            await db.run(MADE_UP)

        await world.server.product.database.write(work)

    world.inside(before_there_were_comments)
    world.close()

    later = World(settings)
    try:
        told = later.admin().get("/auth/roles/ROLE_X").json()
        assert [each["permission"] for each in told["role_permission"]] == ["USERS_ADMIN"]
        assert later.admin().get("/auth/permissions/COMMENTS_ADMIN").json()["locked"] is True
        assert "COMMENTS_ADMIN" in [each["permission"] for each in later.admin().get("/auth/roles/ROLE_ADMIN").json()["role_permission"]]
    finally:
        later.close()

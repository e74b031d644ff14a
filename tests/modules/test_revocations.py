"""What is revoked is refused: at once by the node that revoked, within a second by another. Two nodes on one PostgreSQL; one on SQLite."""

import time

import pytest
import requests
from gamehall_server.modules.access import end_sessions_of_user
from people import CANARIES, PASSWORD, fresh
from worlds import World, settings_for, sqlite_url

from tests.contract.callers import session_of
from tests.databases import shared_postgres
from tests.modules.oauth import ask, made_older, me

MANY = 1000
LATEST = 1.0


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def nodes(request, tmp_path_factory):
    """A deployment of two nodes, where there can be two."""
    if request.param == "sqlite":
        worlds = [World(settings_for(sqlite_url(tmp_path_factory.mktemp("node")), "native"))]
    else:
        url = shared_postgres().fresh()
        worlds = [World(settings_for(url, "native")) for _ in range(2)]
    yield worlds
    for world in worlds:
        world.close()


class Case:
    """Somebody with a good token, and what shall make it good for nothing. `allowed` asks with it."""

    def __init__(self, here, token, revoke, path="/me"):
        self.here, self.token, self.revoke, self.path = here, token, revoke, path
        CANARIES.add(token)

    def status_at(self, world, session=requests):
        return session.get(world.url + self.path, headers={"Authorization": f"Bearer {self.token}"}).status_code


def with_role(here, admin, *permissions):
    word = fresh("ROLE_")
    assert admin.post("/auth/roles", {"role": word, "name": word}).status_code == 201
    assert admin.put(f"/auth/roles/{word}/permissions", list(permissions)).status_code == 200
    return word


def with_client(here, admin, *roles, grants=("client_credentials",)):
    key = fresh("server.")
    told = admin.post("/auth/clients", {"client_key": key, "name": key}).json()
    CANARIES.add(told["secret"])
    assert admin.put(f"/auth/clients/{key}/grant-types", list(grants)).status_code == 204
    assert admin.put(f"/auth/clients/{key}/roles", list(roles)).status_code == 200
    answer = ask(here, grant_type="client_credentials", client_id=key, client_secret=told["secret"])
    return key, answer.json()["access_token"]


def ended_by_an_administrator(here, admin):
    person = here.person()
    return Case(here, person.token, lambda: admin.delete("/auth/tokens", params={"username": person.username}))


def a_refresh_token_used_twice(here, admin):
    person = here.person()
    assert ask(here, grant_type="refresh_token", client_id="web", refresh_token=person.refresh_token).ok
    made_older(here, person.refresh_token, used=60_000_000)

    def reuse():
        answer = ask(here, grant_type="refresh_token", client_id="web", refresh_token=person.refresh_token)
        assert answer.status_code == 400
        answer.status_code = 200
        return answer

    return Case(here, person.token, reuse)


def sessions_of_a_user_ended(here, admin):
    """As a changed password does it."""
    person = here.person()

    def end():
        async def write():
            async def work(db):
                end_sessions_of_user(db, person.id, here.server.app.clock.now())

            await here.server.product.database.write(work)

        here.inside(write)

    return Case(here, person.token, end)


def a_role_taken_from_a_user(here, admin):
    person, word = here.person(), with_role(here, admin, "CONFIGS_ADMIN", "ROLES_ADMIN")
    assert admin.put(f"/auth/users/{person.id}/roles", [word]).ok
    return Case(here, person.token, lambda: admin.put(f"/auth/users/{person.id}/roles", []), "/auth/roles")


def a_permission_taken_from_a_role(here, admin):
    person, word = here.person(), with_role(here, admin, "CONFIGS_ADMIN", "ROLES_ADMIN")
    assert admin.put(f"/auth/users/{person.id}/roles", [word]).ok
    return Case(here, person.token, lambda: admin.put(f"/auth/roles/{word}/permissions", ["CONFIGS_ADMIN"]), "/auth/roles")


def a_role_removed(here, admin):
    person, word = here.person(), with_role(here, admin, "ROLES_ADMIN")
    assert admin.put(f"/auth/users/{person.id}/roles", [word]).ok
    return Case(here, person.token, lambda: admin.delete(f"/auth/roles/{word}", params={"force": "true"}), "/auth/roles")


def a_role_taken_from_a_client(here, admin):
    key, token = with_client(here, admin, with_role(here, admin, "ROLES_ADMIN"))
    return Case(here, token, lambda: admin.put(f"/auth/clients/{key}/roles", []), "/auth/roles")


def a_permission_taken_from_the_role_of_a_client(here, admin):
    word = with_role(here, admin, "ROLES_ADMIN")
    _, token = with_client(here, admin, word)
    return Case(here, token, lambda: admin.put(f"/auth/roles/{word}/permissions", []), "/auth/roles")


def a_client_removed(here, admin):
    key, token = with_client(here, admin)
    return Case(here, token, lambda: admin.delete(f"/auth/clients/{key}"))


def a_grant_type_taken_from_a_client(here, admin):
    key, token = with_client(here, admin)
    return Case(here, token, lambda: admin.put(f"/auth/clients/{key}/grant-types", []))


def sessions_of_a_client_ended(here, admin):
    key, token = with_client(here, admin)
    return Case(here, token, lambda: admin.delete("/auth/tokens", params={"client_id": key}))


CAUSES = [
    ended_by_an_administrator,
    a_refresh_token_used_twice,
    sessions_of_a_user_ended,
    a_role_taken_from_a_user,
    a_permission_taken_from_a_role,
    a_role_removed,
    a_role_taken_from_a_client,
    a_permission_taken_from_the_role_of_a_client,
    a_client_removed,
    a_grant_type_taken_from_a_client,
    sessions_of_a_client_ended,
]


@pytest.mark.parametrize("cause", CAUSES)
def test_nobody_is_let_in_afterwards(nodes, cause):
    here, there = nodes[0], nodes[-1]
    case = cause(here, here.admin())
    with requests.Session() as near, requests.Session() as far:
        # Both know the token; a change of roles just made may take its second to get there.
        until = time.monotonic() + LATEST
        while case.status_at(there, far) != 200:
            assert time.monotonic() < until
        assert [case.status_at(node, session) for node, session in ((here, near), (there, far))] == [200, 200]

        answer = case.revoke()

        revoked = time.monotonic()
        assert answer is None or answer.status_code in (200, 204), answer.text
        assert case.status_at(here, near) in (401, 403)
        while case.status_at(there, far) == 200:
            asked = time.monotonic()
            assert asked - revoked < LATEST
        assert {case.status_at(there, far) for _ in range(20)} <= {401, 403}


def test_a_thousand_requests_after_a_thousand_revocations_are_all_refused(nodes):
    """On the node that revokes, while the connection is warm and the token known."""
    here = nodes[0]
    admin, person = here.admin(), here.person()
    word = with_role(here, admin, "ROLES_ADMIN")
    path = f"/auth/users/{person.id}/roles"
    seen = set()
    for number in range(MANY):
        seen.add((number % 2, person.get("/auth/roles", params={"size": 1}).status_code))
        assert admin.put(path, [word] if number % 2 == 0 else []).status_code == 200

    assert seen == {(0, 403), (1, 200)}


def test_a_node_that_cannot_hear_trusts_nothing_that_it_remembers(nodes):
    here = nodes[0]
    person = here.person()
    assert me(here, person.token).ok
    verifier = here.server.product.verifier

    async def known():
        before, verifier.trusted_until = verifier.trusted_until, 0.0
        try:
            return verifier.known(person.token)
        finally:
            verifier.trusted_until = before

    assert here.inside(known) is None
    assert me(here, person.token).ok


def test_other_sessions_go_on_when_those_of_a_user_end(nodes):
    here = nodes[0]
    ann, bob = here.person("ann"), here.person("bob")
    stays = here.signed_in(ann.username, PASSWORD)
    session = session_of(stays)

    async def write():
        async def work(db):
            end_sessions_of_user(db, ann.id, here.server.app.clock.now(), but=session)

        await here.server.product.database.write(work)

    here.inside(write)

    assert [me(here, person.token).status_code for person in (ann, stays, bob)] == [401, 200, 200]

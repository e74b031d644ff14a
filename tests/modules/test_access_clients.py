"""Clients and tokens as administrators see them: secrets are shown once, ends are ends."""

import pytest
from people import CANARIES, fresh

from tests.modules.access import client_maker, made, own_token, refused, role_maker
from tests.modules.oauth import ask, me


@pytest.fixture
def role(admin):
    return role_maker(admin)


@pytest.fixture
def client(admin):
    return client_maker(admin)


# Clients.


def test_a_secret_is_shown_once_and_kept_by_nobody(world, admin):
    key = fresh("server.")
    told = made(admin, "/auth/clients", client_key=key, name="Server")
    CANARIES.add(told["secret"])
    assert len(told["secret"]) >= 43
    assert (told["grant_types"], told["redirect_uris"], told["locked"]) == ([], [], False)

    assert admin.get(f"/auth/clients/{key}").json() == {**told, "secret": "********"}
    assert admin.get("/auth/clients", params={"filter_client_key": key}).json()["content"] == [{**told, "secret": "********"}]


def test_a_new_secret_lets_the_former_one_live_and_a_second_change_ends_it(world, admin, client):
    first = client()
    path, body = f"/auth/clients/{first['client_key']}", {"client_key": first["client_key"], "name": "Server"}
    second, third = (fresh("a secret that somebody chose, number ").replace(" ", "-") for _ in range(2))
    CANARIES.update((second, third))

    assert admin.put(path, {**body, "secret": "********"}).json()["secret"] == "********"
    assert own_token(world, first).ok
    assert admin.put(path, {**body, "secret": second}).json()["secret"] == second
    assert [own_token(world, first, secret).status_code for secret in (None, second)] == [200, 200]
    assert admin.put(path, {**body, "secret": third}).status_code == 200
    assert [own_token(world, first, secret).status_code for secret in (None, second, third)] == [401, 200, 200]


def test_a_public_client_has_no_secret_and_no_token_of_its_own(world, admin, client):
    told = client(grants=("password", "refresh_token"), is_public=True)
    path = f"/auth/clients/{told['client_key']}"

    assert "secret" not in told
    refused(admin.put(f"{path}/grant-types", ["client_credentials"]), "INVALID_VALUE", "grant_types")
    private = client()
    body = {"client_key": private["client_key"], "name": "x", "is_public": True}
    refused(admin.put(f"/auth/clients/{private['client_key']}", body), "INVALID_VALUE", "is_public")


def test_the_built_in_clients_stay_as_they_are(admin):
    for answer in (
        admin.put("/auth/clients/web", {"client_key": "web", "name": "mine"}),
        admin.put("/auth/clients/web/grant-types", []),
        admin.put("/auth/clients/web/redirect-uris", []),
        admin.put("/auth/clients/web/roles", []),
        admin.delete("/auth/clients/web"),
    ):
        refused(answer, "LOCKED")


@pytest.mark.parametrize(
    "uri",
    ["https://game.example/back", "http://127.0.0.1:8080/", "http://[::1]/back?x=1", "http://localhost/", "com.example.app:/back"],
)
def test_a_redirect_uri_may_be(admin, client, uri):
    path = f"/auth/clients/{client()['client_key']}"

    assert admin.put(f"{path}/redirect-uris", [uri]).status_code == 204
    assert admin.get(path).json()["redirect_uris"] == [uri]


@pytest.mark.parametrize(
    "uri",
    [
        *("/back", "https://", "https://a.example/#x", "https://a.example/#", "http://game.example/", "http://127.0.0.1.evil.example/"),
        *("myapp:/x", "javascript:alert(1)", "data:text/html,x", "https://user:word@a.example/", "https://a.example/ x", "com.app:", ""),
        *("https://a.example\\@b/", "https://[", "https://a.example:99999/", "ftp://a.example/", "https://ä.example/"),
    ],
)
def test_a_redirect_uri_may_not_be(admin, client, uri):
    path = f"/auth/clients/{client()['client_key']}"

    refused(admin.put(f"{path}/redirect-uris", ["https://good.example/", uri]), "INVALID_VALUE", "redirect_uris[1]")
    assert admin.get(path).json()["redirect_uris"] == []


def test_a_deleted_client_is_gone_with_its_sessions_and_those_of_its_users(world, admin, ann, client):
    told = client("ROLE_USER", grants=("client_credentials", "password", "refresh_token"))
    own = own_token(world, told).json()["access_token"]
    form = {"client_id": told["client_key"], "client_secret": told["secret"], "username": ann.username}
    users = ask(world, grant_type="password", password="correct horse battery", **form).json()
    CANARIES.update((own, users["access_token"], users["refresh_token"]))
    assert [me(world, token).status_code for token in (own, users["access_token"])] == [200, 200]

    assert admin.delete(f"/auth/clients/{told['client_key']}").status_code == 204

    assert [me(world, token).status_code for token in (own, users["access_token"], ann.token)] == [401, 401, 200]
    assert own_token(world, told).status_code == 401
    assert admin.get(f"/auth/clients/{told['client_key']}").status_code == 404


# Tokens, and where they were asked for.


def test_good_tokens_are_listed_and_told_and_never_shown(world, admin, ann):
    told = admin.get("/auth/tokens", params={"filter_username": ann.username.upper()}).json()
    assert told["content"] == [{"username": ann.username, "client_id": "web"}]
    one = admin.get(f"/auth/tokens/{ann.username}/web")
    assert one.json() == {"username": ann.username, "client_id": "web", "token": "********"}
    assert admin.get(f"/auth/tokens/{ann.username}/knetik").status_code == 404


def test_ended_tokens_are_good_for_nothing(world, admin, ann, bob):
    other = world.signed_in(ann.username, "correct horse battery", client="knetik")

    assert admin.delete("/auth/tokens", params={"username": ann.username, "client_id": "knetik"}).status_code == 204
    assert [me(world, person.token).status_code for person in (ann, other, bob)] == [200, 401, 200]
    assert admin.delete("/auth/tokens", params={"username": ann.username}).status_code == 204
    assert [me(world, person.token).status_code for person in (ann, other, bob)] == [401, 401, 200]
    assert ask(world, grant_type="refresh_token", client_id="web", refresh_token=ann.refresh_token).status_code == 400
    assert admin.get("/auth/tokens", params={"filter_username": ann.username}).json()["content"] == []
    refused(admin.delete("/auth/tokens"), "REQUIRED", "username")
    refused(admin.delete("/auth/tokens", params={"username": fresh("nobody")}), "NOT_FOUND", "username")


def test_every_token_of_a_user_is_in_the_log_with_its_place(world, admin, ann):
    headers = {"X-Forwarded-For": "81.2.69.142"}
    ask(world, grant_type="refresh_token", client_id="web", refresh_token=ann.refresh_token)

    told = admin.get("/security/country-log", params={"user_id": ann.id}, headers=headers).json()

    assert [entry["ip"] for entry in told["content"]] == ["127.0.0.1"] * 2
    assert all(entry["time"] > 1_700_000_000 for entry in told["content"])

"""Users: who may register, and who sees what of whom. Through both doors."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import requests
from gamehall.users.v1.users_pb2 import CreateUserRequest, GetUserRequest, User
from gamehall_server.kit.audit import audit
from gamehall_server.kit.idempotency import idempotency
from gamehall_server.kit.outbox import outbox
from gamehall_server.kit.storage import Query
from gamehall_server.kit.validation import rules_of
from gamehall_server.modules.users.tables import users
from people import PASSWORD, fresh
from sqlalchemy import func, select

PRIVATE = {
    "email": None,
    "first_name": "Ann",
    "last_name": "Smith",
    "fullname": "Ann Smith",
    "description": "Plays at night.",
    "gender": "female",
    "date_of_birth": 631152000,
    "mobile_number": "+33 1 23 45 67 89",
    "address": "1, rue de la Paix",
    "address2": "second floor",
    "city": "Paris",
    "state": "IDF",
    "postal_code": "75002",
    "country_code": "FRA",
    "language_code": "fr",
    "currency_code": "EUR",
    "timezone_code": "Europe/Paris",
}
KEPT = Query(select(func.count()).select_from(users.table))
AUDITED = Query(select(audit.table).order_by(audit.table.c.id))
ANNOUNCED = Query(select(outbox.table.c.type, outbox.table.c.key, outbox.table.c.at).order_by(outbox.table.c.id))
ANSWERED = Query(select(func.count()).select_from(idempotency.table))


def anybody(**more):
    """What somebody new tells."""
    username = fresh("new")
    return {"username": username, "email": f"{username}@example.com", "password": PASSWORD, **more}


def register(world, body, **headers):
    return requests.post(world.url + "/users", json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def results(answer):
    """Field -> message of a refusal."""
    assert answer.status_code == 400, answer.text
    return {result["field"]: result["message"] for result in answer.json()["result"]}


def rows(world, query):
    async def read():
        return await world.server.product.database.reader().all(query)

    return world.inside(read)


def traces(world):
    """How many users, audit rows, events and kept answers there are."""
    return [len(rows(world, AUDITED)), len(rows(world, ANNOUNCED)), *(rows(world, query)[0][0] for query in (KEPT, ANSWERED))]


def test_anyone_registers_and_is_answered_as_published(world):
    told = anybody()

    answer = register(world, told)

    user = answer.json()
    assert answer.status_code == 200
    assert (user["username"], user["email"], user["display_name"]) == (told["username"], told["email"], told["username"])
    assert isinstance(user["id"], int)
    assert user["member_since"] == user["last_updated"]
    assert "password" not in user
    assert PASSWORD not in answer.text


def test_what_a_user_tells_is_kept(world):
    told = {**PRIVATE, **anybody(), "display_name": "Ann of Paris", "avatar_url": "https://example.com/ann.png"}
    id = register(world, told).json()["id"]

    shown = world.signed_in(told["username"], PASSWORD, id).get("/users/me").json()

    assert {name: shown.get(name) for name in told if name != "password"} == {
        name: value for name, value in told.items() if name != "password"
    }


def test_a_new_user_holds_the_role_of_users(ann):
    assert ann.get("/me").json()["roles"] == ["ROLE_USER"]


def test_ids_rise(world):
    first, second = (register(world, anybody()).json()["id"] for _ in range(2))

    assert second > first


def test_a_name_is_taken_whatever_its_letters_look_like(world):
    told = anybody()
    register(world, told)

    for name in (told["username"], told["username"].upper(), "\uff4e" + told["username"][1:]):
        answer = register(world, anybody(username=name))
        assert results(answer) == {"username": "already taken"}
        assert answer.json()["code"] == 13


def test_an_address_is_taken_whatever_its_letters_look_like(world):
    told = anybody()
    register(world, told)

    for address in (told["email"], told["email"].upper()):
        assert results(register(world, anybody(email=address))) == {"email": "already taken"}


def test_of_many_at_once_one_gets_the_name(world):
    name, barrier = fresh("wanted"), Barrier(8)

    def claim(_):
        barrier.wait()
        return register(world, anybody(username=name)).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(claim, range(8)))

    assert codes == [200] + [400] * 7


@pytest.mark.parametrize(
    "address", ["nobody", "@example.com", "a@", "a@b@example.com", "a b@example.com", "a@exa mple.com", "a@-example.com", "a@example..com"]
)
def test_an_address_must_be_one(world, address):
    assert set(results(register(world, anybody(email=address)))) == {"email"}


@pytest.mark.parametrize("name", [" ann", "ann ", "an\tn", "an\nn", "an\u200bn", "an\u202en", "an\u2028n", "\u00a0ann"])
def test_a_name_has_no_hidden_characters(world, name):
    assert set(results(register(world, anybody(username=name)))) == {"username"}


@pytest.mark.parametrize("name", ["Anne Marie", "Łukasz", "名前", "O'Neill", "a.b-c_d"])
def test_a_name_may_be_anybodys(world, name):
    name = f"{name} {fresh('x')}"
    told = anybody(username=name)

    assert register(world, told).json()["username"] == name
    assert world.signed_in(name, PASSWORD)


def test_every_missing_fact_is_named(world):
    answer = register(world, {"display_name": "nobody"})

    assert results(answer) == {"username": "required", "email": "required", "password": "required"}
    assert answer.json()["code"] == 12


@pytest.mark.parametrize("password", ["short", "1234567", "x" * 129])
def test_a_password_has_its_limits(world, password):
    assert set(results(register(world, anybody(password=password)))) == {"password"}


@pytest.mark.parametrize("password", ["x" * 8, "y" * 128, "pass phrase of words", "密码密码密码密码"])
def test_a_password_may_be_anything_within_them(world, password):
    told = anybody(password=password)
    register(world, told)

    assert world.signed_in(told["username"], password)


def test_a_password_is_neither_the_name_nor_the_address(world):
    told = anybody()

    for same in (told["username"], told["username"].upper(), told["email"]):
        assert set(results(register(world, {**told, "password": same}))) == {"password"}


def test_what_only_the_server_writes_is_ignored(world):
    forged = {
        "id": 1,
        "member_since": 1,
        "last_updated": 1,
        "last_activity": 1,
        "parents": [{"id": 1}],
        "roles": ["ROLE_ADMIN"],
    }
    told = anybody(**forged)

    user = register(world, told).json()

    assert user["id"] != 1
    assert user["member_since"] > 1
    assert "last_activity" not in user
    assert not user.get("tags")
    assert not user.get("parents")
    assert world.signed_in(told["username"], PASSWORD).get("/me").json()["roles"] == ["ROLE_USER"]


def test_grpc_ignores_it_as_well(nobody):
    told = User(**anybody(), id=1, member_since=1, last_activity=1)

    user = nobody.grpc.users.CreateUser(CreateUserRequest(user=told)).user

    assert user.id != 1
    assert user.member_since > 1
    assert not user.HasField("last_activity")
    assert not user.tags
    assert not user.HasField("password")


# Who sees what.


def test_private_is_what_the_contract_calls_so():
    declared = {field.name for field in User.DESCRIPTOR.fields if rules_of(field).private}

    assert declared == {*PRIVATE, "username", "last_activity", "tags", "additional_properties", "template"}


@pytest.fixture
def told_all(world):
    """A user who told everything, signed in."""
    told = {**PRIVATE, **anybody()}
    id = register(world, told).json()["id"]
    return world.signed_in(told["username"], PASSWORD, id)


def test_a_user_sees_all_of_themself(told_all):
    for id in ("me", told_all.id):
        assert PRIVATE.keys() | {"username", "last_activity"} <= told_all.get(f"/users/{id}").json().keys()
    assert told_all.grpc.users.GetUser(GetUserRequest(id="me")).user.mobile_number == PRIVATE["mobile_number"]


def test_an_administrator_sees_all_of_anybody(told_all, admin):
    assert PRIVATE.keys() | {"username", "last_activity"} <= admin.get(f"/users/{told_all.id}").json().keys()
    assert admin.grpc.users.GetUser(GetUserRequest(id=str(told_all.id))).user.mobile_number == PRIVATE["mobile_number"]


def test_others_see_nothing_private(world, told_all, bob):
    for other in (bob, world.client("ROLE_USER")):
        shown = other.get(f"/users/{told_all.id}").json()
        assert {name for name, value in shown.items() if value not in ([], {})} == {"id", "display_name", "member_since", "last_updated"}
        user = other.grpc.users.GetUser(GetUserRequest(id=str(told_all.id))).user
        assert [field.name for field, _ in user.ListFields() if rules_of(field).private] == []


def test_me_is_the_caller(ann, bob):
    assert ann.get("/users/me").json()["id"] == ann.id
    assert bob.grpc.users.GetUser(GetUserRequest(id="me")).user.id == bob.id


def test_a_client_is_not_a_user(world, refused):
    server = world.client("ROLE_ADMIN")

    assert set(results(server.get("/users/me"))) == {"id"}
    with refused("INVALID_ARGUMENT"):
        server.grpc.users.GetUser(GetUserRequest(id="me"))


@pytest.mark.parametrize("id", ["0", "999999999", "2147483648", "9" * 18])
def test_a_number_that_nobody_has_is_not_there(ann, id):
    assert ann.get(f"/users/{id}").status_code == 404


@pytest.mark.parametrize("id", ["ME", "nobody", "-1", "1.0", "1e3", "9" * 19, "٣", "1;", "%00"])
def test_what_is_no_number_is_refused(ann, id):
    assert set(results(ann.get(f"/users/{id}"))) == {"id"}


# What a registration leaves behind.


def test_a_registration_leaves_one_audit_row_and_one_event(world):
    audits, events = rows(world, AUDITED), rows(world, ANNOUNCED)

    answer = register(world, anybody())

    id = answer.json()["id"]
    noted, told = rows(world, AUDITED)[len(audits) :], rows(world, ANNOUNCED)[len(events) :]
    assert [row[2:5] for row in noted] == [("/gamehall.users.v1.UserService/CreateUser", "anonymous", answer.headers["x-request-id"])]
    assert noted[0][5] == "127.0.0.1"
    assert [row[:2] for row in told] == [("user_registered", f"user:{id}")]
    # One transaction has one moment.
    assert noted[0][1] == told[0][2]


def test_a_refused_registration_leaves_nothing(world):
    told = anybody()
    register(world, told)
    before = traces(world)

    for body in (anybody(username=told["username"]), anybody(email=told["email"]), anybody(email="nobody"), {}, anybody(template="x")):
        assert register(world, body, Idempotency_Key=fresh("k")).status_code == 400

    assert traces(world) == before


def test_a_repeated_key_registers_once(world):
    told, key = anybody(), fresh("key")
    before = traces(world)

    first, again = (register(world, told, Idempotency_Key=key) for _ in range(2))

    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert [now - then for now, then in zip(traces(world), before, strict=True)] == [1, 1, 1, 1]


def test_a_key_of_another_registration_is_refused(world):
    key = fresh("key")
    register(world, anybody(), Idempotency_Key=key)

    answer = register(world, anybody(), Idempotency_Key=key)

    assert (answer.status_code, answer.json()["code"]) == (422, 31)


def test_a_refused_key_may_be_used_again(world):
    key = fresh("key")

    assert register(world, anybody(email="nobody"), Idempotency_Key=key).status_code == 400
    assert register(world, anybody(), Idempotency_Key=key).status_code == 200

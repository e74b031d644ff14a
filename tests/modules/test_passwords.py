"""Passwords: who may change one, what ends with the old one, and how somebody who forgot it gets back in."""

import asyncio
import subprocess
import sys
from mailbox import code_in, letter_to

import pytest
import requests
from gamehall.users.v1.passwords_pb2 import FinishPasswordResetRequest, NewPassword, SetPasswordRequest, StartPasswordResetRequest
from gamehall_server.kit.storage import Query
from gamehall_server.modules.users.tables import PasswordResetRow, users
from people import CANARIES, PASSWORD, fresh
from processes import ENVIRONMENT
from sqlalchemy import bindparam, select, update
from sqlmodel import SQLModel

from tests.contract.doors import reason_of
from tests.databases import seen_from_outside

OTHER = "staple battery horse"
CANARIES.add(OTHER)
RESETS = SQLModel.metadata.tables[PasswordResetRow.__tablename__]
of_user = Query(select(RESETS.c.hash).where(RESETS.c.user_id == bindparam("user")))
let_expire = Query(update(RESETS).values(expires_at=1))
rename = Query(update(users.table).where(users.table.c.id == bindparam("this")).values(email=bindparam("address")))


def sign_in(world, person, password):
    form = {"grant_type": "password", "client_id": "web", "username": person.username, "password": password}
    return requests.post(world.url + "/oauth/token", data=form)


def asked(world, person, number=1):
    """The code that a person gets who asks for one."""
    assert requests.post(world.url + f"/users/{person.id}/password-reset").status_code == 204
    return code_in(letter_to(world, f"{person.username}@example.com", number))


def finish(world, person, code, password=OTHER):
    return requests.put(world.url + f"/users/{person.id}/password-reset", json={"password": password, "secret": code})


def inside(world, query, **parameters):
    async def write():
        async def work(db):
            return await (db.run if query.sqlite.writes else db.all)(query, **parameters)

        return await world.server.product.database.write(work)

    return world.inside(write)


@pytest.mark.parametrize("body", ['{"value": "%s"}', '"%s"', "%s"], ids=["wrapped", "quoted", "bare"])
def test_a_user_sets_a_password_in_every_published_form(world, ann, body):
    answer = ann.session.put(world.url + "/users/me/password", data=body % OTHER, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.text) == (200, "")
    assert sign_in(world, ann, OTHER).status_code == 200
    assert sign_in(world, ann, PASSWORD).status_code == 400


def test_the_other_sessions_end_with_the_old_password(world, ann):
    elsewhere = world.signed_in(ann.username, PASSWORD)
    assert elsewhere.get("/me").status_code == 200

    ann.put("/users/me/password", {"value": OTHER})

    assert elsewhere.get("/me").status_code == 401
    form = {"grant_type": "refresh_token", "client_id": "web", "refresh_token": elsewhere.refresh_token}
    assert requests.post(world.url + "/oauth/token", data=form).status_code == 400
    assert ann.get("/me").status_code == 200


def test_an_administrator_sets_anybodys_and_ends_all_sessions(world, ann, admin):
    assert admin.put(f"/users/{ann.id}/password", {"value": OTHER}).status_code == 200

    assert ann.get("/me").status_code == 401
    assert sign_in(world, ann, OTHER).status_code == 200


def test_nobody_else_sets_it(world, ann, bob):
    assert bob.put(f"/users/{ann.id}/password", {"value": OTHER}).status_code == 404

    assert sign_in(world, ann, PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("short", "at least 8"),
        ("", "required"),
        ("x" * 129, "at most 128"),
        ("Trustno1", "everybody tries"),
        ("12345678", "everybody tries"),
    ],
)
def test_what_is_no_password_is_named(ann, password, told):
    answer = ann.put("/users/me/password", {"value": password})

    assert answer.status_code == 400
    assert [(result["field"], told in result["message"]) for result in answer.json()["result"]] == [("value", True)]


def test_of_the_library_of_common_passwords_nothing_but_the_list_is_kept():
    look = "common_passwords(); print([name for name in sys.modules if 'zxcvbn' in name or 'frequency' in name])"
    code = f"import sys; from gamehall_server.modules.users.policy import common_passwords; {look}"
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_a_name_of_ones_own_is_no_password(ann):
    for name in (ann.username, ann.username.upper(), f"{ann.username}@example.com"):
        assert ann.put("/users/me/password", {"value": name}).status_code == 400


def test_a_letter_brings_a_code_that_is_good_once(world, ann):
    code = asked(world, ann)
    elsewhere = world.signed_in(ann.username, PASSWORD)

    answer = finish(world, ann, code)

    assert (answer.status_code, answer.text) == (204, "")
    assert sign_in(world, ann, OTHER).status_code == 200
    assert (ann.get("/me").status_code, elsewhere.get("/me").status_code) == (401, 401)
    again = finish(world, ann, code, "another battery staple")
    assert (again.status_code, again.json()["code"], again.json()["result"][0]["field"]) == (400, 220, "secret")


@pytest.mark.parametrize("by", ["username", "email", "mobile_number"])
def test_a_code_is_asked_for_by_what_people_remember(world, ann, by):
    number = "+1" + "".join(letter for letter in fresh("") if letter.isdigit())
    email = f"{ann.username}@example.com"
    assert ann.put("/users/me", {"username": ann.username, "email": email, "mobile_number": number}).status_code == 204
    told = {"username": ann.username.upper(), "email": email.upper(), "mobile_number": number}[by]

    answer = requests.post(world.url + "/users/password-reset", json={by: told})

    assert (answer.status_code, answer.text) == (204, "")
    letter = letter_to(world, email)
    assert f"user id is {ann.id}" in letter.get_content()
    assert finish(world, ann, code_in(letter)).status_code == 204


def test_the_answer_is_the_same_for_nobody(world, ann):
    """And so is the work: both write one event, and a consumer looks later who was meant."""

    def headers(answer):
        return {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date")}

    known, unknown = (
        requests.post(world.url + "/users/password-reset", json={"username": name}) for name in (ann.username, fresh("nobody"))
    )
    by_id, by_no_id = (requests.post(world.url + f"/users/{id}/password-reset") for id in (ann.id, 2**31 - 1))

    answers = [known, unknown, by_id, by_no_id]
    assert {(each.status_code, each.text, tuple(headers(each).items())) for each in answers} == {(204, "", tuple(headers(known).items()))}
    # The wrong code of a user and any code of nobody are told alike.
    refusals = [
        requests.put(world.url + f"/users/{id}/password-reset", json={"password": OTHER, "secret": "x"}) for id in (ann.id, 2**31 - 1)
    ]
    assert {(each.status_code, each.json()["code"], each.json()["result"][0]["message"]) for each in refusals} == {
        (400, 220, "The code is wrong, used or expired.")
    }


def test_who_is_meant_must_be_told(world):
    answer = requests.post(world.url + "/users/password-reset", json={})

    assert (answer.status_code, answer.json()["result"][0]["field"]) == (400, "username")


def test_a_code_is_of_one_user_alone(world, ann, bob):
    code = asked(world, ann)

    assert finish(world, bob, code).status_code == 400
    assert finish(world, ann, code).status_code == 204


def test_a_password_that_is_none_leaves_the_code_good(world, ann):
    code = asked(world, ann)

    refused = finish(world, ann, code, "12345678")

    assert (refused.status_code, refused.json()["result"][0]["field"]) == (400, "password")
    assert finish(world, ann, code).status_code == 204


def test_a_code_expires(world, ann):
    code = asked(world, ann)
    inside(world, let_expire)

    assert finish(world, ann, code).status_code == 400
    assert sign_in(world, ann, PASSWORD).status_code == 200


def test_another_password_makes_codes_no_good(world, ann):
    code = asked(world, ann)
    ann.put("/users/me/password", {"value": OTHER})

    assert finish(world, ann, code, "another battery staple").status_code == 400


def test_who_asks_again_and_again_is_told_when_to_come_back(world, ann):
    answers = [requests.post(world.url + f"/users/{ann.id}/password-reset") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [204, 204, 204, 429, 429]
    assert answers[-1].json()["code"] == 221
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    letter_to(world, f"{ann.username}@example.com", 3)


def test_the_database_holds_no_code(world, ann):
    code = asked(world, ann)
    url = world.settings.database_url
    tables = [table.name for table in SQLModel.metadata.tables.values()]

    dump = "".join(str(asyncio.run(seen_from_outside(url, f'SELECT * FROM "{table}"'))) for table in tables)

    assert "forgot_password" in dump
    assert len(inside(world, of_user, user=ann.id)) == 1
    assert code not in dump


def test_grpc_does_the_same(world, ann, refused):
    ann.grpc.passwords.StartPasswordReset(StartPasswordResetRequest(id=str(ann.id)))
    code = code_in(letter_to(world, f"{ann.username}@example.com"))
    wrong = FinishPasswordResetRequest(id=str(ann.id), reset=NewPassword(password=OTHER, secret="wrong"))
    with refused("INVALID_ARGUMENT") as refusal:
        world.nobody().grpc.passwords.FinishPasswordReset(wrong)
    assert reason_of(refusal[0]) == "RESET_CODE"
    wrong.reset.secret = code
    world.nobody().grpc.passwords.FinishPasswordReset(wrong)
    again = world.signed_in(ann.username, OTHER, ann.id)
    again.grpc.passwords.SetPassword(SetPasswordRequest(id="me", password=PASSWORD))

    assert sign_in(world, ann, PASSWORD).status_code == 200

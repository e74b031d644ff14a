"""Bad registrations: names that are taken or that nobody sees, addresses that are none, and what is not supported."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall.users.v1.users_pb2 import CreateUserRequest, User
from people import PASSWORD, fresh

from tests.bad_input.attacks import CREATE_USER, fields_of, refused
from tests.bridge.http_wire import Answer, ask, check_refusal


def wide(name: str) -> str:
    """The same letters, as wide as Chinese ones."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in name)


@pytest.mark.parametrize("fold", [str, str.upper, str.title, wide])
def test_a_name_that_is_taken_is_refused_on_both_doors(caller, fold):
    name = fresh("taken")
    user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    assert ask(caller.world.url, "POST", "/users", body=json.dumps(user).encode()).status == 200
    before = caller.rows()

    for field, value in (("username", fold(name)), ("email", f"{name}@Example.COM")):
        other = {"username": fresh("free"), "email": f"{fresh('free')}@example.com", "password": PASSWORD, field: value}
        answer = ask(caller.world.url, "POST", "/users", body=json.dumps(other).encode())
        assert set(check_refusal(answer, 400)) == {field}
        assert answer.json()["code"] == ErrorReason.ERROR_REASON_DUPLICATE
        refusal = refused(caller, CREATE_USER, CreateUserRequest(user=User(**other)))
        assert (refusal.code().name, fields_of(refusal)) == ("ALREADY_EXISTS", {f"user.{field}"})

    assert caller.rows() == before


def test_of_many_who_want_one_name_at_once_one_gets_it(caller):
    name = fresh("race")
    before = caller.rows()["user"]

    def register(number: int) -> Answer:
        body = {"username": name, "email": f"{name}.{number}@example.com", "password": PASSWORD}
        return ask(caller.world.url, "POST", "/users", body=json.dumps(body).encode())

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(register, range(8)))

    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    assert all(set(check_refusal(answer, 400)) == {"username"} for answer in answers if answer.status != 200)
    assert caller.rows()["user"] == before + 1


EMAILS = [
    "a",
    "@",
    "a@",
    "@b.c",
    "a@b",
    "a b@c.de",
    "a@b c.de",
    "a@b..de",
    "a@-b.de",
    "a@[127.0.0.1]",
    '"a b"@c.de',
    "a@b.de\n",
    "a@b.de\0",
    "a@xn--a.com",
    "a@\u0661.com",
    "\u202ea@b.de",
    "a@b\u00ad.de",
    "a@b.de,c@d.ef",
    "<a@b.de>",
    "a@\U0001f3b2.",
]


@pytest.mark.parametrize("email", EMAILS, ids=ascii)
def test_an_address_that_is_none_is_named(caller, unchanged, email):
    body = {"username": fresh("mail"), "email": email, "password": PASSWORD}

    assert set(check_refusal(caller.ask("POST", "/users", json.dumps(body).encode()), 400)) == {"email"}


@pytest.mark.parametrize("name", [" a", "a ", "a\tb", "a\nb", "a\u200bb", "a\u202eb", "\ufeffa", "a\x7fb", "\ue000", "a\u2028b"], ids=ascii)
def test_a_name_with_what_nobody_sees_is_named(caller, unchanged, name):
    body = {"username": name, "email": f"{fresh('mail')}@example.com", "password": PASSWORD}

    assert set(check_refusal(caller.ask("POST", "/users", json.dumps(body).encode()), 400)) == {"username"}


def test_a_wrong_property_and_a_template_that_is_none_are_named(caller, unchanged):
    body = {"username": fresh("more"), "email": f"{fresh('mail')}@example.com", "password": PASSWORD}
    hidden = {"type": "map", "map": {"b": {"type": "text", "value": "\0"}}}
    wrong = [
        ("additional_properties", {"a": {"b": [1, None]}}, "additional_properties.a.type"),
        ("additional_properties", {"a": hidden}, "additional_properties.a.map.b.value"),
        ("template", "a", "template"),
        ("template", "", "template"),
    ]

    for name, value, field in wrong:
        answer = caller.ask("POST", "/users", json.dumps({**body, name: value}).encode())
        assert set(check_refusal(answer, 400)) == {field}


def test_an_answer_is_not_many_times_its_request(caller, unchanged):
    body = json.dumps({"additional_properties": {f"a\0{number}": 1 for number in range(20_000)}}).encode()

    answer = caller.ask("POST", "/users", body)

    check_refusal(answer, 400)
    assert len(answer.body) < len(body)

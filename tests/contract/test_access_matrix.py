"""Every RPC, every caller, every door: the contract's policy alone says how a call ends."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from gamehall.options.v1.options_pb2 import MethodRules
from gamehall_server.main import SERVICERS
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from people import PASSWORD, Person, fresh

from tests.contract.callers import Caller
from tests.contract.doors import DOORS, OK, Outcome, addressed, http, request_of, rules_of

METHODS = {method.full_name: method for servicer in SERVICERS for method in servicer.service.methods}
ANYONE_SIGNED_IN = "*"


def a_comment_of(owner: Person) -> dict[str, Any]:
    said = owner.post("/comments", {"context": "video", "context_id": fresh("thing"), "content": "mine"})
    assert said.status_code == 200
    return {"id": said.json()["id"]}


def a_new_user(owner: Person) -> dict[str, Any]:
    username = fresh("new")
    return {"user": {"username": username, "email": f"{username}@example.com", "password": PASSWORD}}


def a_sign_in(owner: Person) -> dict[str, Any]:
    return {"grant_type": "password", "client_id": "web", "username": owner.username, "password": PASSWORD}


class Given(NamedTuple):
    """What a method needs that its contract cannot tell: fields of the request, and where its object can be looked at."""

    fields: Callable[[Person], dict[str, Any]]
    look: str = ""


GIVEN = {
    "gamehall.auth.v1.TokenService.CreateToken": Given(a_sign_in),
    "gamehall.comments.v1.CommentService.DeleteComment": Given(a_comment_of, "/comments/{id}"),
    "gamehall.comments.v1.CommentService.GetComment": Given(a_comment_of, "/comments/{id}"),
    "gamehall.comments.v1.CommentService.UpdateComment": Given(a_comment_of, "/comments/{id}"),
    "gamehall.locations.v1.LocationService.ListStates": Given(lambda owner: {"country_code_iso3": "FRA"}),
    "gamehall.users.v1.UserService.CreateUser": Given(a_new_user),
    "gamehall.users.v1.UserService.GetUser": Given(lambda owner: {"id": str(owner.id)}, "/users/{id}"),
}
NOTHING = Given(lambda owner: {})


def expected(rules: MethodRules, caller: Caller, owner: Person) -> Outcome:
    """How the contract says that a call about something of `owner` ends."""
    if rules.oauth:
        # The Authorization header names a client there; a bearer token has no say.
        return OK
    if caller.flaw:
        return Outcome("UNAUTHENTICATED", caller.flaw)
    if rules.policy.open:
        return OK
    if caller.token is None:
        return Outcome("UNAUTHENTICATED", "TOKEN_MISSING")
    if opens(rules.policy.any, caller):
        return OK
    if opens(rules.policy.own, caller) and caller.user_id is not None:
        return OK if caller.user_id == owner.id else Outcome("NOT_FOUND", "NOT_FOUND")
    return Outcome("PERMISSION_DENIED", "FORBIDDEN")


def opens(names: Any, caller: Caller) -> bool:
    return ANYONE_SIGNED_IN in names or not caller.holds.isdisjoint(names)


def about(method: MethodDescriptor, owner: Person) -> tuple[Message, str]:
    """A request that is right in everything, about something new of `owner`; and where to look at it."""
    given = GIVEN.get(method.full_name, NOTHING)
    fields = given.fields(owner)
    return request_of(method, **fields), given.look.format(**fields)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", METHODS)
def test_the_policy_decides(world, sandbox_of, cast, name, door):
    method = METHODS[name]
    deployment = sandbox_of(world) if rules_of(method).sandbox else world
    owner, callers = cast(deployment)

    wrong = []
    for caller in callers:
        request, look = about(method, owner)
        before = owner.get(look).json() if look else None
        ended, wanted = DOORS[door](deployment, method, request, caller.token), expected(rules_of(method), caller, owner)
        if ended != wanted:
            wrong.append(f"{caller.name}: {ended}, not {wanted}")
        if ended != OK and look and owner.get(look).json() != before:
            wrong.append(f"{caller.name}: {ended}, and yet it changed {before}")

    assert wrong == []


def test_what_is_given_is_given_to_methods_that_exist():
    assert GIVEN.keys() <= METHODS.keys()


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if rules_of(method).policy.own])
def test_not_yours_and_not_there_are_the_same_answer(world, cast, name):
    method = METHODS[name]
    owner, callers = cast(world)
    other = next(caller for caller in callers if caller.name == "another user")
    theirs, look = about(method, owner)
    nobodys = request_of(method, id=2**31 - 1)

    answers = [said_over_http(world, method, request, other) for request in (theirs, nobodys)]

    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert owner.get(look).status_code == 200


def said_over_http(world, method, request, caller):
    """Status and body of a refusal, without what differs from call to call."""
    answer = http.request(**addressed(world, method, request, caller.token))
    body = answer.json()
    body.pop("request_id")
    return answer.status_code, body

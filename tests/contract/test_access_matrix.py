"""Every RPC, every caller, every door: the contract's policy alone says how a call ends."""

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from people import Person

from tests.contract.callers import Caller, Cast
from tests.contract.doors import DOORS, OK, Outcome, addressed, http, request_of, rules_of
from tests.contract.given import GIVEN, METHODS, NOTHING

ANYONE_SIGNED_IN = "*"
# Of the callers with one permission each, so many stand for those who hold none that a method asks for. All of them come where
# GAMEHALL_EVERY_CALLER is set: make prove name=policies.
OTHERS = 4
EVERY_CALLER = "GAMEHALL_EVERY_CALLER"


def about_one(method: MethodDescriptor) -> bool:
    """Whether a method is about one object that its path names; lists and new objects are everybody's own."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    return "{" in getattr(rule, rule.WhichOneof("pattern"))


def expected(method: MethodDescriptor, caller: Caller, owner: Person) -> Outcome:
    """How the contract says that a call about something of `owner` ends."""
    rules = rules_of(method)
    if rules.oauth:
        # The Authorization header names a client there; a bearer token has no say.
        return OK
    if caller.flaw:
        return Outcome("UNAUTHENTICATED", caller.flaw)
    ends = GIVEN.get(method.full_name, NOTHING).ends
    if rules.policy.open:
        return ends
    if caller.token is None:
        return Outcome("UNAUTHENTICATED", "TOKEN_MISSING")
    if opens(rules.policy.any, caller):
        return ends
    if opens(rules.policy.own, caller) and caller.user_id is not None:
        return ends if caller.user_id == owner.id or not about_one(method) else Outcome("NOT_FOUND", "NOT_FOUND")
    return Outcome("PERMISSION_DENIED", "FORBIDDEN")


def opens(names: Any, caller: Caller) -> bool:
    return ANYONE_SIGNED_IN in names or not caller.holds.isdisjoint(names)


def about(method: MethodDescriptor, cast: Cast) -> tuple[Message, str]:
    """A request that is right in everything, about something new of the owner's; and where to look at it."""
    given = GIVEN.get(method.full_name, NOTHING)
    fields = given.fields(cast)
    return request_of(method, **fields), given.look.format(**fields)


def concerned(method: MethodDescriptor, callers: list[Caller], lot: str, *more: str) -> list[Caller]:
    """Whom a method is tried with: every kind of caller, whoever holds a permission that its policy names, or one of `more`, and some
    who hold others."""
    if os.environ.get(EVERY_CALLER):
        return callers
    policy = rules_of(method).policy
    asked = {*policy.any, *policy.own, *rules_of(method).also, *more}
    others = [caller for caller in callers if len(caller.holds) == 1 and caller.holds.isdisjoint(asked)]
    left_out = set(others) - set(random.Random(lot).sample(others, OTHERS))
    return [caller for caller in callers if caller not in left_out]


def wrong_ends(method: MethodDescriptor, there: Cast, callers: list[Caller], call: Callable[[Message, Caller], Outcome]) -> list[str]:
    """Whose calls of a method end otherwise than the policy says, or change what they were refused."""
    wrong = []
    wanted = {caller: expected(method, caller, there.owner) for caller in callers}
    reached = [caller for caller in callers if wanted[caller] == GIVEN.get(method.full_name, NOTHING).ends or wanted[caller] == OK]
    # Who is refused leaves it as it was, for the next one: only who gets through needs a new one.
    for lot in ([caller for caller in callers if caller not in reached], *([caller] for caller in reached)):
        request, look = about(method, there)
        before = there.owner.get(look).json() if look else None
        ends = {caller: call(request, caller) for caller in lot}
        wrong += [f"{caller.name}: {ended}, not {wanted[caller]}" for caller, ended in ends.items() if ended != wanted[caller]]
        if look and OK not in ends.values() and there.owner.get(look).json() != before:
            wrong.append(f"{', '.join(caller.name for caller in lot)}: refused, and yet {before} was changed")
    return wrong


# Each door, each engine and each database; the four doors are one path behind them.
DEPLOYMENTS = [("postgresql-native", door) for door in ("http", "grpc", "grpc-web")] + [
    ("sqlite-grpcio", door) for door in ("grpc", "connect")
]


@pytest.mark.parametrize("world, door", DEPLOYMENTS, indirect=["world"], scope="session")
@pytest.mark.parametrize("name", METHODS)
def test_the_policy_decides(world, sandbox_of, cast, name, door, record_property):
    method = METHODS[name]
    deployment = sandbox_of(world) if rules_of(method).sandbox else world
    there = cast(deployment)
    callers = concerned(method, there.callers, f"{name} {door}")

    wrong = wrong_ends(method, there, callers, lambda request, caller: DOORS[door](deployment, method, request, caller.token))

    for what, number in (("callers", len(callers)), ("wrong", len(wrong))):
        record_property(what, number)
    assert wrong == []


def test_every_door_is_tried():
    assert {door for _, door in DEPLOYMENTS} == DOORS.keys()


ONES_OWN = [name for name, method in METHODS.items() if rules_of(method).policy.own and about_one(method)]


def test_what_is_given_is_given_to_methods_that_exist():
    assert GIVEN.keys() <= METHODS.keys()


def test_what_may_be_ones_own_is_told_here():
    assert [name for name in ONES_OWN if not GIVEN.get(name, NOTHING).look] == [], "say in GIVEN how to make one, and where to look at it"


@pytest.mark.parametrize("name", ONES_OWN)
def test_not_yours_and_not_there_are_the_same_answer(world, cast, name):
    method = METHODS[name]
    there = cast(world)
    owner = there.owner
    other = next(caller for caller in there.callers if caller.name == "another user")
    theirs, look = about(method, there)
    nobodys = type(theirs)()
    nobodys.CopyFrom(theirs)
    unname(nobodys)
    before = owner.get(look).json()

    answers = [said_over_http(world, method, request, other) for request in (theirs, nobodys)]

    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    after = owner.get(look)
    assert (after.status_code, after.json()) == (200, before)


def unname(request):
    """Makes a request about what is not there."""
    fields = request.DESCRIPTOR.fields_by_name
    if "member" in fields:
        request.member.user.id = 2**31 - 1
    elif "video_id" in fields:
        request.video_id = 2**31 - 1
    elif "unique_name" in fields and "user_id" not in fields:
        request.unique_name = "nobody"
    else:
        field = "user_id" if "user_id" in fields else "id"
        setattr(request, field, type(getattr(request, field))(2**31 - 1))


def said_over_http(world, method, request, caller):
    """Status and body of a refusal, without what differs from call to call."""
    answer = http.request(**addressed(world, method, request, caller.token))
    body = answer.json()
    body.pop("request_id")
    return answer.status_code, body

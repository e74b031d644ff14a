"""A policy's answer to a caller, for policies that no RPC has yet."""

import pytest
from gamehall.options.v1.options_pb2 import Policy
from gamehall_server.kit.access import Access
from gamehall_server.kit.call import Caller, Scope
from gamehall_server.kit.errors import Fault, Forbidden, Unauthenticated
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = ["A_ADMIN", "A_USER", "B_ADMIN", "*"]
HELD = ["A_ADMIN", "A_USER", "B_ADMIN", "C_USER"]


def caller(*permissions: str, user: int | None = 1) -> Caller:
    return Caller("web", 1, 0, (), frozenset(permissions), user)


def answer(policy: Policy, who: Caller | None) -> Scope | type[Fault]:
    try:
        return Access(policy).scope(who)
    except Fault as fault:
        return type(fault)


@pytest.mark.parametrize(
    "policy, who, wanted",
    [
        (Policy(open=True), None, Scope.ALL),
        (Policy(any=["*"]), None, Unauthenticated),
        (Policy(any=["*"]), caller(), Scope.ALL),
        (Policy(any=["*"]), caller(user=None), Scope.ALL),
        (Policy(own=["*"]), caller(), Scope.OWN),
        (Policy(own=["*"]), caller(user=None), Forbidden),
        (Policy(any=["A_ADMIN"], own=["*"]), caller("A_ADMIN"), Scope.ALL),
        (Policy(any=["A_ADMIN"], own=["*"]), caller("A_USER"), Scope.OWN),
        (Policy(any=["A_ADMIN"], own=["A_USER"]), caller("A_USER", user=None), Forbidden),
        (Policy(any=["A_ADMIN"], own=["A_USER"]), caller("A_ADMIN", user=None), Scope.ALL),
        (Policy(any=["A_ADMIN", "B_ADMIN"]), caller("B_ADMIN"), Scope.ALL),
        (Policy(), caller("A_ADMIN"), Forbidden),
        (Policy(), None, Unauthenticated),
    ],
)
def test_a_policy_answers(policy: Policy, who: Caller | None, wanted: object) -> None:
    assert answer(policy, who) is wanted


@settings(max_examples=200, deadline=None, database=None)
@given(st.lists(st.sampled_from(WORDS)), st.lists(st.sampled_from(WORDS)), st.sets(st.sampled_from(HELD)), st.booleans())
def test_more_permissions_never_open_less(any: list[str], own: list[str], held: set[str], user: bool) -> None:
    policy, number = Policy(any=any, own=own), 1 if user else None
    rank = {Unauthenticated: 0, Forbidden: 1, Scope.OWN: 2, Scope.ALL: 3}

    few, more = (rank[answer(policy, caller(*names, user=number))] for names in (held, [*held, "A_ADMIN"]))

    assert rank[answer(policy, None)] == 0
    assert few <= more
    assert user or few != rank[Scope.OWN]


def test_a_refusal_names_what_is_missing() -> None:
    with pytest.raises(Forbidden, match=r"^This call needs one of these permissions: A_USER, A_ADMIN\.$"):
        Access(Policy(any=["A_ADMIN", "A_USER"], own=["A_USER"])).scope(caller("C_USER"))


def test_a_policy_knows_its_permissions() -> None:
    assert Access(Policy(any=["A_ADMIN", "*"], own=["A_USER", "*"])).permissions == {"A_ADMIN", "A_USER"}

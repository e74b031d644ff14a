"""The proofs about tokens and sign-ins in their short form: counts and states, and nothing of how long it took."""

import random

import pytest

from prove import guessing, refresh
from prove.ground import ground
from prove.proof import Found
from tests.databases import shared_postgres


@pytest.fixture
def found():
    return Found()


@pytest.mark.parametrize("kind, nodes", refresh.GROUNDS)
def test_a_refresh_token_that_is_raced_has_one_child_and_ends_when_it_is_told(found, kind, nodes):
    with ground(kind, shared_postgres() if kind == "postgresql" else None) as on:
        refresh.raced(found, on, nodes, rounds=4, interleavings=24, seed=1)

    assert not found.wrong
    assert sorted(found.counts.values()) == [4, 24]


def test_sign_ins_that_fail_are_refused_alike(found):
    with ground("sqlite") as on:
        guessing.register(on, 12)
        with guessing.served(on) as product:
            took = guessing.guessed(found, product, 2, seed=1)

    assert not found.wrong
    assert {kind: len(seconds) for kind, seconds in took.items()} == {"known": 2, "without": 2, "unknown": 2}


def test_times_that_differ_are_told_from_those_that_do_not():
    times = random.Random(1)
    one, same, other = ([times.gauss(mean, 1) for _ in range(400)] for mean in (20, 20, 20.5))

    assert guessing.unlike(one, same) > guessing.LEAST_P
    assert guessing.unlike(one, other) < guessing.LEAST_P

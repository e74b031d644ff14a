"""The proofs about tokens in their short form: counts and states, and nothing of how long it took."""

import pytest

from prove import refresh
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

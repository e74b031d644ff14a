"""The proofs of what is posted to other servers, in their short form."""

import pytest

from prove import webhooks, zombies
from prove.ground import ground
from prove.proof import Found
from tests.databases import shared_postgres


@pytest.fixture
def found():
    return Found()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_lost_on_the_way_to_a_server_that_fails_and_dies(found, kind):
    with ground(kind, shared_postgres() if kind == "postgresql" else None) as on:
        webhooks.chaos(found, on, seed=1, number=400, kills=2)

    assert not found.wrong
    assert found.counts[f"{kind}: replayed"] >= 400


def test_what_another_process_has_taken_over_does_not_end_as_the_first_one_says(found):
    with ground("postgresql", shared_postgres()) as on:
        zombies.stopped(found, on, trials=zombies.WAVE)

    assert not found.wrong

"""The proof of rules in its short form: what they have done is looked at, and not how long it took."""

import pytest

from prove import rules, rules_rate
from prove.ground import ground
from prove.proof import Found
from tests.databases import shared_postgres

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


@pytest.fixture
def found():
    return Found()


def fresh(kind):
    return ground(kind, shared_postgres() if kind == "postgresql" else None)


def test_every_action_of_an_acknowledged_event_is_done_once_whoever_is_killed(found, kind):
    with fresh(kind) as on:
        rules.killed(found, on, seconds=0, seed=1, least=2)

    assert not found.wrong
    assert found.counts[f"{kind}: kills"] == 3
    assert found.counts[f"{kind}: acknowledged"] > 0


def test_what_is_put_off_is_done_in_its_second(found, kind):
    with fresh(kind) as on:
        rules.put_off(found, on, 1, 2)

    assert not found.wrong


def test_loops_end_and_failures_hold_nobody_up(found, kind):
    with fresh(kind) as on:
        rules.ended(found, on, 2)

    assert not found.wrong
    assert found.counts[f"{kind}: longest chain"] > 1


@pytest.mark.parametrize("matching", [False, True])
def test_a_backlog_is_judged_whole(found, kind, matching):
    with fresh(kind) as on:
        rules_rate.measured(found, on, "backlog", 0, 300, matching=matching)

    assert not found.wrong

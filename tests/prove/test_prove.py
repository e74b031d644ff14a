"""The proofs in their short form: everything they count and look at, and nothing of how long it took."""

import random
import sqlite3
from collections.abc import Callable

import pytest

from prove import backing_up, books, deaf, faults, guessing, kill, outage, refresh, refuse
from prove.ground import Ground, ground
from prove.proof import Found
from tests.databases import shared_postgres

DATABASES = ("sqlite", "postgresql")


@pytest.fixture
def found():
    return Found()


def fresh(kind):
    return ground(kind, shared_postgres() if kind == "postgresql" else None)


@pytest.mark.parametrize("kind", DATABASES)
def test_what_was_acknowledged_before_a_kill_is_there_once(found, kind):
    with fresh(kind) as on:
        kill.killed(found, on, seconds=0, seed=1, least=1)

    assert not found.wrong
    assert found.counts[f"{kind}: kills"] == 1
    assert found.counts[f"{kind}: acknowledged"] > 0


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM comment WHERE content = 'k0.1'",
        "DELETE FROM outbox WHERE type = 'comment_created'",
        "DELETE FROM idempotency",
        "DELETE FROM audit",
        "INSERT INTO comment (context, context_id, content, created_date, updated_date) VALUES ('', '', 'k0.1', 0, 0)",
    ],
)
def test_the_books_tell_what_is_lost_doubled_or_half(damage):
    with ground("sqlite") as on:
        with faults.served(on) as product:
            acks = kill.Acks(on.folder / "acks")
            writer = kill.Writer(product, acks, Found(), product.chief(), 0, 1, None)
            for turn, kind in enumerate(("user", "comment", "config")):
                writer.make(kind, f"k0.{turn}")
            writer.close()
        told = acks.all()
        before, after = Found(), Found()
        books.audit(before, on.url, told)
        with sqlite3.connect(on.file) as hand:
            hand.execute(damage)
        hand.close()
        books.audit(after, on.url, told)

    assert not before.wrong
    assert after.wrong


FAULTS: dict[str, Callable[[Found, Ground], None]] = {
    "a full disk": lambda found, on: faults.full_disk(found, on, 0),
    "a foreign lock": faults.foreign_lock,
    "a second process": faults.second_process,
    "a read-only file": faults.read_only,
    "a clock that jumps": lambda found, on: faults.clock_jump(found, on, random.Random(1)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_machine_ends_in_clear_errors_and_passes(found, name):
    with ground("sqlite") as on:
        FAULTS[name](found, on)

    assert not found.wrong


def test_nothing_but_unavailable_is_heard_of_an_outage(found):
    with ground("postgresql") as on:
        outage.outages(found, on, rounds=1, down=0, pause=0.2, seed=1, timed=False)

    assert not found.wrong
    assert found.counts["told to come back"] > 0


def test_what_loses_data_or_lets_strangers_in_is_refused_at_start(found):
    with ground("sqlite") as on:
        refuse.old_sqlite(found, on)
        refuse.default_secrets(found, on, refuse.PASSWORDS[1:2])

    assert not found.wrong
    assert found.counts["refused"] == 3


def test_a_postgresql_that_forgets_or_is_too_old_is_refused_at_start(found):
    with fresh("postgresql") as on:
        refuse.unsafe_postgresql(found, on, refuse.POSTGRESQL[3:4])
        refuse.old_postgresql(found, on)

    assert not found.wrong
    assert found.counts["refused"] == 2


@pytest.mark.parametrize("kind, engine", [("sqlite", "native"), ("postgresql", "grpcio")])
def test_who_dies_before_the_answer_is_told_the_same_on_coming_back(found, kind, engine):
    with fresh(kind) as on:
        deaf.unheard(found, on, engine, 3)

    assert not found.wrong
    assert found.counts[f"{kind} {engine}: receivers died"] == 6
    assert found.counts[f"{kind} {engine}: the server died too"] == 2


@pytest.mark.parametrize("kind", DATABASES)
def test_backups_made_while_users_write_hold_what_was_acknowledged(found, kind):
    with fresh(kind) as on:
        backing_up.backed_up(found, on, rounds=1, least=20, timed=False)

    assert not found.wrong
    assert found.counts[f"{kind}, backup: restored"] == 1
    assert found.counts[f"{kind}, backup: acknowledged"] >= 20
    # pg_dump's copy is of its beginning; the others go on until they have all.
    assert found.counts[f"{kind}, {'backup' if kind == 'sqlite' else 'pg_basebackup'}: of them while it ran"] > 0


@pytest.mark.parametrize("kind, nodes", refresh.GROUNDS)
def test_a_refresh_token_that_is_raced_has_one_child_and_ends_when_it_is_told(found, kind, nodes):
    with fresh(kind) as on:
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

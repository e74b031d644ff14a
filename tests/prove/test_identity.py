"""The proofs of who somebody is, in their short form; those that run tests are told from what the tests recorded."""

import sqlite3

import pytest

from prove import canaries, guessing, policies, revocation, suite
from prove.ground import bare, ground
from prove.proof import Found
from prove.secrets_told import Story
from tests.databases import shared_postgres


@pytest.fixture
def found():
    return Found()


@pytest.mark.parametrize("kind, nodes", [("sqlite", 1), ("postgresql", 2)])
def test_whatever_revokes_is_obeyed_by_every_node(found, kind, nodes):
    number = len(revocation.CAUSES) * revocation.WORKERS
    with ground(kind, shared_postgres() if kind == "postgresql" else None) as on:
        revocation.revoked(found, on, nodes, number, seed=1, timed=False)

    assert not found.wrong
    assert set(found.counts.values()) == {number}


@pytest.mark.parametrize("kind, log_format", canaries.KINDS)
def test_no_secret_is_left_behind_and_nothing_left_behind_is_one(found, kind, log_format):
    with bare(kind, shared_postgres() if kind == "postgresql" else None) as on:
        canaries.stolen(found, on, log_format, seed=1, most=30)

    assert not found.wrong
    assert found.counts[f"{kind}: secrets"] >= 50
    assert found.counts[f"{kind}: strings tried as each of 6 credentials"] == 30


def test_a_secret_is_found_however_it_is_written(found):
    story = Story()
    story.told("password", "päss word")

    for left in ("a päss word b", "password=p%C3%A4ss+word&", "/p%C3%A4ss%20word", r"p\u00e4ss word"):
        assert canaries.occurrences(story, left.encode()) == ["password"]
    assert canaries.occurrences(story, b"another") == []


def test_a_password_that_is_kept_as_it_is_would_be_accepted(found, tmp_path):
    """What the thief looks through has it."""
    with bare("sqlite") as on:
        with sqlite3.connect(on.file) as hand:
            hand.execute("CREATE TABLE kept (told TEXT, sealed BLOB)")
            hand.execute('INSERT INTO kept VALUES (\'{"password":"plain-as-it-is"}\', ?)', (b"in a blob",))
        hand.close()
        strings = canaries.strings_of(canaries.texts_in(on.url))

    assert {"plain-as-it-is", "in a blob"} <= set(strings)


def test_passwords_are_dear_few_are_tried_and_few_are_hashed_at_once(found):
    with ground("sqlite") as on:
        guessing.register(on, 12)
        with guessing.served(on, GAMEHALL_PASSWORD_PASSES="2") as product:
            guessing.crowded(found, product, 12)
            guessing.besieged(found, product, guesses=20, seconds=0)
        guessing.raised(found, on, 12)
        guessing.parameters(found, on)

    assert not found.wrong
    assert found.counts["of them kept with a pass more"] == 12
    assert 5 <= found.counts["guesses looked at"] <= 10


# In one process: there is little to do.
ALONE = ("-n", "0")
JUDGED = """
import pytest

@pytest.mark.parametrize("world", ["sqlite-native", "postgresql-grpcio"])
@pytest.mark.parametrize("case", ["a-b", "c"])
def test_it(world, case, record_property):
    record_property("number", 2)
    assert case != "c"

def test_that():
    pytest.skip("not here")
"""


def test_what_tests_judged_is_counted(found, tmp_path):
    (tmp_path / "test_judged.py").write_text(JUDGED)

    judged = suite.ran(found, str(tmp_path / "test_judged.py"), "--rootdir", str(tmp_path), *ALONE)

    assert sorted((each.function, each.case, each.failed) for each in judged) == [
        ("test_it", "a-b", False), ("test_it", "a-b", False), ("test_it", "c", True), ("test_it", "c", True), ("test_that", "", True),
    ]  # fmt: skip
    assert suite.cases(judged, "test_it") == 2
    assert suite.figures(judged) == {"number": 8}
    assert sum(found.wrong.values()) == 3


def test_tests_that_do_not_run_are_no_proof(found, tmp_path):
    assert suite.ran(found, str(tmp_path / "test_nothing.py"), *ALONE) == []
    assert found.wrong


def test_the_matrix_counts_what_it_judged(found):
    policies.judged(found, policies.DECIDES, "-k", "GetComment and http", *ALONE)

    assert not found.wrong
    assert (found.counts["operations"], found.counts["doors"]) == (1, 1)
    assert found.counts["calls judged"] >= found.counts["callers of each, at least"] > 20

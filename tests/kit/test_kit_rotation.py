"""Rotation of refresh tokens against a model of it: any order of uses, any time between them, several families side by side."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.storage import Database, Handle, open_database
from gamehall_server.migrate import migrate
from gamehall_server.modules.access.clients import add_client
from gamehall_server.modules.auth.sessions import (
    GRACE,
    LONGEST_SESSION,
    MOST_REPLAYS,
    Reuse,
    Rotation,
    add_refresh_token,
    live_session,
    open_session,
    rotate,
)
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlmodel import SQLModel

IDLE = 3600 * SECOND
CLIENT = "app"


class Ground(NamedTuple):
    """A database with one client, and the loop it lives in."""

    loop: asyncio.Runner
    database: Database

    def write(self, work: Any) -> Any:
        """Runs `work(db)` in one transaction."""
        return self.loop.run(self.database.write(work))


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    url = f"sqlite:///{tmp_path / 'gamehall.db'}"
    migrate(url)
    with asyncio.Runner() as loop:
        database = open_database(url, SQLModel.metadata.tables.values())
        loop.run(database.open())
        ground = Ground(loop, database)
        ground.write(lambda db: add_client(db, CLIENT, CLIENT, ("refresh_token",), public=True))
        yield ground
        loop.run(database.close())


class Token:
    """What the model knows of a refresh token."""

    def __init__(self, family: "Family", text: str, expires: int) -> None:
        self.family = family
        self.text = text
        self.expires = expires
        self.used: int | None = None
        self.replays = 0
        self.child: Token | None = None


class Family:
    """What the model knows of a session."""

    def __init__(self, number: int, ends: int) -> None:
        self.number = number
        self.ends = ends
        self.alive = True


def machine_on(ground: Ground) -> type[RuleBasedStateMachine]:
    """The machine over this database."""

    class Rotations(RuleBasedStateMachine):
        tokens = Bundle("tokens")

        @initialize()
        def start(self) -> None:
            self.now = 1_700_000_000 * SECOND
            self.families: list[Family] = []

        @precondition(lambda self: len(self.families) < 3)
        @rule(target=tokens)
        def sign_in(self) -> Token:
            async def work(db: Handle) -> tuple[int, str]:
                session = await open_session(db, CLIENT, None, self.now, LONGEST_SESSION)
                return session.id, add_refresh_token(db, session, self.now, IDLE)

            number, text = ground.write(work)
            family = Family(number, self.now + LONGEST_SESSION)
            self.families.append(family)
            return Token(family, text, self.now + IDLE)

        @rule(seconds=st.sampled_from([1, 10, GRACE // SECOND, GRACE // SECOND + 1, 1799, 3600]))
        def wait(self, seconds: int) -> None:
            self.now += seconds * SECOND

        @rule(target=tokens, token=tokens)
        def use(self, token: Token) -> Token:
            outcome = ground.write(lambda db: rotate(db, token.text, CLIENT, self.now, IDLE))
            family = token.family

            if not family.alive or self.now >= token.expires or self.now >= family.ends:
                assert outcome is None
            elif token.used is None:
                assert isinstance(outcome, Rotation)
                token.used, token.child = self.now, Token(family, outcome.refresh_token, min(self.now + IDLE, family.ends))
                return token.child
            elif self._may_be_a_retry(token):
                assert isinstance(outcome, Rotation)
                assert token.child is not None
                assert outcome.refresh_token == token.child.text
                token.replays += 1
            else:
                assert isinstance(outcome, Reuse)
                assert outcome.ended.id == family.number
                family.alive = False
            return token

        def _may_be_a_retry(self, token: Token) -> bool:
            assert token.used is not None
            assert token.child is not None
            return self.now - token.used <= GRACE and token.replays < MOST_REPLAYS and token.child.used is None

        @invariant()
        def only_what_was_reused_has_ended(self) -> None:
            reader = ground.database.reader()
            for family in getattr(self, "families", []):
                assert (ground.loop.run(live_session(reader, family.number)) is not None) is family.alive

    return Rotations


def test_rotation_is_as_its_model(ground: Ground) -> None:
    quiet = settings(max_examples=60, stateful_step_count=30, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

    run_state_machine_as_test(machine_on(ground), settings=quiet)


@pytest.mark.parametrize("later, kind", [(GRACE, Rotation), (GRACE + 1, Reuse)])
def test_the_grace_ends_to_the_moment(ground: Ground, later: int, kind: type) -> None:
    async def sign_in(db: Handle) -> str:
        return add_refresh_token(db, await open_session(db, CLIENT, None, 0, LONGEST_SESSION), 0, IDLE)

    token = ground.write(sign_in)
    ground.write(lambda db: rotate(db, token, CLIENT, 0, IDLE))

    assert isinstance(ground.write(lambda db: rotate(db, token, CLIENT, later, IDLE)), kind)


def test_a_token_is_its_clients_alone(ground: Ground) -> None:
    async def sign_in(db: Handle) -> str:
        return add_refresh_token(db, await open_session(db, CLIENT, None, 0, LONGEST_SESSION), 0, IDLE)

    token = ground.write(sign_in)

    assert ground.write(lambda db: rotate(db, token, "web", 0, IDLE)) is None
    assert isinstance(ground.write(lambda db: rotate(db, token, CLIENT, 0, IDLE)), Rotation)


def test_a_session_has_its_last_moment(ground: Ground) -> None:
    """However often it is refreshed: no token outlives the session."""
    day = 24 * 3600 * SECOND

    async def sign_in(db: Handle) -> str:
        return add_refresh_token(db, await open_session(db, CLIENT, None, 0, LONGEST_SESSION), 0, 30 * day)

    token, refreshed = ground.write(sign_in), []
    for now in range(0, 2 * LONGEST_SESSION, 20 * day):
        outcome = ground.write(lambda db, now=now, token=token: rotate(db, token, CLIENT, now, 30 * day))
        if isinstance(outcome, Rotation):
            token = outcome.refresh_token
            refreshed.append(now)

    assert refreshed == list(range(0, LONGEST_SESSION, 20 * day))

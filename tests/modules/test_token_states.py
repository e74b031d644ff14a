"""Any order of sign-ins, refreshes, reuses and ends, through the front door of both databases, against a model of it."""

from typing import Any

import pytest
from gamehall_server.kit.clock import SECOND
from gamehall_server.modules.auth.sessions import GRACE, MOST_REPLAYS
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from people import PASSWORD
from worlds import World, settings_for, sqlite_url

from tests.databases import shared_postgres
from tests.modules.oauth import made_older
from tests.modules.oauth_stage import Stage


@pytest.fixture(scope="module", params=["sqlite-native", "postgresql-grpcio"])
def stage(request, tmp_path_factory, recorder):
    """On each database, with each engine."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("states"))
    world = World(settings_for(url, engine), recorder.observe)
    yield Stage(world)
    world.close()


class Family:
    """What the model knows of a session: whether it goes on, and every access token of it."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.alive = True
        self.access: list[str] = []


class Token:
    """What the model knows of a refresh token."""

    def __init__(self, family: Family, told: dict[str, Any]) -> None:
        self.family, self.text = family, told["refresh_token"]
        self.used, self.late, self.replays = False, False, 0
        self.child: Token | None = None
        family.access.append(told["access_token"])

    @property
    def may_be_a_retry(self) -> bool:
        assert self.child is not None
        return not self.late and self.replays < MOST_REPLAYS and not self.child.used


def machine_on(stage: Stage) -> type[RuleBasedStateMachine]:
    """The machine over this deployment."""

    class Tokens(RuleBasedStateMachine):
        tokens, codes = Bundle("tokens"), Bundle("codes")

        @initialize()
        def start(self) -> None:
            self.families: list[Family] = []

        def _begun(self, told: dict[str, Any], client: str) -> Token:
            self.families.append(Family(client))
            return Token(self.families[-1], told)

        @precondition(lambda self: len(self.families) < 4)
        @rule(target=tokens)
        def sign_in_with_a_password(self) -> Token:
            given = {"grant_type": "password", "client_id": stage.ours, "username": stage.ann.username, "password": PASSWORD}
            return self._begun(stage.token(given).json(), stage.ours)

        @precondition(lambda self: len(self.families) < 4)
        @rule(target=codes)
        def sign_in_on_the_page(self) -> list[Any]:
            # The code, and later the family that came of it.
            return [stage.code(), None]

        @rule(target=tokens, code=codes)
        def use_a_code(self, code: list[Any]) -> Any:
            answer = stage.exchange(code[0])
            if code[1] is None:
                code[1] = self._begun(answer.json(), stage.app)
                return code[1]
            assert answer.json()["error"] == "invalid_grant"
            code[1].family.alive = False
            return code[1]

        @rule(target=tokens, token=tokens)
        def refresh(self, token: Token) -> Token:
            answer = stage.refresh(token.text, client_id=token.family.client)
            if not token.family.alive:
                assert answer.json()["error"] == "invalid_grant"
            elif not token.used:
                token.used, token.child = True, Token(token.family, answer.json())
                return token.child
            elif token.may_be_a_retry:
                assert token.child is not None
                assert answer.json()["refresh_token"] == token.child.text
                token.family.access.append(answer.json()["access_token"])
                token.replays += 1
            else:
                assert answer.json()["error"] == "invalid_grant"
                token.family.alive = False
            return token

        @rule(token=tokens)
        def wait_out_the_grace(self, token: Token) -> None:
            if token.used:
                made_older(stage.world, token.text, used=GRACE + SECOND)
                token.late = True

        @rule(token=tokens)
        def refresh_by_another_client(self, token: Token) -> None:
            assert stage.refresh(token.text, client_id=stage.other).json()["error"] == "invalid_grant"

        @rule(token=tokens, by=st.sampled_from(["refresh", "access"]))
        def revoke(self, token: Token, by: str) -> None:
            text = token.text if by == "refresh" else token.family.access[0]
            assert stage.revoke(text, client_id=token.family.client).status_code == 200
            token.family.alive = False

        @rule(token=tokens)
        def revoke_by_another_client(self, token: Token) -> None:
            assert stage.revoke(token.text, client_id=stage.other).json()["error"] == "invalid_grant"

        @invariant()
        def tokens_are_good_as_long_as_their_family(self) -> None:
            for family in getattr(self, "families", []):
                assert [stage.opens(token) for token in family.access] == [family.alive] * len(family.access)

    return Tokens


def test_tokens_are_as_their_model(stage: Stage) -> None:
    quiet = settings(
        max_examples=15, stateful_step_count=20, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )

    run_state_machine_as_test(machine_on(stage), settings=quiet)

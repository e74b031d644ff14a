"""Any order of sign-ins, refreshes, reuses, ends, and changes of password and roles, through the front door of both databases, against a
model of it."""

from typing import Any

import pytest
import requests
from gamehall_server.kit.clock import SECOND
from gamehall_server.modules.auth.sessions import GRACE, MOST_REPLAYS
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from people import CANARIES, PASSWORD, fresh
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
    stage = Stage(world)
    stage.admin, stage.password, stage.roles = world.admin(), PASSWORD, ["ROLE_USER"]
    yield stage
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
            self.pending: list[list[Any]] = []

        def _begun(self, told: dict[str, Any], client: str) -> Token:
            self.families.append(Family(client))
            return Token(self.families[-1], told)

        @precondition(lambda self: len(self.families) < 4)
        @rule(target=tokens)
        def sign_in_with_a_password(self) -> Token:
            given = {"grant_type": "password", "client_id": stage.ours, "username": stage.ann.username, "password": stage.password}
            return self._begun(stage.token(given).json(), stage.ours)

        @precondition(lambda self: len(self.families) < 4)
        @rule(target=codes)
        def sign_in_on_the_page(self) -> list[Any]:
            # The code; whether it is still good; and later the token that came of it.
            self.pending.append([stage.code(password=stage.password), True, None])
            return self.pending[-1]

        @rule(target=tokens, code=codes)
        def use_a_code(self, code: list[Any]) -> Any:
            answer = stage.exchange(code[0])
            if code[1] and code[2] is None:
                code[2] = self._begun(answer.json(), stage.app)
                return code[2]
            assert answer.json()["error"] == "invalid_grant"
            if code[2] is None:
                return multiple()
            code[2].family.alive = False
            return code[2]

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

        @precondition(lambda self: any(family.alive for family in self.families))
        @rule()
        def change_the_password(self) -> None:
            """All sessions end but the one that did it, and codes that nobody used."""
            by = next(family for family in self.families if family.alive)
            password = fresh("another password ")
            CANARIES.add(password)
            changed = requests.put(
                stage.world.url + "/users/me/password", json={"value": password}, headers={"Authorization": f"Bearer {by.access[-1]}"}
            )
            assert changed.ok, changed.text
            stage.password = password
            for family in self.families:
                family.alive = family is by
            for code in self.pending:
                code[1] = False

        @rule(role=st.sampled_from(["ROLE_ADMIN", None]))
        def change_the_roles(self, role: str | None) -> None:
            """Every token that is good opens what its holder may do now, and no token ends."""
            roles = ["ROLE_USER", *([role] if role else [])]
            changed = stage.admin.put(f"/auth/users/{stage.ann.id}/roles", roles)
            assert changed.ok, changed.text
            stage.roles = sorted(roles)

        @rule(token=tokens)
        def revoke_by_another_client(self, token: Token) -> None:
            assert stage.revoke(token.text, client_id=stage.other).json()["error"] == "invalid_grant"

        @invariant()
        def tokens_are_good_as_long_as_their_family(self) -> None:
            for family in getattr(self, "families", []):
                told = [stage.get("/me", token) for token in family.access]
                assert [answer.ok for answer in told] == [family.alive] * len(told)
                assert [answer.json()["roles"] for answer in told if answer.ok] == [stage.roles] * (len(told) * family.alive)

    return Tokens


def test_tokens_are_as_their_model(stage: Stage) -> None:
    quiet = settings(
        max_examples=15, stateful_step_count=20, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )

    run_state_machine_as_test(machine_on(stage), settings=quiet)

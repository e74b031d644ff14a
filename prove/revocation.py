"""What is revoked is refused: at once by the node that revoked, within a second by another one on the same PostgreSQL."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from prove.caller import Caller, Reply
from prove.ground import Ground, ground
from prove.mail import code_for
from prove.product import Product, served
from prove.proof import Found, main
from prove.refresh import families

BAR = "1,000 revocations: the next request at that node is refused 1,000 times; another node refuses within 1 s"
REVOCATIONS, WORKERS, LATEST = 1000, 4, 1.0
# The bars of the full form are reached in about so many seconds; a shorter run does as much less.
FULL = 60.0
PASSWORD = "a quiet rainy afternoon"
LACKING = "there is no lock of a user yet, and no switch that disables a client: its grant types are taken away, or it is removed."


class Stage(NamedTuple):
    """One worker's connections: to the node that revokes, as anybody and as the administrator, and to the other node."""

    here: Caller
    there: Caller
    chief: Caller
    mail: Path

    def done(self, verb: str, path: str, body: object = None) -> Reply:
        """What the administrator does."""
        answer = self.chief.ask(verb, path, body)
        assert answer.status in (200, 201, 204), (verb, path, answer)
        return answer

    def refreshed(self, token: str) -> tuple[str, str]:
        """The next tokens of a session: access and refresh token."""
        told = self.here.post_form("/oauth/token", grant_type="refresh_token", client_id="web", refresh_token=token).json()
        return told["access_token"], told["refresh_token"]


class Somebody(NamedTuple):
    """A user with two sessions: an access token of one, a refresh token of the other."""

    id: int
    token: str
    refresh_token: str


class Case(NamedTuple):
    """A good token, what makes it good for nothing, and where it opened something until then."""

    token: str
    revoke: Callable[[], Reply]
    path: str = "/me"


def signed_out(stage: Stage, who: Somebody) -> Case:
    """The user ends the session."""
    access, refresh = stage.refreshed(who.refresh_token)
    return Case(access, lambda: stage.here.post_form("/oauth/revoke", client_id="web", token=refresh))


def a_refresh_token_used_again(stage: Stage, who: Somebody) -> Case:
    """After its child was."""
    _, child = stage.refreshed(who.refresh_token)
    access, _ = stage.refreshed(child)
    form = {"grant_type": "refresh_token", "client_id": "web", "refresh_token": who.refresh_token}

    def use() -> Reply:
        answer = stage.here.post_form("/oauth/token", **form)
        return answer._replace(status=200 if answer.status == 400 else answer.status)

    return Case(access, use)


def the_password_changed(stage: Stage, who: Somebody) -> Case:
    """By the user, in the other session."""
    access, _ = stage.refreshed(who.refresh_token)

    def change() -> Reply:
        stage.here.token = who.token
        answer = stage.here.ask("PUT", f"/users/{who.id}/password", {"value": PASSWORD})
        stage.here.token = ""
        return answer

    return Case(access, change)


def the_password_set(stage: Stage, who: Somebody) -> Case:
    """By the administrator."""
    return Case(who.token, lambda: stage.done("PUT", f"/users/{who.id}/password", {"value": PASSWORD}))


def the_password_reset(stage: Stage, who: Somebody) -> Case:
    """With a code that a letter brought."""
    assert stage.here.ask("POST", f"/users/{who.id}/password-reset").status in (200, 204)
    reset = {"password": PASSWORD, "secret": code_for(stage.mail, f"player{who.id}@example.com")}
    return Case(who.token, lambda: stage.here.ask("PUT", f"/users/{who.id}/password-reset", reset))


def ended_by_the_administrator(stage: Stage, who: Somebody) -> Case:
    """Every session of the user."""
    return Case(who.token, lambda: stage.done("DELETE", f"/auth/tokens?username=player{who.id}"))


def _role(stage: Stage, who: Somebody) -> str:
    """A new one that opens /auth/roles."""
    word = f"ROLE_{who.id}"
    stage.done("POST", "/auth/roles", {"role": word, "name": word})
    stage.done("PUT", f"/auth/roles/{word}/permissions", ["ROLES_ADMIN"])
    return word


def _given(stage: Stage, who: Somebody) -> str:
    word = _role(stage, who)
    stage.done("PUT", f"/auth/users/{who.id}/roles", [word])
    return word


def a_role_taken(stage: Stage, who: Somebody) -> Case:
    """From the user."""
    _given(stage, who)
    return Case(who.token, lambda: stage.done("PUT", f"/auth/users/{who.id}/roles", []), "/auth/roles?size=1")


def a_permission_taken(stage: Stage, who: Somebody) -> Case:
    """From the user's role."""
    word = _given(stage, who)
    return Case(who.token, lambda: stage.done("PUT", f"/auth/roles/{word}/permissions", []), "/auth/roles?size=1")


def a_role_removed(stage: Stage, who: Somebody) -> Case:
    """The user's."""
    word = _given(stage, who)
    return Case(who.token, lambda: stage.done("DELETE", f"/auth/roles/{word}?force=true"), "/auth/roles?size=1")


def _client(stage: Stage, who: Somebody, *roles: str) -> tuple[str, str]:
    """A new one's key, and its access token."""
    key = f"server.{who.id}"
    secret = stage.done("POST", "/auth/clients", {"client_key": key, "name": key}).json()["secret"]
    stage.done("PUT", f"/auth/clients/{key}/grant-types", ["client_credentials"])
    stage.done("PUT", f"/auth/clients/{key}/roles", list(roles))
    told = stage.here.post_form("/oauth/token", grant_type="client_credentials", client_id=key, client_secret=secret).json()
    return key, told["access_token"]


def a_role_taken_from_a_client(stage: Stage, who: Somebody) -> Case:
    """A role that its token was good for."""
    key, token = _client(stage, who, _role(stage, who))
    return Case(token, lambda: stage.done("PUT", f"/auth/clients/{key}/roles", []), "/auth/roles?size=1")


def a_client_disabled(stage: Stage, who: Somebody) -> Case:
    """Its grant types are taken away."""
    key, token = _client(stage, who)
    return Case(token, lambda: stage.done("PUT", f"/auth/clients/{key}/grant-types", []))


def a_client_removed(stage: Stage, who: Somebody) -> Case:
    """With its sessions."""
    key, token = _client(stage, who)
    return Case(token, lambda: stage.done("DELETE", f"/auth/clients/{key}"))


CAUSES: tuple[Callable[[Stage, Somebody], Case], ...] = (
    signed_out, a_refresh_token_used_again, the_password_changed, the_password_set, the_password_reset, ended_by_the_administrator,
    a_role_taken, a_permission_taken, a_role_removed, a_role_taken_from_a_client, a_client_disabled, a_client_removed,
)  # fmt: skip


def opens(caller: Caller, case: Case) -> bool:
    """Whether the token is still good there."""
    caller.token = case.token
    status = caller.ask("GET", case.path).status
    caller.token = ""
    assert status in (200, 401, 403), status
    return status == 200


@contextmanager
def stages(here: Product, there: Product, chief: str) -> Iterator[Stage]:
    """The connections of one worker."""
    with Caller(here.http_port) as near, Caller(there.http_port) as far, Caller(here.http_port, chief) as admin:
        yield Stage(near, far, admin, here.ground.folder / "mail")


def refused(found: Found, name: str, stage: Stage, case: Case, cause: str) -> float:
    """Revokes; gives the seconds until the other node refuses, up to when the first request that it refused was sent."""
    # A role just given may take its second to get there.
    while not (opens(stage.here, case) and opens(stage.there, case)):
        time.sleep(0.01)
    answer = case.revoke()
    revoked = time.monotonic()
    found.check(answer.status in (200, 204), f"{name}: {cause}: {answer.status} {answer.body[:80]!r}")
    found.count(f"{name}: revocations")
    if found.check(not opens(stage.here, case), f"{name}: {cause}: the next request was let in"):
        found.count(f"{name}: refused at once")
    asked = time.monotonic()
    while opens(stage.there, case):
        asked = time.monotonic()
    found.check(not any(opens(caller, case) for caller in (stage.here, stage.there)), f"{name}: {cause}: refused, and then let in")
    return asked - revoked


def revoked(found: Found, on: Ground, nodes: int, number: int, seed: int, *, timed: bool = True) -> None:
    """So many revocations, of every cause, on one database with so many nodes; each node revokes in its turn."""
    name = f"{on.kind}, {nodes} node{'s' * (nodes > 1)}"
    users = random.Random(seed).sample(range(1, len(on.tokens) + 1), number)
    people = [Somebody(user, on.tokens[user - 1], token) for user, token in zip(users, families(on, users), strict=True)]
    with ExitStack() as stack:
        running = [stack.enter_context(served(on, GAMEHALL_MAIL_FOLDER=str(on.folder / "mail"))) for _ in range(nodes)]
        chief = running[0].chief()

        def work(part: int) -> list[float]:
            with stages(running[part % nodes], running[(part + 1) % nodes], chief) as stage:
                turns = range(part, number, WORKERS)
                return [
                    refused(found, name, stage, (cause := CAUSES[turn // WORKERS % len(CAUSES)])(stage, people[turn]), cause.__name__)
                    for turn in turns
                ]

        with ThreadPoolExecutor(WORKERS) as pool:
            took = sorted(seconds for part in pool.map(work, range(WORKERS)) for seconds in part)
        for product in running:
            found.check(not product.bugs(), f"{name}: {product.bugs()[:1]}")
    if timed and nodes > 1:
        found.count(f"{name}: ms until the other node refuses, p99", round(took[len(took) * 99 // 100] * 1000))
        found.count(f"{name}: ms until the other node refuses, at most", round(took[-1] * 1000))
        found.check(took[-1] <= LATEST, f"{name}: the other node let somebody in after {took[-1]:.2f} s")


def prove(seconds: float, seed: int) -> Found:
    """All of it."""
    found = Found()
    found.exceptions.append(LACKING)
    number = max(len(CAUSES), int(REVOCATIONS * min(seconds / FULL, 1)))
    for kind, nodes in (("sqlite", 1), ("postgresql", 2)):
        with ground(kind) as on:
            revoked(found, on, nodes, number, seed)
    return found


if __name__ == "__main__":
    main("revocation", BAR, prove, FULL)

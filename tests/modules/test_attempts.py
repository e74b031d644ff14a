"""Tries to sign in: a thousand guesses are few tries, and the owner gets in all the same, be it a user or a client."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from gamehall.auth.v1 import tokens_pb2
from gamehall_server.kit.errors import Exhausted
from gamehall_server.kit.storage import Query, table_of
from gamehall_server.modules.access.attempts import ACCOUNT, CLIENT, AttemptRow, Attempts, KnownPlaceRow, network
from people import PASSWORD, fresh
from sqlalchemy import func, select, update

from tests.modules.test_maintenance import retry_of

_t = table_of(AttemptRow).table
written = Query(select(func.count()).select_from(_t))
places_told = Query(select(func.sum(table_of(KnownPlaceRow).table.c.at)))
let_pass = Query(update(_t).values(until=0))


class From(requests.adapters.HTTPAdapter):
    """Calls from another address of this machine."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **options)


def elsewhere():
    """Somebody at an address that nobody had before."""
    session = requests.Session()
    session.mount("http://", From(f"127.{random.randint(1, 250)}.{random.randint(0, 250)}.{random.randint(2, 250)}"))
    return session


def guess(world, name, password="a wrong one of mine", session=requests):
    form = {"grant_type": "password", "client_id": "web", "username": name, "password": password}
    return session.post(world.url + "/oauth/token", data=form)


def of_client(world, key, secret, session=requests, path="token"):
    """What an endpoint tells a client: its own token, or about one, or that one has ended."""
    form = {"grant_type": "client_credentials"} if path == "token" else {"token": "none of ours"}
    return session.post(f"{world.url}/oauth/{path}", data=form, auth=(key, secret))


def inside(world, query):
    async def write():
        async def work(db):
            return await (db.run(query) if query.sqlite.writes else db.value(query))

        return await world.server.product.database.write(work)

    return world.inside(write)


def test_many_guesses_at_once_are_few_tries(world, ann):
    attacker = elsewhere()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: guess(world, ann.username, session=attacker), range(40)))

    judged = [answer for answer in answers if answer.status_code == 400]
    assert ACCOUNT.free <= len(judged) <= 10
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(judged) + len(refused) == len(answers)
    assert {answer.json()["error"] for answer in refused} == {"temporarily_unavailable"}
    assert all(1 <= int(answer.headers["retry-after"]) <= 900 for answer in refused)
    # Guessing right does not help either: it is not looked at.
    assert guess(world, ann.username, PASSWORD, attacker).status_code == 429


def test_the_owner_gets_in_from_where_they_signed_in_before(world, ann):
    attacker = elsewhere()
    while guess(world, ann.username, session=attacker).status_code != 429:
        pass

    assert guess(world, ann.username, PASSWORD).status_code == 200
    # That does not open the door to the attacker.
    assert guess(world, ann.username, PASSWORD, attacker).status_code == 429


def test_a_name_that_nobody_has_is_treated_alike(world):
    attacker, name = elsewhere(), fresh("nobody")

    answers = [guess(world, name, session=attacker).status_code for _ in range(ACCOUNT.free + 2)]

    assert answers == [400] * ACCOUNT.free + [429] * 2


def test_a_pause_ends(world, ann):
    attacker = elsewhere()
    while guess(world, ann.username, session=attacker).status_code != 429:
        pass
    inside(world, let_pass)

    assert guess(world, ann.username, session=attacker).status_code == 400
    assert guess(world, ann.username, PASSWORD, attacker).status_code == 429
    inside(world, let_pass)
    assert guess(world, ann.username, PASSWORD, attacker).status_code == 200
    # Who got in starts anew.
    assert [guess(world, ann.username, session=attacker).status_code for _ in range(3)] == [400] * 3


@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
def test_wrong_secrets_of_a_client_are_few_tries(world, path):
    attacker, server = elsewhere(), world.client()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: of_client(world, server.username, "wrong", attacker, path), range(40)))

    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {401, 429}
    assert CLIENT.free <= statuses.count(401) <= 2 * CLIENT.free
    waits = [int(answer.headers["retry-after"]) for answer in answers if answer.status_code == 429]
    assert all(1 <= seconds <= 60 for seconds in waits)
    assert {answer.json()["error"] for answer in answers} == {"invalid_client", "temporarily_unavailable"}
    # Guessing right does not help, and neither does another door.
    assert of_client(world, server.username, server.refresh_token, attacker).status_code == 429


def test_a_client_goes_on_from_where_it_was_while_others_guess(world):
    attacker, server = elsewhere(), world.client()
    while of_client(world, server.username, "wrong", attacker).status_code != 429:
        pass

    assert [of_client(world, server.username, server.refresh_token).status_code for _ in range(3)] == [200] * 3
    assert of_client(world, server.username, server.refresh_token, attacker).status_code == 429
    # Nor for good: with the pause it ends.
    inside(world, let_pass)
    assert of_client(world, server.username, server.refresh_token, attacker).status_code == 200


def test_over_grpc_a_client_hears_when_to_try_again(world, refused):
    server = world.client()
    form = {"grant_type": "client_credentials", "client_id": server.username}
    create = world.nobody().grpc.tokens.CreateToken

    for _ in range(CLIENT.free):
        with refused("UNAUTHENTICATED"):
            create(tokens_pb2.CreateTokenRequest(**form, client_secret="wrong"))
    with refused("RESOURCE_EXHAUSTED") as refusal:
        create(tokens_pb2.CreateTokenRequest(**form, client_secret=server.refresh_token))

    assert retry_of(refusal[0]) == 1
    inside(world, let_pass)
    assert create(tokens_pb2.CreateTokenRequest(**form, client_secret=server.refresh_token)).access_token
    # What failed is forgotten with that.
    for _ in range(CLIENT.free):
        with refused("UNAUTHENTICATED"):
            create(tokens_pb2.CreateTokenRequest(**form, client_secret="wrong"))


def test_a_client_that_nobody_has_is_treated_alike(world):
    attacker, key = elsewhere(), fresh("nobody")

    answers = [of_client(world, key, "wrong", attacker).status_code for _ in range(CLIENT.free + 2)]

    assert answers == [401] * CLIENT.free + [429] * 2


def test_who_has_no_secret_guesses_none(world):
    """A public client, and a private one that tells none: neither can be held up."""
    (public, _), server, attacker = world.application(), world.client(), elsewhere()

    told = [of_client(world, public, "any", attacker, "revoke").status_code for _ in range(CLIENT.free + 2)]
    untold = [attacker.post(world.url + "/oauth/token", data={"client_id": server.username}).status_code for _ in told]

    assert (set(told), set(untold)) == ({200}, {401})
    assert of_client(world, server.username, server.refresh_token, attacker).status_code == 200


def test_a_client_that_is_right_writes_nothing_but_its_session(world):
    server = world.client()
    before = inside(world, places_told)
    assert before

    assert [of_client(world, server.username, server.refresh_token).status_code for _ in range(5)] == [200] * 5

    assert inside(world, places_told) == before


def test_who_guesses_at_many_accounts_is_slowed_by_the_network(world):
    attempts, address = Attempts(world.server.product.database, 5), f"2001:db8::{random.randint(1, 9999)}:0:0:0:1"

    async def wrong():
        return False

    async def right():
        return True

    async def work():
        before = [await attempts.judged(fresh("nobody"), address, right) for _ in range(10)]
        judged = [await attempts.judged(fresh("nobody"), address, wrong) for _ in range(5)]
        with pytest.raises(Exhausted) as refusal:
            await attempts.judged(fresh("nobody"), address[:-1] + "2", right)
        return before, judged, refusal.value.retry_after

    # What was right took no tries away.
    assert world.inside(work) == ([True] * 10, [False] * 5, 1)


def test_what_is_right_is_not_counted(world, ann):
    before = inside(world, written)

    assert [guess(world, ann.username, PASSWORD).status_code for _ in range(10)] == [200] * 10

    # The network has a row, and nothing in it.
    assert inside(world, written) <= before + 1


def test_a_network_is_what_a_household_has():
    assert network("192.0.2.1") == "192.0.2.1"
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2::9") != network("2001:db8:1:3::9")
    assert network("::ffff:192.0.2.1") == "192.0.2.1"
    assert network("unix:") == "unix:"

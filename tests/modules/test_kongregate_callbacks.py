"""Callbacks as games' servers receive them, over real sockets. Verifiers of others judge them in tests/sdk."""

import asyncio
import re
from datetime import datetime
from types import SimpleNamespace
from urllib.parse import parse_qsl

import msgspec
import pytest
from gamehall_server.kit.clock import SECOND, real_seconds
from gamehall_server.kit.storage import Query
from gamehall_server.modules.forwards import lane_of
from gamehall_server.modules.forwards.tables import forwards
from gamehall_server.modules.kongregate import Callbacks, GameSecrets, verify
from gamehall_server.modules.kongregate.tables import GamePlayerRow
from people import fresh
from sqlalchemy import bindparam, delete, select
from sqlmodel import SQLModel

from tests.modules.receivers import receiver
from tests.modules.test_kongregate import a_game, fields_of, key_of, token_of

# As the vendor's page prints them, its common parameters first.
FIELDS = ["event", "api_key", "time", "user_id", "username", "game_auth_token", "signed_request"]
FORM = "application/x-www-form-urlencoded"
PLAYERS = SQLModel.metadata.tables[GamePlayerRow.__tablename__]
log = Query(select(forwards.table).where(forwards.table.c.lane == bindparam("lane")).order_by(forwards.table.c.id), forwards.Row)
forget = Query(delete(PLAYERS).where(PLAYERS.c.game_id == bindparam("game")))


@pytest.fixture
def called(admin):
    """A game whose server is there, and where it is called back."""
    path = f"/{fresh('callback')}"
    return a_game(admin, callback_url=receiver().base + path), path


def fire(admin, game, person):
    answer = admin.post(f"/kongregate/games/{game['id']}/invalidate-inventory", {"user_id": person.id})
    assert answer.status_code == 204, answer.text


def form_of(received) -> dict[str, str]:
    return dict(parse_qsl(received.body.decode("ascii"), strict_parsing=True, keep_blank_values=True))


def logged(world, game, ended=True):
    """The log of a game's callbacks, once all of them have ended."""

    async def read():
        for _ in range(1000):
            rows = await world.server.product.database.reader().all(log, lane=lane_of("kongregate", f"game:{game['id']}"))
            if not ended or all(row.due is None for row in rows):
                return rows
            await asyncio.sleep(0.02)
        raise AssertionError(rows)

    return world.inside(read)


def test_a_game_is_told_what_the_page_says_and_nothing_else(admin, ann, called):
    game, path = called
    token = token_of(ann, game)

    fire(admin, game, ann)

    received = receiver().at(path)[0]
    told = parse_qsl(received.body.decode("ascii"), strict_parsing=True)
    assert received.headers["content-type"] == FORM
    assert [name for name, _ in told] == FIELDS
    values = dict(told)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000", values["time"])
    assert abs(datetime.strptime(values["time"], "%Y-%m-%d %H:%M:%S %z").timestamp() - real_seconds()) < 60
    signed = verify(values.pop("signed_request"), game["api_key"])
    assert values == {
        "event": "invalidate_user_inventory",
        "api_key": game["api_key"],
        "time": values["time"],
        "user_id": str(ann.id),
        "username": ann.username,
        "game_auth_token": token,
    }
    assert signed == {"algorithm": "HMAC-SHA256", **values, "user_id": ann.id}


def test_a_user_who_never_played_gets_the_token_that_the_game_was_told(admin, ann, called):
    game, path = called

    fire(admin, game, ann)

    assert form_of(receiver().at(path)[0])["game_auth_token"] == token_of(ann, game)


def test_a_post_that_fails_comes_again_with_the_secrets_of_that_moment(world, admin, ann, called):
    game, path = called
    receiver().answers[path] = [500]
    former_token = token_of(ann, game)
    fire(admin, game, ann)
    receiver().at(path)
    key, token = key_of(admin, game)["api_key"], token_of(ann, game, "rotate-token")

    first, second = (form_of(each) for each in receiver().at(path, 2))

    assert [first[name] for name in ("api_key", "game_auth_token")] == [game["api_key"], former_token]
    assert [second[name] for name in ("api_key", "game_auth_token")] == [key, token]
    assert verify(second["signed_request"], key)["game_auth_token"] == token
    same = ("event", "time", "user_id", "username")
    assert [first[name] for name in same] == [second[name] for name in same]
    (row,) = logged(world, game)
    assert (row.success, row.tries, row.http_status_code) == (True, 2, 200)


def test_the_log_knows_no_secret(world, admin, ann, called):
    game, path = called
    fire(admin, game, ann)
    secrets = [game["api_key"], token_of(ann, game), form_of(receiver().at(path)[0])["signed_request"]]

    (row,) = logged(world, game)

    assert msgspec.json.decode(row.payload).items() >= {"event": "invalidate_user_inventory", "user_id": ann.id}.items()
    assert [secret for secret in secrets for column in msgspec.to_builtins(row).values() if secret in str(column)] == []


def remove(admin, game):
    assert admin.delete(f"/kongregate/games/{game['id']}").status_code == 204


def empty(admin, game):
    assert admin.put(f"/kongregate/games/{game['id']}", {"name": "silent"}).status_code == 200


@pytest.mark.parametrize(
    "change, why", [(remove, "the game or the user is gone"), (empty, "the game has no callback URL")], ids=["removed", "silent"]
)
def test_what_nobody_takes_any_more_is_given_up(world, admin, ann, called, change, why):
    game, path = called
    receiver().answers[path] = [500] * 9
    fire(admin, game, ann)
    receiver().at(path)

    change(admin, game)

    (row,) = logged(world, game)
    assert (row.success, row.error_msg) == (False, why)
    assert len(receiver().at(path)) == 1


def test_a_callback_that_cannot_be_is_refused_and_nothing_is_kept(world, admin, ann, called):
    game, silent = called[0], a_game(admin)

    assert fields_of(admin.post(f"/kongregate/games/{game['id']}/invalidate-inventory", {"user_id": 2**31 - 1})) == ["user_id"]
    assert fields_of(admin.post(f"/kongregate/games/{game['id']}/invalidate-inventory", {"user_id": 0})) == ["user_id"]
    assert fields_of(admin.post(f"/kongregate/games/{silent['id']}/invalidate-inventory", {"user_id": ann.id})) == ["id"]
    assert admin.post(f"/kongregate/games/{2**31 - 1}/invalidate-inventory", {"user_id": ann.id}).status_code == 404

    assert [logged(world, each, ended=False) for each in (game, silent)] == [[], []]


def test_an_owner_does_not_call_a_game_about_others(admin, ann, bob):
    game = a_game(admin, owner={"id": ann.id}, callback_url="https://game.example/")

    assert ann.post(f"/kongregate/games/{game['id']}/invalidate-inventory", {"user_id": bob.id}).status_code == 403


class Counted:
    """A handle that counts what it is asked."""

    def __init__(self, db):
        self._db = db
        self.asked = 0

    async def all(self, *told, **parameters):
        self.asked += 1
        return await self._db.all(*told, **parameters)


def test_many_callbacks_are_prepared_with_one_question(world, admin, ann, bob):
    product = world.server.product
    mine = [a_game(admin, callback_url=f"https://game.example/{number}") for number in range(3)]
    secrets = GameSecrets(product.secrets)

    async def jobs():
        async def players(db):
            return [(game, each, (await secrets.player(db, game["id"], each.id)).id) for game in mine for each in (ann, bob)]

        found = await product.database.write(players)
        payloads = [{"event": "e", "game_id": game["id"], "user_id": each.id, "player": player} for game, each, player in found]
        return [
            SimpleNamespace(id=at, payload=msgspec.json.encode(told).decode(), at=1_460_294_459 * SECOND)
            for at, told in enumerate(payloads)
        ]

    made = world.inside(jobs)
    posts, db = [], Counted(product.database.reader())

    async def prepare():
        posts.append(await Callbacks(secrets).prepare(db, made))

    world.inside(prepare)

    assert db.asked == 1
    wanted = [(game["callback_url"], game["api_key"], str(each.id)) for game in mine for each in (ann, bob)]
    told = [(post.url, dict(parse_qsl(post.body.decode()))) for post in posts[0].values()]
    assert [(url, form["api_key"], form["user_id"]) for url, form in told] == wanted
    assert {form["time"] for _, form in told} == {"2016-04-10 13:20:59 +0000"}


def test_of_a_user_who_is_gone_nothing_is_told(world, admin, ann, called):
    game, path = called
    receiver().answers[path] = [500] * 9
    fire(admin, game, ann)
    receiver().at(path)

    world.inside(lambda: world.server.product.database.write(lambda db: db.run(forget, game=game["id"])))

    (row,) = logged(world, game)
    assert (row.success, row.error_msg) == (False, "the game or the user is gone")

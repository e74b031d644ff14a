"""Games, their keys, and their players' tokens."""

import re
from concurrent.futures import ThreadPoolExecutor
from mailbox import code_in, letter_to

import pytest
from gamehall.kongregate.v1.games_pb2 import ShowKeyRequest
from gamehall.kongregate.v1.games_pb2_grpc import GameServiceStub
from gamehall.kongregate.v1.tokens_pb2 import GetGameTokenRequest
from gamehall.kongregate.v1.tokens_pb2_grpc import GameTokenServiceStub
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.secrets import Secrets, generated
from gamehall_server.kit.storage import Query
from gamehall_server.modules.kongregate import GameSecrets
from gamehall_server.modules.kongregate.tables import games, keys, players
from people import CANARIES, PASSWORD, fresh
from sqlalchemy import select
from worlds import World, settings_for, sqlite_url

from tests.databases import everything_in, shared_postgres, told
from tests.modules.providers import ELSEWHERE

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TOKEN = re.compile(r"[0-9a-f]{64}")
NEVER = "0" * 64
OTHER = "a quiet rainy afternoon"
CANARIES.add(OTHER)
DAY = 24 * 3600


def a_game(admin, **told) -> dict:
    made = admin.post("/kongregate/games", {"name": fresh("game"), **told})
    assert made.status_code == 201, made.text
    CANARIES.add(made.json()["api_key"])
    return made.json()


def key_of(person, game, **told) -> dict:
    """Another key."""
    answer = person.post(f"/kongregate/games/{game['id']}/rotate-key", told)
    assert answer.status_code == 200, answer.text
    CANARIES.add(answer.json()["api_key"])
    return answer.json()


def token_of(person, game, call="token") -> str:
    answer = person.post(f"/kongregate/games/{game['id']}/users/me/{call}")
    assert answer.status_code == 200, answer.text
    CANARIES.add(answer.json()["game_auth_token"])
    return answer.json()["game_auth_token"]


def fields_of(answer) -> list[str]:
    assert answer.status_code == 400, answer.text
    return [result["field"] for result in answer.json()["result"]]


def asked(world, ask):
    """What the module's face says: `ask(secrets, db)`."""
    product = world.server.product
    return world.inside(lambda: ask(GameSecrets(product.secrets), product.database.reader()))


def game_with(world, key, now=None) -> int | None:
    at = world.server.product.app.clock.now() if now is None else now
    return asked(world, lambda secrets, db: secrets.game_of(db, key, at))


def verifies(world, game, person, token) -> bool:
    return asked(world, lambda secrets, db: secrets.verifies(db, game["id"], person.id, token))


def test_a_game_is_registered_shown_changed_and_removed(world, admin, ann):
    made = a_game(admin, name="Castle Siege", owner={"id": ann.id}, callback_url="https://game.example/callback")
    path = f"/kongregate/games/{made['id']}"

    shown = ann.get(path).json()

    assert UUID.fullmatch(made["api_key"])
    assert shown == {name: value for name, value in made.items() if name != "api_key"}
    assert (shown["name"], shown["callback_url"], shown["owner"]["id"]) == ("Castle Siege", "https://game.example/callback", ann.id)
    assert [each["id"] for each in ann.get("/kongregate/games").json()["content"]] == [made["id"]]
    changed = ann.put(path, {"name": "Castle Siege 2"})
    assert changed.status_code == 200
    assert changed.json() == {**shown, "name": "Castle Siege 2", "callback_url": "", "updated_date": changed.json()["updated_date"]}
    token = token_of(ann, made)
    assert ann.delete(path).status_code == 204
    assert ann.get(path).status_code == 404
    assert game_with(world, made["api_key"]) is None
    assert not verifies(world, made, ann, token)


def test_an_administrator_alone_registers_games_and_names_owners(admin, ann, bob):
    assert ann.post("/kongregate/games", {"name": "mine"}).status_code == 403
    game = a_game(admin)
    path = f"/kongregate/games/{game['id']}"
    assert game["owner"]["id"] == admin.id
    assert ann.get(path).status_code == 404
    assert admin.put(path, {"name": "hers", "owner": {"id": ann.id}}).json()["owner"]["id"] == ann.id

    refused = ann.put(path, {"name": "his", "owner": {"id": bob.id}})

    assert (refused.status_code, refused.json()["result"][0]["field"]) == (403, "owner")
    assert ann.get(path).json()["name"] == "hers"
    assert fields_of(admin.put(path, {"name": "x", "owner": {"id": 2**31 - 1}})) == ["owner.id"]
    assert fields_of(admin.post("/kongregate/games", {"name": "x", "owner": {"id": 2**31 - 1}})) == ["owner.id"]


@pytest.mark.parametrize("url", [ELSEWHERE, "ftp://game.example/", "game.example", "https://user:word@game.example/", "https://[::"])
def test_a_url_that_leads_nowhere_is_refused_before_anything_is_kept(admin, url):
    name = fresh("unkept")

    assert fields_of(admin.post("/kongregate/games", {"name": name, "callback_url": url})) == ["callback_url"]

    assert admin.get(f"/kongregate/games?filter_name={name}").json()["total_elements"] == 0
    game = a_game(admin, callback_url="https://game.example/")
    assert fields_of(admin.put(f"/kongregate/games/{game['id']}", {"name": "x", "callback_url": url})) == ["callback_url"]
    assert admin.get(f"/kongregate/games/{game['id']}").json()["callback_url"] == "https://game.example/"


def test_the_key_is_shown_to_the_owner_and_to_administrators(world, admin, ann, bob, refused):
    game = a_game(admin, owner={"id": ann.id})
    path = f"/kongregate/games/{game['id']}/show-key"

    assert [person.post(path).json() for person in (ann, admin)] == [{"api_key": game["api_key"]}] * 2

    assert bob.post(path).status_code == 404
    assert GameServiceStub(ann.grpc.channel).ShowKey(ShowKeyRequest(id=game["id"])).api_key == game["api_key"]
    with refused("NOT_FOUND"):
        GameServiceStub(bob.grpc.channel).ShowKey(ShowKeyRequest(id=game["id"]))
    assert "api_key" not in ann.get("/kongregate/games").text
    assert game_with(world, game["api_key"]) == game["id"]
    assert game_with(world, game["api_key"].upper()) is None


def test_a_former_key_stays_good_for_as_long_as_it_was_told(world, admin, ann):
    game = a_game(admin, owner={"id": ann.id})
    keys = [game["api_key"]]
    now = world.server.product.app.clock.now()
    ends = []
    for overlap in ({}, {"overlap_seconds": 60}):
        answer = key_of(ann, game, **overlap)
        keys.append(answer["api_key"])
        ends.append(answer["former_until"])

    assert len(set(keys)) == 3
    assert [0 <= end - now // SECOND - seconds <= 60 for end, seconds in zip(ends, (DAY, 60), strict=True)] == [True, True]
    assert ann.post(f"/kongregate/games/{game['id']}/show-key").json()["api_key"] == keys[2]
    later = {"now": now, "in two minutes": now + 180 * SECOND, "in two days": now + 2 * DAY * SECOND}
    good = {when: [game_with(world, key, at) == game["id"] for key in keys] for when, at in later.items()}
    assert good == {"now": [True, True, True], "in two minutes": [True, False, True], "in two days": [False, False, True]}


def test_with_no_overlap_every_former_key_ends_at_once(world, admin):
    game = a_game(admin)
    second = key_of(admin, game)["api_key"]

    third = key_of(admin, game, overlap_seconds=0)

    assert "former_until" not in third
    assert [game_with(world, key) for key in (game["api_key"], second, third["api_key"])] == [None, None, game["id"]]
    for seconds in (-1, 2_592_001):
        path = f"/kongregate/games/{game['id']}/rotate-key"
        assert fields_of(admin.post(path, {"overlap_seconds": seconds})) == ["overlap_seconds"]
    assert game_with(world, third["api_key"]) == game["id"]


def test_a_token_is_one_users_for_one_game_until_it_is_replaced(world, admin, ann, bob):
    one, other = a_game(admin), a_game(admin)

    token = token_of(ann, one)

    assert TOKEN.fullmatch(token)
    assert token_of(ann, one) == token
    assert len({token, token_of(bob, one), token_of(ann, other)}) == 3
    told = GameTokenServiceStub(ann.grpc.channel).GetGameToken(GetGameTokenRequest(id=one["id"], user_id="me"))
    assert told.game_auth_token == token
    assert verifies(world, one, ann, token)
    for game, person, word in ((other, ann, token), (one, bob, token), (one, ann, NEVER), (one, ann, ""), (one, ann, token.upper())):
        assert not verifies(world, game, person, word)
    replaced = token_of(ann, one, "rotate-token")
    assert token_of(ann, one) == replaced != token
    assert [verifies(world, one, ann, each) for each in (token, replaced)] == [False, True]


def test_nobody_gets_anothers_token_nor_one_for_a_game_that_is_not_there(admin, ann, bob):
    game = a_game(admin, owner={"id": bob.id})

    for call in ("token", "rotate-token"):
        for person in (bob, admin):
            assert person.post(f"/kongregate/games/{game['id']}/users/{ann.id}/{call}").status_code == 404
        missing = ann.post(f"/kongregate/games/{2**31 - 1}/users/me/{call}")
        assert (missing.status_code, missing.json()["result"][0]["field"]) == (404, "id")


def test_those_who_ask_at_once_for_the_first_time_get_the_same_token(admin, ann):
    game = a_game(admin)

    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: token_of(ann, game), range(24)))

    assert len(set(tokens)) == 1


def set_anew(world, person):
    assert person.put(f"/users/{person.id}/password", OTHER).status_code == 200


def reset(world, person):
    assert person.post(f"/users/{person.id}/password-reset").status_code == 204
    code = code_in(letter_to(world, f"{person.username}@example.com"))
    assert person.put(f"/users/{person.id}/password-reset", {"password": OTHER, "secret": code}).status_code == 204


@pytest.mark.parametrize("change", [set_anew, reset])
def test_another_password_replaces_every_token_of_the_user_and_nobody_elses(world, admin, ann, bob, change):
    mine = [a_game(admin) for _ in range(3)]
    before = [token_of(ann, game) for game in mine]
    bobs = token_of(bob, mine[0])
    assert ann.put(f"/users/{ann.id}/password", "short").status_code == 400
    assert [token_of(ann, game) for game in mine] == before

    change(world, ann)

    assert [verifies(world, game, ann, token) for game, token in zip(mine, before, strict=True)] == [False] * 3
    again = world.signed_in(ann.username, OTHER, ann.id)
    after = [token_of(again, game) for game in mine]
    assert set(after).isdisjoint(before)
    assert [verifies(world, game, ann, token) for game, token in zip(mine, after, strict=True)] == [True] * 3
    assert token_of(bob, mine[0]) == bobs


def test_neither_keys_nor_tokens_stand_in_the_database(world, admin, ann):
    game = a_game(admin)
    former, token = game["api_key"], token_of(ann, game)
    secrets = (former, key_of(admin, game)["api_key"], token, token_of(ann, game, "rotate-token"))
    found = []

    @told
    async def look():
        for table, rows in (await everything_in(world.settings.database_url)).items():
            found.extend((table, row) for row in rows for column in row for secret in secrets if secret in str(column))

    look()
    assert found == []


def test_what_was_shown_or_replaced_stands_in_the_audit_log(admin, ann):
    game = a_game(admin, owner={"id": ann.id})
    ann.post(f"/kongregate/games/{game['id']}/show-key")
    key_of(ann, game)
    token_of(ann, game, "rotate-token")

    told = ann.get("/audit/logs?size=3").json()["content"]
    assert [each["action_name"].rpartition("/")[2] for each in told] == ["RotateGameToken", "RotateKey", "ShowKey"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    return shared_postgres().fresh() if request.param == "postgresql" else sqlite_url(tmp_path)


def sealed_by(world, *roots):
    """Whether keys and tokens are all sealed and marked with the first of these root keys."""
    name = Secrets(roots).name
    columns = (games.table.c.sealed_key, keys.table.c.mark, players.table.c.sealed_token, players.table.c.token_mark)
    reader = world.server.product.database.reader
    rows = [value for column in columns for (value,) in world.inside(lambda column=column: reader().all(Query(select(column))))]
    return {value.removeprefix("s1.").startswith(name) for value in rows}


def test_another_root_key_costs_no_key_and_no_token(url):
    old, new = generated(), generated()
    CANARIES.update((old, new))
    world = World(settings_for(url, "native", root_key=old))
    admin, ann = world.admin(), world.person()
    game = a_game(admin)
    former = game["api_key"]
    key, token = key_of(admin, game)["api_key"], token_of(ann, game)
    world.close()

    world = World(settings_for(url, "native", root_key=f"{new},{old}"))
    assert [game_with(world, each) for each in (former, key)] == [game["id"]] * 2
    assert verifies(world, game, ann, token)
    world.close()

    world = World(settings_for(url, "native", root_key=new))
    assert [game_with(world, each) for each in (former, key)] == [None, game["id"]]
    assert verifies(world, game, ann, token)
    assert token_of(world.signed_in(ann.username, PASSWORD), game) == token
    assert world.admin().post(f"/kongregate/games/{game['id']}/show-key").json()["api_key"] == key
    key_of(world.admin(), game, overlap_seconds=0)
    assert sealed_by(world, new) == {True}
    world.close()


def test_a_lost_root_key_costs_keys_and_tokens_until_they_are_replaced(url):
    world = World(settings_for(url, "native", root_key=generated()))
    admin, ann = world.admin(), world.person()
    game = a_game(admin)
    token = token_of(ann, game)
    world.close()

    world = World(settings_for(url, "native", root_key=generated()))
    admin, ann = world.admin(), world.signed_in(ann.username, PASSWORD, ann.id)
    assert admin.post(f"/kongregate/games/{game['id']}/show-key").status_code == 404
    assert game_with(world, game["api_key"]) is None
    assert not verifies(world, game, ann, token)
    assert verifies(world, game, ann, token_of(ann, game))
    key = key_of(admin, game)["api_key"]
    assert admin.post(f"/kongregate/games/{game['id']}/show-key").json()["api_key"] == key
    assert game_with(world, key) == game["id"]
    world.close()

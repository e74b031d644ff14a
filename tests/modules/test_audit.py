"""The audit log: what it tells, what it never tells, and that nothing in it can be changed unseen."""

import asyncio
import json
import random

import pytest
from gamehall_server.admin import opened, verify_audit
from gamehall_server.kit.audit import audit, heads, seal, verify
from gamehall_server.kit.storage import Query
from gamehall_server.migrate import Unusable
from people import CANARIES, PASSWORD, fresh
from sqlalchemy import BigInteger, bindparam, delete, insert, select, update
from worlds import World, settings_for, sqlite_url

from tests.databases import shared_postgres

_t = audit.table
ALL = Query(select(_t).order_by(_t.c.seq), audit.Row)
LAST = Query(select(_t).order_by(_t.c.id.desc()).limit(1), audit.Row)
TEXTS = ("operation", "principal", "request_id", "address", "client", "target", "changes", "prev_hash", "hash")
NUMBERS = ("id", "at", "seq")
SET = {
    name: Query(update(_t).where(_t.c.id == bindparam("row", type_=BigInteger)).values({name: bindparam("to", type_=_t.c[name].type)}))
    for name in (*TEXTS, *NUMBERS)
}
REMOVE = Query(delete(_t).where(_t.c.id == bindparam("row", type_=BigInteger)))
PUT = Query(insert(_t))
HEAD = Query(select(heads.table), heads.Row)
SET_HEAD = Query(update(heads.table).values(seq=bindparam("number", type_=BigInteger), hash=bindparam("its"), mark=bindparam("proof")))
CHANGES = 1000


def last_row(world):
    async def read():
        return await world.server.product.database.reader().one(LAST)

    return world.inside(read)


def told(world):
    row = last_row(world)
    return row.target, json.loads(row.changes or "{}")


# What it tells.


def test_it_tells_who_did_what_to_what_from_where(world, admin):
    word = fresh("ROLE_")
    answer = admin.post("/auth/roles", {"role": word, "name": "Name"})

    row = last_row(world)

    assert (row.operation, row.principal) == ("/gamehall.access.v1.RoleService/CreateRole", f"user:{admin.id}")
    assert (row.client, row.address, row.request_id) == ("web", "127.0.0.1", answer.headers["x-request-id"])
    assert told(world) == (f"role:{word}", {f"role:{word}": {"name": [None, "Name"]}})


def test_it_tells_what_was_and_what_became_of_it(world, admin):
    word = fresh("ROLE_")
    admin.post("/auth/roles", {"role": word, "name": "Name"})
    admin.put(f"/auth/roles/{word}/permissions", ["USERS_ADMIN"])
    assert told(world)[1] == {f"role:{word}": {"permissions": [[], ["USERS_ADMIN"]]}}

    admin.put(f"/auth/roles/{word}", {"role": word, "name": "Other"})
    assert told(world)[1] == {f"role:{word}": {"name": ["Name", "Other"]}}

    permission = fresh("WORD_")
    admin.post("/auth/permissions", {"permission": permission, "name": "a"})
    admin.put(f"/auth/permissions/{permission}", {"permission": permission, "name": "b"})
    assert told(world)[1] == {f"permission:{permission}": {"name": ["a", "b"]}}


def test_it_never_tells_a_secret_or_what_is_confidential(world, admin):
    key, name = fresh("server."), fresh("config")
    secret = admin.post("/auth/clients", {"client_key": key, "name": key}).json()["secret"]
    CANARIES.add(secret)
    other = fresh("another-secret-of-this-very-test-")
    CANARIES.add(other)
    admin.put(f"/auth/clients/{key}", {"client_key": key, "name": key, "secret": other})
    assert told(world)[1] == {f"client:{key}": {"secret": [None, "changed"]}}
    admin.post("/configs", {"name": name, "value": "the value of a config"})
    admin.put(f"/configs/{name}", {"name": name, "value": "another value of it"})
    assert told(world)[1] == {f"config:{name}": {"value": ["confidential", "confidential, changed"]}}

    async def everything():
        return [str(row) for row in await world.server.product.database.reader().all(ALL)]

    rows = " ".join(world.inside(everything))
    assert [word for word in (*CANARIES, PASSWORD, "the value of a config", "another value of it") if word in rows] == []


def test_a_refusal_leaves_no_row(world, admin, ann):
    before = last_row(world).id

    assert ann.post("/auth/roles", {"role": fresh("ROLE_"), "name": "x"}).status_code == 403
    assert admin.post("/auth/roles", {"role": "ROLE_USER", "name": "x"}).status_code == 400

    assert last_row(world).id == before


# The chain.


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def logged(request, tmp_path_factory):
    """A deployment with some dozens of rows, all sealed."""
    url = shared_postgres().fresh() if request.param == "postgresql" else sqlite_url(tmp_path_factory.mktemp("logged"))
    world = World(settings_for(url, "native"))
    admin = world.admin()
    for _ in range(12):
        word = fresh("ROLE_")
        admin.post("/auth/roles", {"role": word, "name": "Name"})
        admin.put(f"/auth/roles/{word}/permissions", ["USERS_ADMIN", "COMMENTS_ADMIN"])
        admin.delete(f"/auth/roles/{word}")
    world.end()
    # Without its doors nobody seals what the test changes.
    return Closed(world.settings)


class Closed:
    """A deployment that nobody reaches."""

    def __init__(self, settings):
        self._settings = settings

    def run(self, story):
        async def within():
            async with opened(self._settings) as product:
                await story(product)

        asyncio.run(within())


async def sealed(product):
    while await seal(product.database, product.secrets):
        pass

    async def read(db):
        return await db.all(ALL)

    return await product.database.write(read)


def test_what_nobody_touched_is_as_it_was_written(logged):
    async def story(product):
        rows = await sealed(product)
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert len(rows) >= 36
        told = await verify_audit(product, "")
        assert told.startswith(f"{len(rows)} rows, all as they were written; the end is {len(rows)}:")
        assert await verify_audit(product, told.rpartition(" ")[2]) == told

    logged.run(story)


def test_every_single_byte_deletion_and_swap_is_found(logged, record_property):
    """A thousand, by chance, each taken back again."""
    chance = random.Random(7)

    async def story(product):
        rows = await sealed(product)
        write, secrets = product.database.write, product.secrets
        unseen = []
        for number in range(CHANGES):
            row = chance.choice(rows)
            kind = chance.choice(("byte", "byte", "number", "deletion", "swap"))
            if kind == "byte":
                name = chance.choice([each for each in TEXTS if getattr(row, each)])
                text = getattr(row, name)
                at = chance.randrange(len(text))
                other = text[:at] + chance.choice([c for c in "0aZ~" if c != text[at]]) + text[at + 1 :]
                undo, todo = [(SET[name], {"row": row.id, "to": text})], [(SET[name], {"row": row.id, "to": other})]
            elif kind == "number":
                name, value = "at", row.at ^ (1 << chance.randrange(40))
                undo, todo = [(SET[name], {"row": row.id, "to": row.at})], [(SET[name], {"row": row.id, "to": value})]
            elif kind == "deletion":
                whole = {column: getattr(row, column) for column in _t.columns.keys()}
                undo, todo = [(PUT, whole)], [(REMOVE, {"row": row.id})]
            else:
                second = chance.choice([each for each in rows if each is not row])
                one, two = ({"row": each.id} for each in (row, second))
                todo = [(SET["seq"], {**one, "to": None}), (SET["seq"], {**two, "to": row.seq}), (SET["seq"], {**one, "to": second.seq})]
                undo = [(SET["seq"], {**one, "to": None}), (SET["seq"], {**two, "to": second.seq}), (SET["seq"], {**one, "to": row.seq})]

            async def do(db, statements):
                for query, values in statements:
                    assert await db.run(query, **values) == 1

            await write(lambda db, todo=todo: do(db, todo))
            if not (await verify(product.database, secrets)).problems:
                unseen.append((number, kind, row.seq))
            await write(lambda db, undo=undo: do(db, undo))
        for what, number in (("changes", CHANGES), ("unseen", len(unseen))):
            record_property(what, number)
        assert unseen == []
        assert (await verify(product.database, secrets)).problems == []

    logged.run(story)


def test_the_head_cannot_be_changed_unseen_and_an_older_one_is_known_by_an_end_told_before(logged):
    async def story(product):
        rows = await sealed(product)
        head = await product.database.reader().one(HEAD)
        end = (await verify(product.database, product.secrets)).head

        async def set_head(db, number, its, proof):
            await db.run(SET_HEAD, number=number, its=its, proof=proof)

        for wrong in ((head.seq - 1, rows[-2].hash, head.mark), (head.seq, head.hash, ""), (0, "", "")):
            await product.database.write(lambda db, wrong=wrong: set_head(db, *wrong))
            with pytest.raises(Unusable, match="the head"):
                await verify_audit(product, "")
        await product.database.write(lambda db: set_head(db, head.seq, head.hash, head.mark))

        with pytest.raises(Unusable, match="told before"):
            await verify_audit(product, end + "0")
        assert (await verify(product.database, product.secrets, end)).problems == []

    logged.run(story)

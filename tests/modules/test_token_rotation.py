"""Rotation of refresh tokens, as the sessions promise it."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.outbox import outbox
from gamehall_server.kit.storage import Query
from gamehall_server.modules.auth.sessions import GRACE, MOST_REPLAYS
from people import PASSWORD
from sqlalchemy import select

from tests.contract.callers import session_of
from tests.contract.doors import published_refusal
from tests.modules.oauth import ask, by_refresh_token, children, made_older, me, refresh, refusal


def test_the_same_old_token_gives_the_same_child_three_times(world, ann):
    child = refresh(world, ann.refresh_token)["refresh_token"]

    again = [refresh(world, ann.refresh_token) for _ in range(MOST_REPLAYS)]

    assert [told["refresh_token"] for told in again] == [child] * 3
    assert all(me(world, told["access_token"]).ok for told in again)
    assert refresh(world, child)


def test_the_fifth_use_ends_the_family(world, ann):
    told = [refresh(world, ann.refresh_token) for _ in range(1 + MOST_REPLAYS)]

    assert refresh(world, ann.refresh_token) is None
    assert refresh(world, told[0]["refresh_token"]) is None
    assert [me(world, each["access_token"]).status_code for each in told] == [401] * 4


def test_once_the_child_is_used_its_parent_ends_the_family(world, ann):
    child = refresh(world, ann.refresh_token)
    grandchild = refresh(world, child["refresh_token"])
    assert me(world, grandchild["access_token"]).ok

    assert refresh(world, ann.refresh_token) is None

    assert refresh(world, grandchild["refresh_token"]) is None
    assert me(world, grandchild["access_token"]).status_code == 401


def test_reuse_after_the_grace_ends_the_family_at_once_and_no_other(world, ann):
    other = world.signed_in(ann.username, PASSWORD)
    child = refresh(world, ann.refresh_token)
    assert me(world, ann.token).ok
    assert me(world, child["access_token"]).ok

    made_older(world, ann.refresh_token, used=GRACE + SECOND)
    reuse = refresh(world, ann.refresh_token)

    assert reuse is None
    for token in (ann.token, child["access_token"]):
        assert published_refusal(me(world, token)) == ("UNAUTHENTICATED", "TOKEN_INVALID")
    assert refresh(world, child["refresh_token"]) is None
    assert me(world, other.token).ok
    assert refresh(world, other.refresh_token)


def test_reuse_is_announced_although_it_is_refused(world, ann):
    refresh(world, ann.refresh_token)
    made_older(world, ann.refresh_token, used=GRACE + SECOND)
    refresh(world, ann.refresh_token)

    async def events():
        query = Query(select(outbox.table.c.body).where(outbox.table.c.key == f"session:{session_of(ann)}"))
        return await world.server.product.database.reader().all(query)

    assert [json.loads(row[0]) for row in world.inside(events)] == [{"session": session_of(ann), "user": ann.id}]


def test_within_the_grace_the_age_of_the_use_does_not_count(world, ann):
    child = refresh(world, ann.refresh_token)

    made_older(world, ann.refresh_token, used=GRACE - 15 * SECOND)

    assert refresh(world, ann.refresh_token)["refresh_token"] == child["refresh_token"]


def test_a_refresh_token_that_nobody_used_expires(world, ann):
    made_older(world, ann.refresh_token, given=31 * 24 * 3600 * SECOND)

    assert refresh(world, ann.refresh_token) is None
    assert me(world, ann.token).ok


def test_a_refresh_token_is_its_clients_alone(world, ann):
    refusal(ask(world, **by_refresh_token(ann.refresh_token, client_id="knetik")), 400, "invalid_grant")

    assert refresh(world, ann.refresh_token)


def test_one_refresh_token_used_at_once_has_one_child(world, ann):
    barrier = Barrier(30)

    def use(_):
        barrier.wait()
        return refresh(world, ann.refresh_token)

    with ThreadPoolExecutor(30) as pool:
        answers = [told for told in pool.map(use, range(30)) if told]

    assert len({told["refresh_token"] for told in answers}) == 1
    assert len(answers) == 1 + MOST_REPLAYS
    assert family_size(world, ann) == 2
    assert refresh(world, answers[0]["refresh_token"]) is None
    assert {me(world, told["access_token"]).status_code for told in answers} == {401}


def test_four_at_once_all_go_on(world, ann):
    barrier = Barrier(1 + MOST_REPLAYS)

    def use(_):
        barrier.wait()
        return refresh(world, ann.refresh_token)["refresh_token"]

    with ThreadPoolExecutor(1 + MOST_REPLAYS) as pool:
        children = set(pool.map(use, range(1 + MOST_REPLAYS)))

    assert len(children) == 1
    assert refresh(world, children.pop())


def family_size(world, person):
    """Refresh tokens of a person's session, used or not."""

    async def count():
        return await world.server.product.database.reader().value(children, session=session_of(person))

    return world.inside(count)

"""Requests to the OAuth endpoint, and sessions made older."""

import hashlib

import requests
from gamehall_server.kit.storage import Query
from gamehall_server.modules.auth.sessions import tokens
from people import PASSWORD
from sqlalchemy import BigInteger, bindparam, func, select, update

_t = tokens.table
children = Query(select(func.count()).select_from(_t).where(_t.c.session_id == bindparam("session", type_=BigInteger)))
age = Query(
    update(_t)
    .where(_t.c.hash == bindparam("this"))
    .values(used_at=_t.c.used_at - bindparam("by", type_=BigInteger), expires_at=_t.c.expires_at - bindparam("all", type_=BigInteger))
)


def ask(world, **form):
    """POST /oauth/token with a form."""
    return requests.post(world.url + "/oauth/token", data=form)


def by_password(person, **more):
    return {"grant_type": "password", "client_id": "web", "username": person.username, "password": PASSWORD, **more}


def by_refresh_token(token, **more):
    return {"grant_type": "refresh_token", "client_id": "web", "refresh_token": token, **more}


def refusal(answer, status, word):
    """What a token request was refused with, which must be as RFC 6749 section 5.2 says."""
    told = answer.json()
    assert (answer.status_code, told["error"]) == (status, word), answer.text
    assert set(told) == {"error", "error_description"}
    assert "no-store" in answer.headers["cache-control"]
    return told["error_description"]


def me(world, token):
    return requests.get(world.url + "/me", headers={"Authorization": f"Bearer {token}"})


def refresh(world, token):
    """The answer to a refresh token, or None where it was refused as any wrong one is."""
    answer = ask(world, **by_refresh_token(token))
    if answer.ok:
        return answer.json()
    refusal(answer, 400, "invalid_grant")
    return None


def made_older(world, token, used=0, given=0):
    """Moves the moment of a refresh token's use, and that of its end, back by so many microseconds."""

    async def move():
        async def work(db):
            return await db.run(age, this=hashlib.sha256(token.encode()).hexdigest(), by=used, all=given)

        return await world.server.product.database.write(work)

    assert world.inside(move) == 1

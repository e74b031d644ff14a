"""A second factor in tests: an app that shows codes, and people who have one."""

import base64
import hashlib
import hmac
import struct
import time

from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_server.kit.storage import Query
from gamehall_server.modules.second_factor.tables import codes, factors
from people import CANARIES
from sqlalchemy import BigInteger, bindparam, select, update

from tests.modules.oauth import ask, by_password

REQUIRED, WRONG, ON = (getattr(ErrorReason, f"ERROR_REASON_SECOND_FACTOR_{word}") for word in ("REQUIRED", "WRONG", "ON"))
HERE = "http://127.0.0.1/signed-in"
ME = "/users/me/second-factor"
_f = factors.table
ROW = Query(select(_f).where(_f.c.user_id == bindparam("user", type_=BigInteger)), factors.Row)
CODES = Query(select(codes.table).where(codes.table.c.user_id == bindparam("user", type_=BigInteger)), codes.Row)
UNUSED = Query(update(_f).where(_f.c.user_id == bindparam("user", type_=BigInteger)).values(last_step=0))
UNREADABLE = Query(update(_f).values(sealed=bindparam("sealed")))


def hotp(secret, step, digits=6):
    """RFC 4226 section 5.3, on its own."""
    key = base64.b32decode(secret) if isinstance(secret, str) else secret
    mac = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[-1] & 15
    return str((int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF) % 10**digits).zfill(digits)


def code(secret, steps=0):
    """What an app shows, so many steps from now."""
    return hotp(secret, int(time.time()) // 30 + steps)


def inside(world, query, **values):
    async def work():
        async def write(db):
            return await (db.run(query, **values) if query.sqlite.writes else db.all(query, **values))

        return await world.server.product.database.write(write)

    return world.inside(work)


def begun(person):
    answer = person.post(ME)
    assert answer.status_code == 200, answer.text
    CANARIES.update(answer.json().values())
    return answer.json()["secret"]


def turned_on(world, person):
    """The secret and the recovery codes of somebody who has a second factor from now on. The current code is good again."""
    secret = begun(person)
    answer = person.put(ME, {"otp": code(secret)})
    assert answer.status_code == 200, answer.text
    recovery = answer.json()["recovery_codes"]
    CANARIES.update(recovery)
    inside(world, UNUSED, user=person.id)
    return secret, recovery


def signed_in(world, person, **more):
    answer = ask(world, **by_password(person, **more))
    if answer.ok:
        CANARIES.update({answer.json()["access_token"], answer.json()["refresh_token"]})
    return answer


def refused(answer, reason):
    """A refusal that old clients can show and new ones can tell from others."""
    told = answer.json()
    assert (answer.status_code, told["error"], told["code"]) == (400, "invalid_grant", reason), answer.text
    assert told["result"] == [{"field": "otp", "message": told["error_description"], "details": None}]
    assert told["request_id"] == answer.headers["x-request-id"]
    return told["error_description"]

"""Idempotency keys: a repeated call with the same key gets the first call's answer, and nothing happens twice.

The answer is kept in the transaction of the effect, so a crash leaves both or neither. Two calls with one key at once: the second to
commit meets the primary key, is rolled back, runs again and finds the answer. Refusals are not kept.
"""

import hashlib

from google.protobuf.message import Message
from sqlalchemy import BigInteger, LargeBinary, bindparam, delete, insert, select
from sqlmodel import Field, SQLModel

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.columns import Moment
from gamehall_server.kit.errors import Duplicate, Invalid, KeyReused
from gamehall_server.kit.rpc import Rpc
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.kit.validation import rules_of

KEPT_FOR: Micros = 24 * 3600 * SECOND
LONGEST_KEY = 255


class IdempotencyRow(SQLModel, table=True):
    """The answer that was given to a key."""

    __tablename__ = "idempotency"

    principal: str = Field(primary_key=True)
    operation: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: bytes = Field(sa_type=LargeBinary, nullable=False)
    answer: bytes = Field(sa_type=LargeBinary, nullable=False)
    at: int = Field(sa_type=Moment, nullable=False, index=True)


idempotency = table_of(IdempotencyRow)
_t = idempotency.table
_this = (_t.c.principal == bindparam("principal"), _t.c.operation == bindparam("operation"), _t.c.key == bindparam("key"))
_find = Query(select(_t).where(*_this), idempotency.Row)
_insert = Query(insert(_t))
_forget = Query(delete(_t).where(*_this, _t.c.at < bindparam("before", type_=BigInteger)))
_sweep = Query(delete(_t).where(_t.c.at < bindparam("before", type_=BigInteger)))


def checked(key: str) -> str:
    """The key; raises Invalid unless it is 1 to 255 visible ASCII characters."""
    if not 0 < len(key) <= LONGEST_KEY or not all("!" <= character <= "~" for character in key):
        raise Invalid("1 to 255 visible ASCII characters", field="Idempotency-Key")
    return key


def digest_of(request: Message) -> bytes:
    """SHA-256 of the request without its secrets: a digest of a short password could be guessed."""
    copy = type(request)()
    copy.CopyFrom(request)
    _clear_secrets(copy)
    return hashlib.sha256(copy.SerializeToString(deterministic=True)).digest()


def _clear_secrets(message: Message) -> None:
    for field, value in message.ListFields():
        if rules_of(field).secret:
            message.ClearField(field.name)
        elif field.message_type is not None and not field.is_repeated:
            _clear_secrets(value)


def _identity(rpc: Rpc, call: Call) -> dict[str, str]:
    return {
        "principal": "anonymous" if call.caller is None else call.caller.principal,
        "operation": rpc.name,
        "key": checked(call.arrival.idempotency_key or ""),
    }


async def answered(rpc: Rpc, call: Call, digest: bytes) -> Message | None:
    """The answer this key got before, or None. Raises KeyReused when it belongs to another request."""
    identity = _identity(rpc, call)
    row = await call.db.one(_find, **identity)
    if row is None:
        return None
    if row.at < call.now - KEPT_FOR:
        await call.db.run(_forget, before=call.now - KEPT_FOR, **identity)
        return None
    if row.digest != digest:
        raise KeyReused(field="Idempotency-Key")
    call.arrival.replayed = True
    return rpc.response.FromString(row.answer)


def keep(rpc: Rpc, call: Call, digest: bytes, answer: Message) -> None:
    """Keeps the answer for the key, in the call's transaction."""
    call.db.later(_insert, digest=digest, answer=answer.SerializeToString(), at=call.now, **_identity(rpc, call))


def raced(duplicate: Duplicate) -> bool:
    """Whether a unique violation means that another call with the same key committed first."""
    return {violation.field for violation in duplicate.violations} == {"principal", "operation", "key"}


async def sweep(db: Handle, now: Micros) -> None:
    """Removes the answers that are no longer kept."""
    await db.run(_sweep, before=now - KEPT_FOR)

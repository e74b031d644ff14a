"""Codes for those who forgot their password.

A call only writes down, sealed, who was meant. The consumer below looks who that is, makes a code, and keeps its SHA-256. The code itself
goes into the event `forgot_password`, sealed with the deployment's root key: a mail is made of it, and the database alone gives none away.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, func, select

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.dispatch import Consumer, Delivery
from gamehall_server.kit.events import Task, task
from gamehall_server.kit.outbox import Outbox
from gamehall_server.kit.secrets import Secrets
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.modules.configs import BuiltIn, ConfigValues, Kind, whole
from gamehall_server.modules.mail import Letter
from gamehall_server.modules.users.tables import PasswordResetRow, users

REQUEST, CODE = "password reset request", "password reset code"
# Codes of one user that are good at once: who asks for more gets none until one expires.
MOST_CODES, MOST_USERS = 3, 5


def _link(text: str) -> str:
    if text and not (text.startswith(("http://", "https://")) and "{secret}" in text and "{id}" in text):
        raise ValueError
    return text


RESET_MINUTES = BuiltIn("users.password_reset_minutes", "How long a code for a new password is good, in minutes.", whole(5, 1440), "30")
RESET_URL = BuiltIn(
    "users.password_reset_url",
    "The page of yours where a new password is chosen.",
    Kind("an address with {id} and {secret} in it, or nothing", _link),
)
BUILT_INS = (RESET_MINUTES, RESET_URL)


class ResetAsked(Task, frozen=True):
    """Somebody forgot a password: who, is sealed under `id`."""

    by: str
    told: str
    id: str


class ForgotPassword(Task, frozen=True):
    """A user may choose another password. `reset` is the code's SHA-256, `code` the code itself, sealed under that."""

    user_id: int
    reset: str
    code: str


_t, _u = table_of(PasswordResetRow), users.table
_big = BigInteger
_id = bindparam("id", type_=_big)
_now = bindparam("now", type_=_big)
_live = _t.table.c.expires_at > _now
_this = (_t.table.c.hash == bindparam("hash"), _t.table.c.user_id == _id, _live)
_found = Query(select(_t.table.c.user_id).where(*_this))
_lock = Query(select(_t.table.c.user_id).where(*_this).with_for_update())
_codes = Query(select(func.count()).select_from(_t.table).where(_t.table.c.user_id == _id, _live))
_drop = Query(delete(_t.table).where(_t.table.c.user_id == _id))
_sweep = Query(delete(_t.table).where(_t.table.c.expires_at <= _now))
_known_by = {
    name: Query(select(_u.c.id).where(column == bindparam("told")).order_by(_u.c.id).limit(MOST_USERS))
    for name, column in (("username", _u.c.username_key), ("email", _u.c.email_folded), ("mobile_number", _u.c.mobile_number))
}
_lock_user = Query(select(_u.c.id).where(_u.c.id == _id).with_for_update())


def hash_of(code: str) -> str:
    """SHA-256 of a code of 192 random bits, which needs no slow hash."""
    return hashlib.sha256(code.encode()).hexdigest()


async def found_reset(db: Handle, hash: str, user_id: int, now: Micros) -> bool:
    """Whether this is a code of the user that is still good."""
    return await db.one(_found, hash=hash, id=user_id, now=now) is not None


async def lock_reset(db: Handle, hash: str, user_id: int, now: Micros) -> bool:
    """As `found_reset`, and nobody else uses the code before the transaction ends."""
    return await db.one(_lock, hash=hash, id=user_id, now=now) is not None


def drop_resets(db: Handle, user_id: int) -> None:
    """Makes every code of a user no good."""
    db.later(_drop, id=user_id)


async def sweep_resets(db: Handle) -> None:
    """Removes expired codes."""
    await db.run(_sweep, now=clock.real_micros())


class Resets:
    """Makes codes, and the letters that bring them."""

    def __init__(
        self, outbox: Outbox, secrets: Secrets, configs: ConfigValues, now: Callable[[], Micros], reader: Callable[[], Handle]
    ) -> None:
        self._outbox = outbox
        self._secrets = secrets
        self._value = configs.value
        self._now = now
        self._reader = reader

    @property
    def consumer(self) -> Consumer:
        """Takes what was asked for."""
        return Consumer("password_reset", ("password_reset_asked",), self._take)

    async def _take(self, delivery: Delivery) -> Callable[[Handle], Awaitable[None]]:
        by = delivery.body["by"]
        told = self._secrets.open(REQUEST, delivery.body["id"], delivery.body["told"])

        async def finish(db: Handle) -> None:
            found = [(int(told),)] if by == "id" else await db.all(_known_by[by], told=told)
            for (user_id,) in found:
                await self._make_code(db, user_id)

        return finish

    async def _make_code(self, db: Handle, user_id: int) -> None:
        now = clock.real_micros()
        if await db.one(_lock_user, id=user_id) is None or await db.value(_codes, id=user_id, now=now) >= MOST_CODES:
            return
        code = clock.token(24)
        hash = hash_of(code)
        db.later(_t.insert, hash=hash, user_id=user_id, expires_at=now + self._value(RESET_MINUTES) * 60 * SECOND)
        event = ForgotPassword(f"user:{user_id}", user_id, hash, self._secrets.seal(CODE, hash, code))
        await self._outbox.keep(db, self._now(), [task("forgot_password", event)])

    async def letter(self, delivery: Delivery) -> Letter | None:
        """The mail with the code; None for a user without an address, and for a code that is no good any more."""
        user_id, hash = delivery.body["user_id"], delivery.body["reset"]
        row: Any = await self._reader().one(users.get, id=user_id)
        if row is None or not row.email or not await found_reset(self._reader(), hash, user_id, clock.real_micros()):
            return None
        code = self._secrets.open(CODE, hash, delivery.body["code"])
        link = self._value(RESET_URL).replace("{id}", str(user_id)).replace("{secret}", code)
        told = {"id": str(user_id), "code": code, "link": link, "name": row.display_name, "minutes": str(self._value(RESET_MINUTES))}
        return Letter(row.email, "forgot_password", told)

"""What is kept of webhooks and their secrets."""

from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, or_, select, update
from sqlmodel import Field

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.columns import Moment, NumberedRow, Wire
from gamehall_server.kit.outbox import outbox
from gamehall_server.kit.storage import Handle, Query, any_of, table_of


class WebhookRow(NumberedRow, table=True):
    """Where events go, and which. `disabled_reason`: nothing is kept for it any more. `failing_since`: every try since then has failed."""

    __tablename__ = "webhook"

    name: str = Field(nullable=False)
    url: str = Field(nullable=False)
    event_names: bytes | None = Field(default=None, sa_type=Wire)
    asymmetric: bool = Field(nullable=False)
    paused: bool = Field(nullable=False)
    disabled_reason: str | None = Field(default=None)
    failing_since: int | None = Field(default=None, sa_type=Moment)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


class WebhookSecretRow(NumberedRow, table=True):
    """A secret of a webhook, sealed. `until`: it signs until then beside its successor; null: the one that is shown."""

    __tablename__ = "webhook_secret"

    webhook_id: int = Field(foreign_key="webhook.id", sa_type=BigInteger, nullable=False, index=True, ondelete="CASCADE")
    sealed: str = Field(nullable=False)
    until: int | None = Field(default=None, sa_type=Moment)


webhooks, secrets = table_of(WebhookRow), table_of(WebhookSecretRow)
_w, _s, _o = webhooks.table, secrets.table, outbox.table
_big = BigInteger
_this = _w.c.id == bindparam("this", type_=_big)
_at = bindparam("at", type_=_big)
every = Query(select(_w).order_by(_w.c.id), webhooks.Row)
_signing = Query(
    select(_w.c.id, _w.c.url, _w.c.asymmetric, _s.c.id, _s.c.sealed)
    .join(_s, _s.c.webhook_id == _w.c.id)
    .where(any_of(_w.c.id, "ids"), or_(_s.c.until.is_(None), _s.c.until > _at))
    .order_by(_w.c.id, _s.c.id.desc())
)
_current = Query(select(_s.c.id, _s.c.sealed).where(_s.c.webhook_id == bindparam("this", type_=_big), _s.c.until.is_(None)))
_retire = Query(
    update(_s).where(_s.c.webhook_id == bindparam("this", type_=_big), or_(_s.c.until.is_(None), _s.c.until > _at)).values(until=_at)
)
_expired = Query(delete(_s).where(_s.c.webhook_id == bindparam("this", type_=_big), _s.c.until <= _at))
_fails = Query(update(_w).where(_this, _w.c.failing_since.is_(None)).values(failing_since=_at))
_works = Query(update(_w).where(_this).values(failing_since=None))
_disable = Query(update(_w).where(_this, _w.c.disabled_reason.is_(None)).values(disabled_reason=bindparam("reason")))
pause = Query(update(_w).where(_this).values(paused=True))
resume = Query(update(_w).where(_this).values(paused=False, disabled_reason=None, failing_since=None))
happened = Query(
    select(_o.c.id, _o.c.type, _o.c.key, _o.c.at, _o.c.body, _o.c.request)
    .where(_o.c.listed, _o.c.at >= bindparam("since", type_=_big), _o.c.at < bindparam("before", type_=_big))
    .order_by(_o.c.seq, _o.c.id)
)


async def signing(db: Handle, ids: list[int], now: Micros) -> list[Any]:
    """For some webhooks each secret that signs, the newest first: (webhook, URL, whether v1a is wanted, number of the secret, sealed)."""
    return await db.all(_signing, ids=ids, at=now)


async def current_secret(db: Handle, webhook: int) -> Any:
    """The secret that is shown: its number, and sealed."""
    return await db.one(_current, this=webhook)


async def keep_secret(db: Handle, webhook: int, id: int, sealed: str, now: Micros, overlap: Micros) -> None:
    """Makes this the secret that is shown; the one before signs until the overlap is over, and none before it any longer."""
    await db.run(_retire, this=webhook, at=now + overlap)
    await db.run(_expired, this=webhook, at=now)
    db.later(secrets.insert, id=id, webhook_id=webhook, sealed=sealed, until=None)


async def disable(db: Handle, webhook: int, reason: str) -> bool:
    """Sends nothing more; whether it was not so already."""
    return bool(await db.run(_disable, this=webhook, reason=reason))


def fails(db: Handle, webhook: int, now: Micros) -> None:
    """Notes since when it fails."""
    db.later(_fails, this=webhook, at=now)


def works(db: Handle, webhook: int) -> None:
    """Notes that it has taken something."""
    db.later(_works, this=webhook)

"""What is kept of social sign-in: who is whom, providers that are data, and what was used up."""

import logging
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, UniqueConstraint, bindparam, delete, func, insert, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.kit.secrets import Secrets, Unreadable
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.modules.access import revoke
from gamehall_server.modules.access.tables import SessionRow

log = logging.getLogger("gamehall.social")
# What secrets of providers are sealed for.
PURPOSE = "provider"


class IdentityRow(NumberedRow, table=True):
    """A user's account with a provider. `subject` is who it is among those of `app`: an app of Facebook's, or an issuer of ID tokens."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("provider", "app", "subject"), UniqueConstraint("user_id", "provider"))

    provider: str = Field(nullable=False)
    app: str = Field(nullable=False)
    subject: str = Field(nullable=False)
    user_id: int = Field(foreign_key="user.id", sa_type=BigInteger, nullable=False)
    linked_date: int = Field(sa_type=Moment, nullable=False)


class ProviderRow(SQLModel, table=True):
    """A provider of OpenID Connect. Its secret is sealed."""

    __tablename__ = "provider"

    name: str = Field(primary_key=True)
    title: str = Field(nullable=False)
    issuer: str = Field(nullable=False)
    client_id: str = Field(nullable=False)
    other_client_ids: str = Field(nullable=False)
    sealed_secret: str | None = Field(default=None)
    redirect_uri: str = Field(nullable=False)
    algorithm: str = Field(nullable=False)
    team_id: str = Field(nullable=False)
    key_id: str = Field(nullable=False)
    enabled: bool = Field(nullable=False)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


class SpentRow(SQLModel, table=True):
    """A proof that was used, by its hash, until it would no longer be good anyway."""

    __tablename__ = "spent_proof"

    hash: str = Field(primary_key=True)
    until: int = Field(sa_type=Moment, nullable=False, index=True)


_i, _p, _s = (table_of(row).table for row in (IdentityRow, ProviderRow, SpentRow))
identities, providers = table_of(IdentityRow), table_of(ProviderRow)
_user = bindparam("user", type_=BigInteger)
_by_subject = Query(
    select(_i).where(_i.c.provider == bindparam("provider"), _i.c.app == bindparam("app"), _i.c.subject == bindparam("subject")),
    identities.Row,
)
_of_user = Query(select(_i).where(_i.c.user_id == _user).order_by(_i.c.provider), identities.Row)
_with_provider = Query(select(_i.c.id).where(_i.c.user_id == _user, _i.c.provider == bindparam("provider")))
_add = Query(insert(_i))
_replace = Query(
    update(_i)
    .where(_i.c.id == bindparam("this", type_=BigInteger))
    .values(app=bindparam("its_app"), subject=bindparam("its_subject"), linked_date=bindparam("now", type_=BigInteger))
)
_remove = Query(delete(_i).where(_i.c.id == bindparam("this", type_=BigInteger)))
_sessions = table_of(SessionRow).table
_end = Query(
    update(_sessions)
    .where(
        _sessions.c.user_id == _user,
        _sessions.c.grant == bindparam("provider"),
        _sessions.c.id != bindparam("but", type_=BigInteger),
        _sessions.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now", type_=BigInteger))
)
_provider = Query(select(_p).where(_p.c.name == bindparam("name")), providers.Row)
_sealed = Query(select(_p.c.name, _p.c.sealed_secret).where(_p.c.sealed_secret.is_not(None)))
_reseal = Query(update(_p).where(_p.c.name == bindparam("this")).values(sealed_secret=bindparam("box")))
_users_of = Query(select(func.count()).select_from(_i).where(_i.c.provider == bindparam("name")))
_spent = Query(select(_s.c.hash).where(_s.c.hash == bindparam("hash")))
_spend = Query(insert(_s))
_forget = Query(delete(_s).where(_s.c.until < bindparam("now", type_=BigInteger)))


class Key(NamedTuple):
    """Who somebody is, to a provider."""

    provider: str
    app: str
    subject: str

    @property
    def lock(self) -> str:
        """The name of the lock that decides whose it is."""
        return f"identity {self.provider} {self.app} {self.subject}"


async def user_with(db: Handle, key: Key) -> int | None:
    """The user whom this is."""
    found = await db.one(_by_subject, **key._asdict())
    return None if found is None else int(found.user_id)


async def identities_of(db: Handle, user_id: int) -> list[Any]:
    """Rows of a user, by provider."""
    found: list[Any] = await db.all(_of_user, user=user_id)
    return found


async def keep(db: Handle, key: Key, user_id: int, now: Micros) -> bool:
    """This is that user from now on; whoever the user was with this provider no longer is. Gives whether there was somebody."""
    earlier = await db.value(_with_provider, user=user_id, provider=key.provider)
    if earlier is not None:
        db.later(_replace, this=earlier, its_app=key.app, its_subject=key.subject, now=now)
        return True
    db.later(_add, id=await db.new_id("identity"), **key._asdict(), user_id=user_id, linked_date=now)
    return False


def end_sessions(db: Handle, user_id: int, provider: str, now: Micros, but: int) -> None:
    """Ends the sessions that a provider opened for a user, all but one."""
    db.later(_end, user=user_id, provider=provider, now=now, but=but)
    revoke(db, "user", user_id)


def lock_of_identities(user_id: int) -> str:
    """The name of the lock under which the ways to sign in as a user become fewer."""
    return f"identities of {user_id}"


def remove(db: Handle, identity_id: int) -> None:
    """Takes an identity away."""
    db.later(_remove, this=identity_id)


async def provider_of(db: Handle, name: str) -> Any:
    """The row of a provider, or None."""
    return await db.one(_provider, name=name)


def opened(secrets: Secrets, name: str, sealed: str | None) -> str:
    """A provider's secret; nothing where there is none, or none that can be read."""
    try:
        return "" if sealed is None else secrets.open(PURPOSE, name, sealed)
    except Unreadable as problem:
        log.warning("the secret counts as not set: %s", problem)
        return ""


async def settle_providers(db: Handle, secrets: Secrets) -> None:
    """Seals secrets of providers with today's root key."""
    for name, sealed in await db.all(_sealed):
        if secrets.outdated(sealed) and (secret := opened(secrets, name, sealed)):
            db.later(_reseal, this=name, box=secrets.seal(PURPOSE, name, secret))


async def has_identity(db: Handle, user_id: int) -> bool:
    """Whether a user signs in with any provider."""
    return bool(await identities_of(db, user_id))


async def has_users(db: Handle, name: str) -> bool:
    """Whether anybody signs in with this provider."""
    return bool(await db.value(_users_of, name=name))


async def spend(db: Handle, hash: str, until: Micros, now: Micros) -> bool:
    """Uses a proof up; False when it was before."""
    db.later(_forget, now=now)
    if await db.value(_spent, hash=hash) is not None:
        return False
    db.later(_spend, hash=hash, until=until)
    return True

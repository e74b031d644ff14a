"""What is kept of second factors."""

from sqlalchemy import BigInteger, bindparam, delete, func, insert, not_, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Moment
from gamehall_server.kit.secrets import FORM, Secrets, Unreadable
from gamehall_server.kit.storage import Handle, Query, table_of

PURPOSE = "second factor"


class SecondFactorRow(SQLModel, table=True):
    """The secret of a user's authenticator app, sealed (kit/secrets.py). It counts once it is confirmed; a code is good for a
    later step than the last one."""

    __tablename__ = "second_factor"

    user_id: int = Field(primary_key=True, foreign_key="user.id", sa_type=BigInteger)
    sealed: str = Field(nullable=False)
    confirmed_at: int | None = Field(default=None, sa_type=Moment)
    last_step: int = Field(sa_type=BigInteger, nullable=False)


class RecoveryCodeRow(SQLModel, table=True):
    """A recovery code by its SHA-256. It is removed when it is used."""

    __tablename__ = "recovery_code"

    hash: str = Field(primary_key=True)
    user_id: int = Field(foreign_key="user.id", sa_type=BigInteger, nullable=False, index=True)


factors, codes = table_of(SecondFactorRow), table_of(RecoveryCodeRow)
_f, _c = factors.table, codes.table
_user = bindparam("user", type_=BigInteger)
_step = bindparam("step", type_=BigInteger)
_code = (_c.c.user_id == _user, _c.c.hash == bindparam("this"))
find = Query(select(_f).where(_f.c.user_id == _user), factors.Row)
put = Query(insert(_f))
confirm = Query(update(_f).where(_f.c.user_id == _user).values(confirmed_at=bindparam("now", type_=BigInteger), last_step=_step))
take_step = Query(update(_f).where(_f.c.user_id == _user, _f.c.confirmed_at.is_not(None), _f.c.last_step < _step).values(last_step=_step))
remove = Query(delete(_f).where(_f.c.user_id == _user))
put_code = Query(insert(_c))
find_code = Query(select(_c.c.hash).where(*_code))
take_code = Query(delete(_c).where(*_code))
count_codes = Query(select(func.count()).select_from(_c).where(_c.c.user_id == _user))
remove_codes = Query(delete(_c).where(_c.c.user_id == _user))
_outdated = Query(select(_f.c.user_id, _f.c.sealed).where(not_(_f.c.sealed.like(bindparam("current")))))
_reseal = Query(update(_f).where(_f.c.user_id == _user).values(sealed=bindparam("box")))


def drop(db: Handle, user_id: int) -> None:
    """Removes a user's second factor and recovery codes."""
    db.later(remove, user=user_id)
    db.later(remove_codes, user=user_id)


async def settle_second_factors(db: Handle, secrets: Secrets) -> None:
    """Seals secrets with today's root key. Of what no key opens recovery codes are left."""
    for user_id, sealed in await db.all(_outdated, current=f"{FORM}.{secrets.name}.%"):
        try:
            secret = secrets.open(PURPOSE, user_id, sealed)
        except Unreadable:
            continue
        db.later(_reseal, user=user_id, box=secrets.seal(PURPOSE, user_id, secret))

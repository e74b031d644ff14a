"""What is kept of currencies. The migration that makes the table fills it with ISO 4217."""

from gamehall.currencies.v1 import currencies_pb2 as pb
from sqlalchemy import SmallInteger, bindparam, or_, select
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Moment
from gamehall_server.kit.errors import NotFound
from gamehall_server.kit.mapping import Mapper
from gamehall_server.kit.storage import Handle, Query, table_of


class CurrencyRow(SQLModel, table=True):
    """A currency. `type` is the number of CurrencyType; `factor` is kept as its digits, because SQLite has no exact decimals."""

    __tablename__ = "currency"

    code: str = Field(primary_key=True)
    name: str = Field(nullable=False)
    type: int = Field(sa_type=SmallInteger, nullable=False)
    factor: str = Field(nullable=False)
    icon: str | None = Field(default=None)
    active: bool = Field(nullable=False)
    default_currency: bool = Field(nullable=False)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


table = table_of(CurrencyRow).table
mapper = Mapper(pb.Currency, table, {}, {})
_wanted = or_(table.c.code == bindparam("code"), table.c.default_currency)
_find = Query(select(table).where(_wanted).order_by(table.c.default_currency).limit(1))


async def show(db: Handle, code: str, message: pb.Currency) -> None:
    """Fills `message` with the currency of this code, or with the default one where there is none. Raises NotFound without either."""
    row = await db.one(_find, code=code)
    if row is None:
        raise NotFound("There is neither such a currency nor a default one.")
    mapper.fill(message, row)

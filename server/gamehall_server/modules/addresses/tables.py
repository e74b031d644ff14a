"""What is kept of addresses."""

from sqlalchemy import BigInteger, Index, bindparam, select, update
from sqlmodel import Field

from gamehall_server.kit.columns import NumberedRow
from gamehall_server.kit.storage import Handle, Query, table_of


class AddressRow(NumberedRow, table=True):
    """A saved address."""

    __tablename__ = "address"
    __table_args__ = (Index("ix_address_user", "user_id", "id"),)

    user_id: int = Field(foreign_key="user.id", sa_type=BigInteger, nullable=False)
    name: str = Field(nullable=False)
    first_name: str = Field(nullable=False)
    last_name: str = Field(nullable=False)
    address1: str = Field(nullable=False)
    address2: str | None = Field(default=None)
    city: str = Field(nullable=False)
    country_code: str = Field(nullable=False)
    state_code: str | None = Field(default=None)
    postal_code: str | None = Field(default=None)
    phone1: str | None = Field(default=None)
    phone2: str | None = Field(default=None)
    default: bool = Field(nullable=False)


_t = table_of(AddressRow).table
_id = bindparam("this", type_=BigInteger)
_whose = select(_t.c.user_id).where(_t.c.id == _id).scalar_subquery()
_others = Query(update(_t).where(_t.c.user_id == _whose, _t.c.id != _id, _t.c.default).values(default=False))


def only_default(db: Handle, id: int) -> None:
    """No other address of the same user is the default any more."""
    db.later(_others, this=id)

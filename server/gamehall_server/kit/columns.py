"""Kinds of columns, and the base of the tables that number their rows."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel

# Every constraint has a name, so that migrations can speak of it.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
# Rows are no objects of the ORM, and pydantic checks none: neither builds its part of a class before somebody asks, as nobody does.
# It is half of the time that a table takes at start.
SQLModel._sa_decl_prepare = True  # SQLAlchemy's word for classes that are mapped later.
SQLModel.model_config["defer_build"] = True


class Moment(BigInteger):
    """Microseconds since the unix epoch, UTC. On the wire: whole seconds."""

    cache_ok = True


class JSONText(Text):
    """A small JSON value kept as text, for lists that are read and written whole."""

    cache_ok = True


class Wire(LargeBinary):
    """A field of a message that no plain column can hold (a list, a map, a message), as the contract's own bytes: a message of the same
    type with this field alone. Null when it is empty."""

    cache_ok = True


class Exact(UserDefinedType[Any]):
    """A number that is compared with every digit it has: given as a whole number or a Decimal."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "NUMERIC"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        # SQLite keeps whole numbers and others in one column, and compares them as what they are.
        return None if dialect.name == "postgresql" else lambda value: float(value) if isinstance(value, Decimal) else value


class NumberedRow(SQLModel):
    """A table whose rows are numbered by the server. Numbers rise and are never used again."""

    id: int = Field(primary_key=True, sa_type=BigInteger)

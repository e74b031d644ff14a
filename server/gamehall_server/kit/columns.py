"""Kinds of columns, and the base of the tables that number their rows."""

from sqlalchemy import BigInteger, Text
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


class NumberedRow(SQLModel):
    """A table whose rows are numbered by the server. Numbers rise and are never used again."""

    id: int = Field(primary_key=True, sa_type=BigInteger)

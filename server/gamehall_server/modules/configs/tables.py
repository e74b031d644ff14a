"""What is kept of configs."""

from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, func, or_, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.storage import Query, any_of, table_of


class ConfigRow(SQLModel, table=True):
    """A name and its value."""

    __tablename__ = "config"

    name: str = Field(primary_key=True)
    value: str = Field(nullable=False)
    description: str = Field(nullable=False)
    public_read: bool = Field(nullable=False)


rows = table_of(ConfigRow)
table = rows.table
# The rows of built-in configs, and what keeps their descriptions those of this version.
named = Query(select(table.c.name, table.c.value, table.c.description).where(any_of(table.c.name, "names")))
describe = Query(update(table).where(table.c.name == bindparam("named")).values(description=bindparam("told")))
Order = tuple[tuple[str, bool], ...]


def words(search: str) -> str:
    """The pattern of texts that contain `search`."""
    for letter in "/%_":
        search = search.replace(letter, f"/{letter}")
    return f"%{search}%"


def _found(everything: bool) -> Select[Any]:
    contains = [column.ilike(bindparam("words"), escape="/") for column in (table.c.name, table.c.description)]
    counted = select(func.count()).select_from(table).where(or_(*contains))
    return counted if everything else counted.where(table.c.public_read)


@lru_cache(maxsize=256)
def page(everything: bool, order: Order) -> Query[tuple[Any, ...]]:
    """A page of the configs with these words, each with the total."""
    counted = _found(everything)
    by = [table.c[name].asc() if up else table.c[name].desc() for name, up in order]
    assert counted.whereclause is not None
    statement = select(table, counted.scalar_subquery()).where(counted.whereclause).order_by(*by)
    limit, offset = (bindparam(name, type_=BigInteger()) for name in ("limit", "offset"))
    return Query(statement.limit(limit).offset(offset))


@lru_cache(maxsize=2)
def count(everything: bool) -> Query[tuple[Any, ...]]:
    """How many configs have these words."""
    return Query(_found(everything))

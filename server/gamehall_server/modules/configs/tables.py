"""What is kept of configs."""

from sqlalchemy import bindparam, or_, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.storage import Query, any_of, like, table_of


class ConfigRow(SQLModel, table=True):
    """A name and its value. That of a secret is sealed, and `value` says with asterisks that there is one."""

    __tablename__ = "config"

    name: str = Field(primary_key=True)
    value: str = Field(nullable=False)
    description: str = Field(nullable=False)
    public_read: bool = Field(nullable=False)
    sealed: str | None = Field(default=None)


rows = table_of(ConfigRow)
table = rows.table
# The rows of built-in configs, and what keeps their descriptions those of this version.
named = Query(select(table.c.name, table.c.value, table.c.description, table.c.sealed).where(any_of(table.c.name, "names")))
describe = Query(update(table).where(table.c.name == bindparam("named")).values(description=bindparam("told")))
hide = Query(update(table).where(table.c.name == bindparam("named")).values(value=bindparam("shown"), sealed=bindparam("box")))
# The filter of the list.
holds_words = or_(like(table.c.name, "filter_search"), like(table.c.description, "filter_search"))

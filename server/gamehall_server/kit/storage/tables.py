"""Tables: a SQLModel class is the schema; what queries return is a light row type made from its columns."""

from functools import cached_property
from typing import Any, Generic, TypeVar, cast

import msgspec
from sqlalchemy import BigInteger, Column, ColumnElement, Identity, Index, Integer, MetaData, bindparam, delete, insert, select
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.compiler import compiles
from sqlmodel import SQLModel

from gamehall_server.kit.storage.query import Query

R = TypeVar("R", bound=SQLModel)
# PostgreSQL hands out numbers in blocks of this size, so that a process asks once for many.
BLOCK = 64


def partial(name: str, *columns: Any, where: ColumnElement[bool], unique: bool = False) -> Index:
    """An index of the rows for which a condition holds. Migrations read the condition from `info`: said in the dialects' own words it would
    load the dialect of PostgreSQL wherever the table is."""
    return Index(name, *columns, unique=unique, info={"where": where})


@compiles(BigInteger, "sqlite")
def _big_integer_on_sqlite(kind: BigInteger, compiler: Any, **options: Any) -> str:
    # SQLite's integers have 64 bits anyway, and it numbers rows only where the type is spelt so.
    return "INTEGER"


class Table(Generic[R]):
    """A table and its plain statements.

    Row is a msgspec Struct with one attribute per column, built positionally in the order of the columns. For the type checker
    it is the SQLModel class, whose attributes it has; it has none of its methods.
    """

    def __init__(self, model: type[R]) -> None:
        self.table: SQLTable = model.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with table=True.
        self.name = self.table.name
        _number(self.table)

    @cached_property
    def Row(self) -> type[R]:  # It is a class.
        name = "".join(part.capitalize() for part in self.name.split("_"))
        return cast(type[R], msgspec.defstruct(name, [(column.key, Any) for column in self.table.columns], gc=False))

    @cached_property
    def insert(self) -> Query[tuple[Any, ...]]:
        """Takes every column by its name."""
        return Query(insert(self.table))

    @cached_property
    def get(self) -> Query[R]:
        """The row with this primary key, whose columns are the parameters."""
        return Query(select(self.table).where(*self._key), self.Row)

    @cached_property
    def lock(self) -> Query[R]:
        """As `get`, and nobody else changes the row until the transaction ends."""
        return Query(select(self.table).where(*self._key).with_for_update(), self.Row)

    @cached_property
    def delete(self) -> Query[tuple[Any, ...]]:
        """Removes the row with this primary key."""
        return Query(delete(self.table).where(*self._key))

    @property
    def _key(self) -> list[Any]:
        return [column == bindparam(column.key, type_=column.type) for column in self.table.primary_key.columns]


def table_of(model: type[R]) -> Table[R]:
    """The table of a SQLModel class.

    A primary key that is one integer column named id is numbered by `Handle.new_id`: SQLite remembers the highest number ever
    given (AUTOINCREMENT), PostgreSQL has a sequence `<table>_id_seq` that goes in blocks. Both are part of the schema.
    """
    return Table(model)


def renamed(model: type[SQLModel], **names: str) -> SQLTable:
    """Columns of a SQLModel class under the names that a list publishes, in this order: published="own". Of its indexes it has those
    whose columns are all here."""
    return renamed_table(table_of(model).table, **names)


def renamed_table(own: SQLTable, **names: str) -> SQLTable:
    """The same of a table that is at hand."""
    there = {own.columns[name].name: published for published, name in names.items()}
    made = [own.columns[name] for name in names.values()]
    columns = [Column(each.name, each.type, key=there[each.name], primary_key=each.primary_key, nullable=each.nullable) for each in made]
    table = SQLTable(own.name, MetaData(), *columns)
    for index in own.indexes:
        if not index.dialect_kwargs and all(column.name in there for column in index.columns):
            Index(index.name, *(table.columns[there[column.name]] for column in index.columns))
    return table


def is_numbered(table: SQLTable) -> bool:
    """Whether `new_id` numbers the rows of this table."""
    key = list(table.primary_key.columns)
    return len(key) == 1 and key[0].name == "id" and isinstance(key[0].type, Integer) and not key[0].foreign_keys


def _number(table: SQLTable) -> None:
    if not is_numbered(table):
        return
    table.dialect_kwargs["sqlite_autoincrement"] = True
    column = table.columns["id"]
    if column.identity is None:
        Identity(increment=BLOCK)._set_parent(column)

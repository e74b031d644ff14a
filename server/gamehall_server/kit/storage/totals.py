"""How many rows a list has, kept beside its table: counting a list of a million costs what counting one of ten does.

A trigger keeps the numbers in the transaction that changes the rows, whoever changes them and however. On PostgreSQL, where many write at
once, each number is the sum of a few parts, so that writers of one list seldom wait for each other.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Integer, Select, Table, cast, event, func, select
from sqlalchemy.sql.visitors import replacement_traverse
from sqlmodel import SQLModel

PARTS = 8


class Totals:
    """The numbers of rows of one table for each value of some columns that are never null; without columns, of all its rows."""

    def __init__(self, model: type[SQLModel], *columns: str) -> None:
        self.counted: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with table=True.
        self.columns = frozenset(columns)
        self.table = Table(
            name_of(self.counted.name, columns),
            self.counted.metadata,
            *(Column(name, self.counted.c[name].type, primary_key=True) for name in columns),
            Column("part", Integer, primary_key=True, autoincrement=False),
            Column("held", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        event.listen(self.table, "after_create", partial(_created, self.counted.name, columns))

    def count(self, conditions: Iterable[ColumnElement[bool]]) -> Select[Any]:
        """The number of rows for which these hold: each holds one of the columns at one value."""

        def here(element: Any, **_: Any) -> Any:
            return self.table.c[element.name] if isinstance(element, Column) and element.table is self.counted else None

        held = func.coalesce(func.sum(self.table.c.held), 0)
        return select(cast(held, BigInteger)).where(*(replacement_traverse(condition, {}, here) for condition in conditions))


def name_of(counted: str, columns: Sequence[str]) -> str:
    """The name of the table with the numbers."""
    return "_".join((counted, "total", *columns))


def triggers(dialect: str, counted: str, columns: Sequence[str]) -> list[str]:
    """The statements that make a database keep the numbers of a table from now on; before it, `filled`. For migrations."""
    name = name_of(counted, columns)
    made = _on_sqlite if dialect == "sqlite" else _on_postgresql
    return made(name, f'"{counted}"', columns)


def filled(counted: str, columns: Sequence[str]) -> str:
    """The statement that counts what is there already."""
    names = "".join(f"{column}, " for column in columns)
    group = f" GROUP BY {', '.join(columns)}" if columns else ""
    return f'INSERT INTO {name_of(counted, columns)} ({names}part, held) SELECT {names}0, count(*) FROM "{counted}"{group}'


def _created(counted: str, columns: Sequence[str], table: Table, connection: Any, **_: Any) -> None:
    for statement in triggers(connection.dialect.name, counted, columns):
        connection.exec_driver_sql(statement)


def _on_sqlite(name: str, counted: str, columns: Sequence[str]) -> list[str]:
    def add(row: str) -> str:
        values = "".join(f"{row}.{column}, " for column in columns)
        names = ", ".join((*columns, "part"))
        return f"INSERT INTO {name} ({names}, held) VALUES ({values}0, 1) ON CONFLICT ({names}) DO UPDATE SET held = held + 1;"

    def drop(row: str) -> str:
        where = " AND ".join([*(f"{column} = {row}.{column}" for column in columns), "part = 0"])
        return f"UPDATE {name} SET held = held - 1 WHERE {where}; DELETE FROM {name} WHERE {where} AND held = 0;"

    made = [
        f"CREATE TRIGGER {name}_added AFTER INSERT ON {counted} BEGIN {add('new')} END",
        f"CREATE TRIGGER {name}_removed AFTER DELETE ON {counted} BEGIN {drop('old')} END",
    ]
    if columns:
        made.append(f"CREATE TRIGGER {name}_moved AFTER UPDATE OF {', '.join(columns)} ON {counted} BEGIN {drop('old')} {add('new')} END")
    return made


def _on_postgresql(name: str, counted: str, columns: Sequence[str]) -> list[str]:
    names = ", ".join((*columns, "part"))

    def add(row: str, number: int) -> str:
        values = "".join(f"{row}.{column}, " for column in columns)
        into = f"INSERT INTO {name} AS t ({names}, held) VALUES ({values}pg_backend_pid() % {PARTS}, {number})"
        return f"{into} ON CONFLICT ({names}) DO UPDATE SET held = t.held + {number};"

    # Not UPDATE OF these columns: their types could not be changed any more.
    moved = " OR UPDATE" if columns else ""
    same = " AND ".join(f"OLD.{column} = NEW.{column}" for column in columns)
    stays = f"IF TG_OP = 'UPDATE' THEN IF {same} THEN RETURN NULL; END IF; END IF; " if columns else ""
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {stays}"
        f"IF TG_OP <> 'INSERT' THEN {add('OLD', -1)} END IF; IF TG_OP <> 'DELETE' THEN {add('NEW', 1)} END IF; RETURN NULL; END $$",
        f"CREATE TRIGGER {name} AFTER INSERT OR DELETE{moved} ON {counted} FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]

"""Statements, compiled once per database to SQL text and bind order. Make a Query once and keep it: compiling costs a thousand runs."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from itertools import starmap
from operator import itemgetter
from string import ascii_uppercase
from typing import Any, Generic, TypeVar, cast, overload

from sqlalchemy import ARRAY, BindParameter, Boolean, ColumnElement, Delete, Insert, LargeBinary, Numeric, Text, Update, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

R = TypeVar("R")
Parameters = dict[str, Any]
Binder = Callable[[Parameters], Sequence[Any]]
Converter = Callable[[Any], Any]


@cache
def _sqlite() -> Dialect:
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

    return SQLiteDialect_pysqlite(paramstyle="qmark")


@cache
def _postgres() -> Dialect:
    """Its statements have $1, $2 and the types of the parameters, not question marks. Loaded where there is PostgreSQL."""
    from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped.
    dialect.statement_compiler = _written_out(dialect.statement_compiler)  # type: ignore[assignment]  # It is one of those.
    return dialect


def _written_out(compiler: type[SQLCompiler]) -> type[SQLCompiler]:
    """Writes a constant LIMIT or OFFSET as a number. Where it is a parameter PostgreSQL takes a tenth of all rows to be wanted, finds that
    dear, and plans the statement anew for every call, which costs more than a page."""

    class Compiler(compiler):  # type: ignore[misc,valid-type]
        def limit_clause(self, select: Any, **options: Any) -> str:
            ends = (("LIMIT", select._limit_clause), ("OFFSET", select._offset_clause))
            return "".join(f"\n {word} {self._number(end, options)}" for word, end in ends if end is not None)

        def _number(self, end: Any, options: dict[str, Any]) -> str:
            constant = isinstance(end, BindParameter) and not end.required
            return str(end.effective_value) if constant else self.process(end, **options)

    return Compiler


class Plan:
    """A statement as one database's driver takes it.

    bind:  parameters by name -> the driver's sequence; a missing one raises KeyError.
    make:  one row of the driver -> row or tuple.
    changes: the tables whose rows it may change.
    every: the driver's rows -> list of rows or tuples.
    first: the first value of a driver's row.
    """

    __slots__ = ("bind", "changes", "every", "first", "make", "names", "sql", "writes")

    def __init__(
        self,
        sql: str,
        names: tuple[str, ...],
        bind: Binder,
        row: Callable[..., Any] | None,
        converters: list[Converter | None],
        changes: frozenset[str],
    ) -> None:
        self.sql = sql
        self.names = names
        self.bind = bind
        self.changes = changes
        self.writes = bool(changes)
        self.make, self.every = _makers(row, converters)
        convert = converters[0] if converters else None
        self.first: Converter = itemgetter(0) if convert is None else lambda driver_row: convert(driver_row[0])


class Query(Generic[R]):
    """A SQLAlchemy Core statement and the row type of its answers; without one they are tuples.

    Parameters are named: `bindparam("id")`. Membership in a list is `any_of`, never `in_` with a parameter.
    `with_for_update()` locks rows on PostgreSQL; on SQLite there is one writer, and nothing to lock.
    `seeks`: it reads one row at most, by a key, so that it may be asked together with others of its kind.
    """

    __slots__ = ("_postgres", "_sqlite", "row", "seeks", "statement")

    @overload
    def __init__(self: "Query[tuple[Any, ...]]", statement: Executable, row: None = None, *, seeks: bool = False) -> None: ...
    @overload
    def __init__(self, statement: Executable, row: type[R], *, seeks: bool = False) -> None: ...
    @overload
    def __init__(self, statement: Executable, row: type[R] | None, *, seeks: bool = False) -> None: ...

    def __init__(self, statement: Executable, row: type[Any] | None = None, *, seeks: bool = False) -> None:
        self.statement = statement
        self.row = row
        self.seeks = seeks
        self._sqlite: Plan | None = None
        self._postgres: Plan | None = None

    @property
    def sqlite(self) -> Plan:
        """The plan for SQLite."""
        plan = self._sqlite
        if plan is None:
            plan = self._sqlite = _compile(self.statement, self.row, _sqlite())
        return plan

    @property
    def postgres(self) -> Plan:
        """The plan for PostgreSQL."""
        plan = self._postgres
        if plan is None:
            plan = self._postgres = _compile(self.statement, self.row, _postgres())
        return plan


def _compile(statement: Any, row: type[Any] | None, dialect: Dialect) -> Plan:
    changes = _changed(statement.table) if isinstance(statement, Insert | Update | Delete) else frozenset()
    if isinstance(statement, Insert) and not statement._returning:
        # Ids are known before the insert; nobody waits for the database to tell them.
        statement = statement.inline()
    compiled: SQLCompiler = statement.compile(dialect=dialect)
    sql, names = str(compiled), tuple(compiled.positiontup or ())
    fixed = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
    processors = cast(dict[str, Converter], dict(compiled._bind_processors))
    if compiled.post_compile_params:
        sql, names = _spread(compiled, fixed, processors)
    columns = [_reader(column.type, dialect) for column in compiled._result_columns]
    fields = getattr(row, "__struct_fields__", None)
    if fields is not None and columns and len(fields) != len(columns):
        raise TypeError(f"a row of {len(fields)} fields, {len(columns)} columns: {sql}")
    bind = _binder(names, fixed, {name: processors[name] for name in names if name in processors})
    return Plan(sql, names, bind, row, columns, changes)


def _changed(table: Any) -> frozenset[str]:
    """A table, and those whose rows a foreign key lets follow its own."""
    found, new = {table.name}, [table]
    while new:
        parent = new.pop()
        for child in table.metadata.tables.values():
            if child.name not in found and any(key.column.table is parent and (key.ondelete or key.onupdate) for key in child.foreign_keys):
                found.add(child.name)
                new.append(child)
    return frozenset(found)


def _spread(compiled: SQLCompiler, fixed: Parameters, processors: dict[str, Converter]) -> tuple[str, tuple[str, ...]]:
    """Writes out the lists of `in_([1, 2])`: one parameter for each value."""
    if any(bind.required for bind in compiled.post_compile_params):
        raise TypeError(f"a list of unknown length: use any_of instead of in_: {compiled}")
    given = compiled.construct_params(escape_names=False, _no_postcompile=True, _check=False)
    spread = compiled._process_parameters_for_postcompile(given)
    fixed.update(spread.additional_parameters)
    processors.update(cast(dict[str, Converter], spread.processors))
    return spread.statement, tuple(spread.positiontup or ())


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Converter | None:
    """What turns a driver's value into Python's, or None where the driver did already."""
    implementation = kind.dialect_impl(dialect)
    if isinstance(implementation, LargeBinary) or (dialect.name == "postgresql" and isinstance(implementation, Numeric | Boolean)):
        return None
    return implementation.result_processor(dialect, None)


def _binder(names: tuple[str, ...], fixed: Parameters, processors: dict[str, Converter]) -> Binder:
    if processors:
        steps = [(name, processors.get(name)) for name in names]

        def processed(given: Parameters) -> Sequence[Any]:
            given = {**fixed, **given}
            return [given[name] if process is None else process(given[name]) for name, process in steps]

        return processed
    if not names:
        return lambda given: ()
    # itemgetter gives a bare value, not a tuple, for one name.
    pick = itemgetter(*names) if len(names) > 1 else lambda given: (given[names[0]],)
    if not fixed:
        return pick
    return lambda given: pick({**fixed, **given})


def _makers(row: Callable[..., Any] | None, converters: list[Converter | None]) -> tuple[Converter, Converter]:
    if any(converters):

        def converted(driver_row: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(value if convert is None else convert(value) for value, convert in zip(driver_row, converters, strict=True))

        if row is None:
            return converted, lambda driver_rows: [converted(each) for each in driver_rows]
        return lambda driver_row: row(*converted(driver_row)), lambda driver_rows: [row(*converted(each)) for each in driver_rows]
    if row is None:
        return tuple, lambda driver_rows: list(map(tuple, driver_rows))
    return lambda driver_row: row(*driver_row), lambda driver_rows: list(starmap(row, driver_rows))


class _ListOf(TypeDecorator[Any]):
    """A list that is one parameter: an array on PostgreSQL, JSON text on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.item) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value))


class _Condition(ColumnElement[bool]):
    """A condition of our own. SQLAlchemy would write `(…) = 1` where a database has no booleans, and SQLite finds no index for that."""

    inherit_cache = False
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        """As it is: whatever it stands in binds less."""
        return self


class _AnyOf(_Condition):
    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.list = bindparam(name, type_=_ListOf(column.type))


def any_of(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether the column is one of the values of the parameter `name`, an iterable of numbers or texts of any length, bound as one."""
    return _AnyOf(column, name)


@compiles(_AnyOf, "sqlite")
def _any_of_on_sqlite(element: _AnyOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = compiler.process(element.column, **options), compiler.process(element.list, **options)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608  # Both are compiled SQL.


@compiles(_AnyOf, "postgresql")
def _any_of_on_postgres(element: _AnyOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.column, **options)} = ANY ({compiler.process(element.list, **options)})"


class _Like(_Condition):
    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.pattern = bindparam(name, type_=Text())


def like(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether the text matches the parameter `name`, which `starting` or `holding` made. The case of A to Z alone does not count, so that
    both databases agree: SQLite knows no other letters, and PostgreSQL's idea of them depends on how it was set up."""
    return _Like(column, name)


def starting(text: str) -> str:
    """The pattern of texts that begin so."""
    return text.translate(_PATTERN) + "%"


def holding(text: str) -> str:
    """The pattern of texts that hold this."""
    return "%" + starting(text)


_PATTERN = {**{ord(letter): letter.lower() for letter in ascii_uppercase}, **{ord(sign): "\\" + sign for sign in "\\%_"}}


@compiles(_Like, "sqlite")
def _like_on_sqlite(element: _Like, compiler: SQLCompiler, **options: Any) -> str:
    column, pattern = compiler.process(element.column, **options), compiler.process(element.pattern, **options)
    return f"{column} LIKE {pattern} ESCAPE '\\'"


@compiles(_Like, "postgresql")
def _like_on_postgres(element: _Like, compiler: SQLCompiler, **options: Any) -> str:
    column, pattern = compiler.process(element.column, **options), compiler.process(element.pattern, **options)
    return f"lower({column} COLLATE \"C\") LIKE {pattern} ESCAPE '\\'"

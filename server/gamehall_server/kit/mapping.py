"""Between messages and rows: the copy plan, read once from the contract and the table, compiled to functions.

A message field is a column of the same name, an embedded record that a join brings along, or computed from a column. What is none
of these stops the server, so contract and table cannot drift apart.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from keyword import iskeyword
from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from sqlalchemy import Column, Table

from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.columns import Moment, Wire
from gamehall_server.kit.rows import FieldEncoder, Row, compile_json
from gamehall_server.kit.rpc import Drift


class Embed(NamedTuple):
    """A record shown inside another. `column` holds its id; `columns` are those of its table that its message shows, id first."""

    column: str
    columns: Sequence[Column[Any]]


class Computed(NamedTuple):
    """A field made from a column, or from several."""

    column: str | tuple[str, ...]
    of: Callable[..., Any]

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names."""
        return (self.column,) if isinstance(self.column, str) else self.column


# How a stored value is written into a message: (stored kind, wire kind) -> expression. Everything else is copied as it is.
CODECS: dict[tuple[type, int], str] = {
    (Moment, FieldDescriptor.CPPTYPE_INT64): "{0} // " + str(SECOND),
}
# The way back.
DECODERS: dict[tuple[type, int], str] = {
    (Moment, FieldDescriptor.CPPTYPE_INT64): "{0} * " + str(SECOND),
}


class Mapper:
    """Copies rows of one table into messages of one type, and writable fields of a message into column values."""

    def __init__(
        self,
        message: type[Message],
        table: Table,
        embeds: Mapping[str, Embed],
        computed: Mapping[str, Computed],
        unstored: frozenset[str] = frozenset(),
    ) -> None:
        self.message = message
        self.table = table
        self._embeds = embeds
        self._computed = computed
        self._fields = [field for field in message.DESCRIPTOR.fields if field.name not in unstored]
        self._check()
        self.columns: list[Column[Any]] = list(table.columns)
        for embed in embeds.values():
            self.columns.extend(embed.columns)
        # Rows are tuples: the table's columns in order, then those of each embedded record. In compiled code each has a name.
        self.names = [f"c{index}" for index in range(len(self.columns))]
        self._variables = {column.name: name for column, name in zip(table.columns, self.names, strict=False)}
        self.unstored = unstored
        self._json: tuple[Callable[[Row], dict[str, Any]] | None] | None = None

    # Both are compiled when they are first asked for: a server starts without.

    @cached_property
    def fill(self) -> Callable[[Any, Row], None]:
        """Writes a row into a message."""
        return self._compile_fill()

    def json(self, encoder: FieldEncoder) -> Callable[[Row], dict[str, Any]] | None:
        """Straight to JSON, where every field allows it. `encoder` makes a function from a message to the JSON of one of its fields."""
        if self._json is None:
            self._json = (compile_json(self, encoder),)
        return self._json[0]

    def _check(self) -> None:
        for field in self._fields:
            if field.name not in self.table.columns and field.name not in self._embeds and field.name not in self._computed:
                raise Drift(f"{self.message.DESCRIPTOR.full_name}.{field.name} has no column in {self.table.name}")
            inner: Any = field.message_type
            for column in self._embeds[field.name].columns if field.name in self._embeds else ():
                if column.name not in inner.fields_by_name:
                    raise Drift(f"{inner.full_name} has no field {column.name}")

    def show(self, row: Row) -> Message:
        """The message of one row."""
        message = self.message()
        self.fill(message, row)
        return message

    def column_of(self, field: Any) -> Column[Any] | None:
        """The column that a field is copied from, or the first one that it is computed from."""
        computed = self._computed.get(field.name)
        return self.table.columns.get(computed.columns[0] if computed else field.name)

    def variable(self, column: Column[Any]) -> str:
        """What a column of the table is called in compiled code."""
        return self._variables[column.name]

    def wire_of(self, field: Any) -> str | None:
        """What a field's column of bytes is called in compiled code; None for other fields."""
        column = self.column_of(field)
        return None if column is None or not isinstance(column.type, Wire) else self.variable(column)

    def embed_of(self, field: Any) -> list[tuple[str, tuple[str, bool]]] | None:
        """The columns of an embedded record: (name, (variable, may be None)), its id first; None for other fields."""
        first = len(self.table.columns)
        for name, embed in self._embeds.items():
            if name == field.name:
                variables = self.names[first : first + len(embed.columns)]
                return [(c.name, (v, bool(c.nullable))) for c, v in zip(embed.columns, variables, strict=True)]
            first += len(embed.columns)
        return None

    def expression(self, field: Any, space: dict[str, Any]) -> str:
        """The value of a field in compiled code; functions it calls are put into `space`."""
        column = self.column_of(field)
        assert column is not None
        computed = self._computed.get(field.name)
        if computed is None:
            return CODECS.get((type(column.type), field.cpp_type), "{0}").format(self.variable(column))
        space[f"f_{field.name}"] = computed.of
        return f"f_{field.name}({', '.join(self.variable(self.table.columns[name]) for name in computed.columns)})"

    def _compile_fill(self) -> Callable[[Any, Row], None]:
        space: dict[str, Any] = {}
        source = ["def fill(m, row):", f" {', '.join(self.names)}, = row"]
        for field in self._fields:
            embedded = self.embed_of(field)
            if embedded is not None:
                source.extend(_fill_embed(field, embedded))
                continue
            column = self.column_of(field)
            assert column is not None
            guard = f" if {self.variable(column)} is not None: " if column.nullable else " "
            if isinstance(column.type, Wire):
                source.append(f"{guard}m.MergeFromString({self.variable(column)})")
                continue
            source.append(guard + _put("m", field.name, self.expression(field, space)))
        exec("\n".join(source), space)
        fill: Callable[[Any, Row], None] = space["fill"]
        return fill


def _fill_embed(field: Any, columns: list[tuple[str, tuple[str, bool]]]) -> list[str]:
    lines = [f" if {columns[0][1][0]} is not None:", f"  e = getattr(m, {field.name!r})"]
    for name, (variable, nullable) in columns:
        lines.append(("  if {} is not None: " if nullable else "  ").format(variable) + _put("e", name, variable))
    return lines


def _put(message: str, name: str, value: str) -> str:
    """An assignment. Names such as `from` are fields, but not Python."""
    return f"setattr({message}, {name!r}, {value})" if iskeyword(name) else f"{message}.{name} = {value}"


def compile_values(
    message: type[Message], table: Table, fields: Sequence[FieldDescriptor], embeds: Mapping[str, Embed] | None = None
) -> Callable[[Any], dict[str, Any]]:
    """A function from a message to the column values of these fields; an absent optional field becomes NULL. Of an embedded record that
    callers may choose only the id is taken."""
    parts = []
    space: dict[str, Any] = {}
    for field in fields:
        if embeds and field.name in embeds:
            parts.append(f"{embeds[field.name].column!r}: (m.{field.name}.id if m.HasField({field.name!r}) else None)")
            continue
        column = table.columns.get(field.name)
        if column is None:
            raise Drift(f"{message.DESCRIPTOR.full_name}.{field.name} has no column in {table.name}")
        if isinstance(column.type, Wire):
            space[f"wire_{field.name}"] = _wire(message, field)
            parts.append(f"{field.name!r}: wire_{field.name}(m)")
            continue
        text = DECODERS.get((type(column.type), field.cpp_type), "{0}").format(
            f"getattr(m, {field.name!r})" if iskeyword(field.name) else f"m.{field.name}"
        )
        if field.has_presence:
            text = f"({text} if m.HasField({field.name!r}) else None)"
        parts.append(f"{field.name!r}: {text}")
    values: Callable[[Any], dict[str, Any]] = eval(f"lambda m: {{{', '.join(parts)}}}", space)
    return values


def _wire(message: type[Message], field: Any) -> Callable[[Any], bytes | None]:
    """The bytes of a field; equal values have equal bytes."""
    name, single = field.name, not field.is_repeated

    def wire(m: Any) -> bytes | None:
        if not (m.HasField(name) if single else getattr(m, name)):
            return None
        alone: bytes = message(**{name: getattr(m, name)}).SerializeToString(deterministic=True)
        return alone

    return wire

"""Between messages and rows: the copy plan, read once from the contract and the table, compiled to functions.

A message field is a column of the same name, an embedded record that a join brings along, or computed from a column. What is none
of these stops the server, so contract and table cannot drift apart.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from sqlalchemy import Column, Table

from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.columns import Moment
from gamehall_server.kit.rpc import Drift


class Embed(NamedTuple):
    """A record shown inside another. `column` holds its id; `columns` are those of its table that its message shows, id first."""

    column: str
    columns: Sequence[Column[Any]]


class Computed(NamedTuple):
    """A field made from a column."""

    column: str
    of: Callable[[Any], Any]


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
        # Rows are tuples: the table's columns in order, then those of each embedded record.
        self.fill: Callable[[Any, tuple[Any, ...]], None] = self._compile_fill()

    def _check(self) -> None:
        for field in self._fields:
            if field.name not in self.table.columns and field.name not in self._embeds and field.name not in self._computed:
                raise Drift(f"{self.message.DESCRIPTOR.full_name}.{field.name} has no column in {self.table.name}")

    def show(self, row: tuple[Any, ...]) -> Message:
        """The message of one row."""
        message = self.message()
        self.fill(message, row)
        return message

    def _compile_fill(self) -> Callable[[Any, tuple[Any, ...]], None]:
        names = [f"c{index}" for index in range(len(self.columns))]
        position = {column.name: index for index, column in enumerate(self.table.columns)}
        space: dict[str, Any] = {}
        source = ["def fill(m, row):", f" ({', '.join(names)},) = row"]
        for field in self._fields:
            if field.name in self._embeds:
                source.extend(self._fill_embed(field, names))
                continue
            computed = self._computed.get(field.name)
            column = self.table.columns[computed.column if computed else field.name]
            value = names[position[column.name]]
            if computed:
                space[f"f_{field.name}"] = computed.of
                text = f"f_{field.name}({value})"
            else:
                text = CODECS.get((type(column.type), field.cpp_type), "{0}").format(value)
            guard = f" if {value} is not None: " if column.nullable else " "
            source.append(f"{guard}m.{field.name} = {text}")
        exec("\n".join(source), space)
        fill: Callable[[Any, tuple[Any, ...]], None] = space["fill"]
        return fill

    def _fill_embed(self, field: Any, names: list[str]) -> list[str]:
        first = len(self.table.columns)
        for name, embed in self._embeds.items():
            if name == field.name:
                break
            first += len(embed.columns)
        embed = self._embeds[field.name]
        lines = [f" if {names[first]} is not None:", f"  e = m.{field.name}"]
        for offset, column in enumerate(embed.columns):
            if column.name not in field.message_type.fields_by_name:
                raise Drift(f"{field.message_type.full_name} has no field {column.name}")
            value = names[first + offset]
            lines.append(f"  if {value} is not None: e.{column.name} = {value}" if column.nullable else f"  e.{column.name} = {value}")
        return lines


def compile_values(message: type[Message], table: Table, fields: Sequence[FieldDescriptor]) -> Callable[[Any], dict[str, Any]]:
    """A function from a message to the column values of these fields; an absent optional field becomes NULL."""
    parts = []
    for field in fields:
        column = table.columns.get(field.name)
        if column is None:
            raise Drift(f"{message.DESCRIPTOR.full_name}.{field.name} has no column in {table.name}")
        text = DECODERS.get((type(column.type), field.cpp_type), "{0}").format(f"m.{field.name}")
        if field.has_presence:
            text = f"({text} if m.HasField({field.name!r}) else None)"
        parts.append(f"{field.name!r}: {text}")
    values: Callable[[Any], dict[str, Any]] = eval(f"lambda m: {{{', '.join(parts)}}}", {})
    return values

"""Pages as they came from the database. Each door turns them into its own shape: gRPC into messages, HTTP straight into JSON.

The way row → message → JSON costs four times as much as row → JSON, and a page is little else. Both ways are compiled from the same
contract and must give the same; what JSON cannot be written straight goes the long way.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gamehall_server.kit.validation import rules_of

if TYPE_CHECKING:
    from gamehall_server.kit.mapping import Mapper

Row = tuple[Any, ...]
# From a field to a function that gives the JSON of its value in a message. The codec is the bridge's.
FieldEncoder = Callable[[FieldDescriptor], Callable[[Any], Any]]
# Values of up to so many bytes are remembered as JSON; with 8,192 of them that is some 20 MB at most.
MOST_REMEMBERED = 512
_PLAIN = (
    FieldDescriptor.CPPTYPE_STRING,
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_BOOL,
)


class Rows:
    """One page: its rows, each with the page's total behind its columns, and what the page tells of itself."""

    __slots__ = ("info", "mapper", "response", "rows")

    def __init__(self, response: type[Message], mapper: "Mapper", rows: list[Row], info: Message) -> None:
        self.response = response
        self.mapper = mapper
        self.rows = rows
        self.info = info

    def message(self) -> Message:
        """The answer as the contract has it."""
        answer: Any = self.response()
        fill, add = self.mapper.fill, answer.content.add
        for row in self.rows:
            fill(add(), row[:-1])
        answer.page_info.CopyFrom(self.info)
        filled: Message = answer
        return filled


def compile_json(mapper: "Mapper", encoder: FieldEncoder) -> Callable[[Row], dict[str, Any]] | None:
    """A function from a row with its total to the JSON of its message; None where a field is not plain."""
    space: dict[str, Any] = {}
    lines = [f" {', '.join(mapper.names)}, _ = row", " d = {}"]
    fields: Any = mapper.message.DESCRIPTOR.fields
    for field in fields:
        embed = mapper.embed_of(field)
        if field.name in mapper.unstored:
            # Who shows a record may fill it; a page of rows has nobody who does.
            if not field.has_presence or rules_of(field).null_if_unset:
                return None
        elif embed is not None:
            lines.extend(_embedded(field, dict(embed)))
        elif (wire := mapper.wire_of(field)) is not None:
            lines.extend(_wired(field, mapper.message, wire, encoder, space))
        elif not _is_plain(field) or (column := mapper.column_of(field)) is None:
            return None
        else:
            lines.extend(_scalar(field, "d", mapper.expression(field, space), mapper.variable(column) if column.nullable else None))
    exec("\n".join(["def json(row):", *lines, " return d"]), space)
    json: Callable[[Row], dict[str, Any]] = space["json"]
    return json


def _is_plain(field: Any) -> bool:
    if field.is_repeated or field.type == FieldDescriptor.TYPE_BYTES or rules_of(field).HasField("decimal"):
        return False
    return field.cpp_type in _PLAIN


def _scalar(field: Any, into: str, value: str, nullable: str | None, indent: str = " ") -> list[str]:
    """Writes one field as the codec would: always without presence, else when it is there. `nullable`: the variable that may be None."""
    text = f"bool({value})" if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL else value
    put = f"{into}[{field.name!r}] = "
    if nullable is None:
        return [f"{indent}{put}{text}"]
    lines = [f"{indent}if {nullable} is not None: {put}{text}"]
    if not field.has_presence:
        lines.append(f"{indent}else: {put}{field.default_value!r}")
    elif rules_of(field).null_if_unset:
        lines.append(f"{indent}else: {put}None")
    return lines


def _wired(field: Any, message: type[Message], value: str, encoder: FieldEncoder, space: dict[str, Any]) -> list[str]:
    """Writes a field that is kept as the contract's bytes."""
    put, read, empty = f" d[{field.name!r}] = ", f"wire_{field.name}", None
    encode, parse = encoder(field), message.FromString

    def shown(kept: bytes) -> Any:
        return encode(parse(kept))

    # What many pages show is made once. Nobody changes what is about to be written.
    space[read] = lambda kept: _remembered(shown, kept) if len(kept) <= MOST_REMEMBERED else shown(kept)
    lines = [f" if {value} is not None:{put}{read}({value})"]
    if field.is_repeated and not rules_of(field).null_if_unset:
        empty = "{}" if field.message_type is not None and field.message_type.GetOptions().map_entry else "[]"
    elif rules_of(field).null_if_unset:
        empty = "None"
    return lines if empty is None else [*lines, f" else:{put}{empty}"]


@lru_cache(maxsize=8192)
def _remembered(shown: Callable[[bytes], Any], kept: bytes) -> Any:
    return shown(kept)


def forget_shown() -> None:
    """Makes the next page as the first one was made. For benchmarks."""
    _remembered.cache_clear()


def _embedded(field: Any, columns: dict[str, tuple[str, bool]]) -> list[str]:
    """Writes an embedded record; its first column is its id. columns: name -> (variable, may be None)."""
    first = next(iter(columns.values()))[0]
    lines = [f" if {first} is not None:", f"  e = d[{field.name!r}] = {{}}"]
    for inner in field.message_type.fields:
        if inner.name in columns:
            variable, nullable = columns[inner.name]
            lines.extend(_scalar(inner, "e", variable, variable if nullable else None, "  "))
        elif not inner.has_presence:
            lines.append(f"  e[{inner.name!r}] = {inner.default_value!r}")
    if rules_of(field).null_if_unset:
        lines.append(f" else: d[{field.name!r}] = None")
    return lines

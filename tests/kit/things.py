"""A toy list: a contract made at run time with a filter of every kind, its table, and a plain Python model of what it should answer."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from gamehall.common.v1 import page_pb2
from gamehall.options.v1 import options_pb2 as options
from gamehall_server.kit.call import Arrival, Call, Scope
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.columns import Moment
from gamehall_server.kit.filters import Written, words
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.storage import Database, Handle, Query, any_of, open_database, table_of
from gamehall_server.kit.verbs import List
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from sqlalchemy import BigInteger, bindparam, delete, exists, select
from sqlmodel import Field

from tests.databases import Toy

_numbers = itertools.count(1)
Kind = descriptor_pb2.FieldDescriptorProto
TEXT, LONG, FLAG = Kind.TYPE_STRING, Kind.TYPE_INT64, Kind.TYPE_BOOL
# Field: type, whether it has presence, column, how it matches.
FILTERS: dict[str, tuple[int, bool, str, str]] = {
    "name": (TEXT, False, "", "UNSPECIFIED"),
    "filter_pinned": (FLAG, True, "pinned", "UNSPECIFIED"),
    "filter_stars": (LONG, True, "stars", "UNSPECIFIED"),
    "filter_stars_text": (TEXT, False, "stars", "UNSPECIFIED"),
    "filter_second": (LONG, False, "made", "UNSPECIFIED"),
    "filter_starts": (TEXT, False, "name", "PREFIX"),
    "filter_holds": (TEXT, False, "name", "CONTAINS"),
    "filter_names": (TEXT, False, "name", "ANY_OF"),
    "filter_idset": (TEXT, False, "id", "ANY_OF"),
    "filter_others": (TEXT, False, "motto", "NONE_OF"),
    "filter_made": (TEXT, False, "made", "COMPARE"),
    "filter_range": (TEXT, False, "stars", "COMPARE"),
    "filter_min_date": (LONG, False, "made", "AT_LEAST"),
    "filter_max_date": (LONG, True, "made", "AT_MOST"),
    "filter_has_stars": (FLAG, True, "stars", "PRESENT"),
}
SHOWN = {"id": LONG, "name": TEXT, "motto": TEXT, "stars": LONG, "pinned": FLAG, "made": LONG}


class ThingRow(Toy, table=True):
    """A thing; some columns may be null."""

    __tablename__ = "thing"

    id: int = Field(primary_key=True, sa_type=BigInteger)
    name: str = Field(index=True)
    motto: str | None = None
    stars: int | None = Field(default=None, sa_type=BigInteger)
    pinned: bool = False
    made: int = Field(sa_type=Moment)


class LabelRow(Toy, table=True):
    """A word on a thing."""

    __tablename__ = "label"

    thing_id: int = Field(primary_key=True, foreign_key="thing.id", sa_type=BigInteger, ondelete="CASCADE")
    word: str = Field(primary_key=True)


things, labels = table_of(ThingRow), table_of(LabelRow)
TABLES = [things.table, labels.table]
_labelled = exists(
    select(labels.table.c.word).where(labels.table.c.thing_id == things.table.c.id, any_of(labels.table.c.word, "filter_tagset"))
)
TAGS = {"filter_tagset": Written(_labelled, lambda value: words(value, "filter_tagset"))}
_remove = Query(delete(things.table).where(things.table.c.id == bindparam("id")))


def contract(filters: dict[str, tuple[int, bool, str, str]]) -> MethodDescriptor:
    """An RPC that lists things by these filters."""
    package = f"things{next(_numbers)}"
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    file.dependency.append(page_pb2.DESCRIPTOR.name)
    thing = file.message_type.add(name="Thing")
    for number, (name, kind) in enumerate(SHOWN.items(), 1):
        _add(thing, name, number, kind, name in ("motto", "stars"))
    request = file.message_type.add(name="ListThingsRequest")
    for number, (name, kind) in enumerate({"size": Kind.TYPE_INT32, "page": Kind.TYPE_INT32, "order": TEXT}.items(), 1):
        _add(request, name, number, kind, False)
    for number, (name, (kind, optional, column, match)) in enumerate(filters.items(), 4):
        field = _add(request, name, number, kind, optional)
        rule = field.options.Extensions[options.field].filter
        rule.column, rule.match = column, options.Match.Value(f"MATCH_{match}")
    response = file.message_type.add(name="ListThingsResponse")
    response.field.add(name="content", number=1, label=Kind.LABEL_REPEATED, type=Kind.TYPE_MESSAGE, type_name=f".{package}.Thing")
    page = response.field.add(name="page_info", number=2, label=Kind.LABEL_OPTIONAL, type=Kind.TYPE_MESSAGE)
    page.type_name = ".gamehall.common.v1.PageInfo"
    file.service.add(name="Things").method.add(
        name="ListThings", input_type=f".{package}.ListThingsRequest", output_type=f".{package}.ListThingsResponse"
    )
    # In the pool of the real contract, whose page it answers with.
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName(f"{package}.Things").methods_by_name["ListThings"]


def _add(message: Any, name: str, number: int, kind: int, optional: bool) -> Any:
    field = message.field.add(name=name, number=number, type=kind, label=Kind.LABEL_OPTIONAL)
    if optional:
        field.proto3_optional = True
        field.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{name}")
    return field


RPC = contract({**FILTERS, "filter_tagset": (TEXT, False, "", "UNSPECIFIED")})
Request = message_factory.GetMessageClass(RPC.input_type)
Thing = tuple[int, str, str | None, int | None, bool, int]


class Shelf:
    """An open database with things in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        message = message_factory.GetMessageClass(RPC.output_type.fields_by_name["content"].message_type)
        self.resource: Resource[ThingRow] = Resource(ThingRow, message)
        self.list = List(self.resource, TAGS).bound_to(RPC)

    async def put(self, *rows: Thing, tags: Iterable[tuple[int, str]] = ()) -> None:
        """Adds things and words on them."""

        async def work(db: Any) -> None:
            for row in rows:
                db.later(things.insert, **dict(zip(SHOWN, row, strict=True)))
            for thing, word in tags:
                db.later(labels.insert, thing_id=thing, word=word)

        await self.database.write(work)

    async def take(self, id: int) -> None:
        """Removes a thing."""

        async def work(db: Any) -> None:
            db.later(_remove, id=id)

        await self.database.write(work)

    async def ask(self, who: str = "somebody", now: int = 0, db: Handle | None = None, **fields: Any) -> Any:
        """The answer to one caller, in a transaction when its handle is given."""
        call = Call(Arrival("id", who, "http"), None, Scope.ALL, now, db or self.database.reader())
        rows = await self.list(Request(**fields), call)
        assert isinstance(rows, Rows)
        answer: Message = rows.message()
        return answer

    async def ids(self, who: str = "somebody", **fields: Any) -> list[int]:
        """The numbers of the things on a page."""
        return [thing.id for thing in (await self.ask(who, **fields)).content]


@asynccontextmanager
async def shelf(url: str) -> AsyncIterator[Shelf]:
    """A database whose tables exist, emptied."""
    database = open_database(url, TABLES)
    await database.open()
    try:

        async def clear(db: Any) -> None:
            await db.run(Query(delete(labels.table)))
            await db.run(Query(delete(things.table)))

        await database.write(clear)
        yield Shelf(database)
    finally:
        await database.close()


def in_order(rows: Iterable[Thing], order: list[tuple[str, bool]]) -> list[Thing]:
    """Rows as a list shows them: null is less than anything, and the number decides between equals."""
    found = sorted(rows, key=lambda row: row[0], reverse=bool(order) and not order[-1][1])
    for name, rises in reversed(order):
        at = list(SHOWN).index(name)
        found.sort(key=lambda row: (row[at] is not None, _bytes(row[at])), reverse=not rises)
    return found


def _bytes(value: Any) -> Any:
    return (value or "").encode() if isinstance(value, str) else value or 0


def seconds(row: Thing) -> int:
    """When a thing was made, as clients see it."""
    return row[5] // SECOND


Model = Callable[[Thing], bool]

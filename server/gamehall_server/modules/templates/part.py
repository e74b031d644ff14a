"""What templates do to the records of a module: they are held to theirs when they are written, and found by what it marks."""

from decimal import Decimal
from typing import Any, NamedTuple

from gamehall.templates.v1.template_pb2 import Template
from sqlalchemy import Column, Table, bindparam, null, select, update

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, Violation
from gamehall_server.kit.parts import Part
from gamehall_server.kit.properties import Definitions, definitions_of, plain_value, sound
from gamehall_server.kit.storage import Query
from gamehall_server.modules.templates import tables

# By kind: who has records with templates, and how these lose theirs.
parts: "dict[str, Templated]" = {}
detaching: dict[str, Query[Any]] = {}
LONGEST_INDEXED = 1_000


class Use(NamedTuple):
    """A record's template, and what it says."""

    template_id: str
    definitions: Definitions


class Templated(Part):
    """A part of a Resource whose records have `template` and `additional_properties`, columns of these names in their table."""

    def __init__(self, kind: str, table: Table, message: type[Any]) -> None:
        self.kind = kind
        self.message = message
        self.key: Column[Any] = table.primary_key.columns[0]
        column: Column[Any] = table.c.template
        given: Any = bindparam("template_id")
        detaching[kind] = taken_from(column)
        # Some of the records that have a template, in the order of their keys, locked.
        some = select(self.key, table.c.additional_properties).where(column == given).order_by(self.key).limit(bindparam("most"))
        self.first = Query(some.with_for_update())
        self.some = Query(some.where(self.key > bindparam("after", type_=self.key.type)).with_for_update())
        parts[kind] = self

    async def check(self, call: Call, message: Any, path: str) -> Use | None:
        """Holds properties to what there can be at all and to the template, and adds default values."""
        return await check(call, self.kind, message, path)

    async def keep(self, call: Call, id: Any, message: Any, found: Use | None, *, new: bool) -> None:
        """Writes what lists find the record by."""
        if not new:
            tables.forget(call.db, self.kind, str(id))
        if found is not None:
            self.index(call.db, id, message.additional_properties, found)

    def index(self, db: Any, id: Any, properties: Any, use: Use) -> None:
        """Writes what lists find a record by that has nothing of it yet."""
        for name in use.definitions.indexed:
            value = plain_value(properties[name]) if name in properties else None
            if value is None or (isinstance(value, str) and len(value) > LONGEST_INDEXED):
                continue
            tables.add_value(db, self.kind, str(id), name, use.template_id, Decimal(repr(value)) if isinstance(value, float) else value)

    async def drop(self, call: Call, id: Any) -> None:
        """Nothing finds it any more."""
        tables.forget(call.db, self.kind, str(id))


def taken_from(column: Column[Any]) -> Query[Any]:
    """Takes a template from all records of a table that have it in this column."""
    return Query(update(column.table).where(column == bindparam("template_id")).values({column.key: null()}))


async def check(call: Call, kind: str, message: Any, path: str) -> Use | None:
    """What is wrong with the properties of a message of this kind. Raises Invalid with all of it."""
    wrong: list[Violation] = []
    use = None
    properties, at = message.additional_properties, f"{path}.additional_properties." if path else "additional_properties."
    if properties:
        sound(properties, at, wrong)
    if message.HasField("template"):
        kept = await tables.definitions(call.db, kind, message.template)
        if kept is None:
            wrong.append(Violation(at.removesuffix("additional_properties.") + "template", "no template of this kind has this id"))
        elif not wrong:
            use = Use(message.template, definitions_of(Template, *kept))
            use.definitions.hold(properties, at, wrong)
    if wrong:
        raise Invalid(violations=tuple(wrong))
    return use

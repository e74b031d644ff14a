"""What is kept of templates, and what lists find records by."""

from typing import Any

from sqlalchemy import Index, bindparam, delete, insert, select
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Exact, Moment, Wire
from gamehall_server.kit.storage import Handle, Query, table_of


class TemplateRow(SQLModel, table=True):
    """A template of records of one kind."""

    __tablename__ = "template"
    __table_args__ = (Index("ix_template_kind", "kind", "id"),)

    id: str = Field(primary_key=True)
    kind: str = Field(nullable=False)
    name: str = Field(nullable=False)
    allow_additional: bool = Field(nullable=False)
    properties: bytes | None = Field(default=None, sa_type=Wire)
    # Of templates of items alone.
    behaviors: bytes | None = Field(default=None, sa_type=Wire)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


class IndexedPropertyRow(SQLModel, table=True):
    """A property that a template lets lists find records by."""

    __tablename__ = "indexed_property"

    template_id: str = Field(primary_key=True, foreign_key="template.id", ondelete="CASCADE")
    name: str = Field(primary_key=True)
    kind: str = Field(nullable=False, index=True)


class PropertyValueRow(SQLModel, table=True):
    """The value of such a property of one record. A bool is the text true or false, a date its unix seconds."""

    __tablename__ = "property_value"
    __table_args__ = (
        Index("ix_property_value_text", "kind", "name", "text", "record"),
        Index("ix_property_value_number", "kind", "name", "number", "record"),
    )

    kind: str = Field(primary_key=True)
    record: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    template_id: str = Field(nullable=False, index=True)
    text: str | None = Field(default=None)
    number: Any = Field(default=None, sa_type=Exact, nullable=True)


templates, indexed, values = (table_of(row) for row in (TemplateRow, IndexedPropertyRow, PropertyValueRow))
_t, _i, _v = templates.table, indexed.table, values.table
_kind: Any = bindparam("kind")
_definitions = Query(select(_t.c.properties, _t.c.allow_additional).where(_t.c.id == bindparam("id"), _t.c.kind == _kind))
_add_value, _add_indexed = Query(insert(_v)), Query(insert(_i))
_forget = Query(delete(_v).where(_v.c.kind == _kind, _v.c.record == bindparam("record")))
_forget_all = Query(delete(_v).where(_v.c.template_id == bindparam("template")))
_unmark = Query(delete(_i).where(_i.c.template_id == bindparam("template")))
_marked = Query(select(_i.c.name).where(_i.c.kind == _kind, _i.c.name == bindparam("name")).limit(1))
_names = Query(select(_i.c.name).where(_i.c.template_id == bindparam("template")))


async def definitions(db: Handle, kind: str, template_id: str) -> tuple[bytes | None, bool] | None:
    """What a template says: its definitions as kept, and whether others may be there."""
    found = await db.one(_definitions, id=template_id, kind=kind)
    return None if found is None else (found[0], bool(found[1]))


async def is_marked(db: Handle, kind: str, name: str) -> bool:
    """Whether some template of the kind lets lists find records by this property."""
    return await db.one(_marked, kind=kind, name=name) is not None


async def marked_by(db: Handle, template_id: str) -> set[str]:
    """The properties that a template lets lists find records by."""
    return {row[0] for row in await db.all(_names, template=template_id)}


def mark(db: Handle, kind: str, template_id: str, names: tuple[str, ...]) -> None:
    """Keeps which properties a template lets lists find records by."""
    db.later(_unmark, template=template_id)
    for name in names:
        db.later(_add_indexed, template_id=template_id, name=name, kind=kind)


def forget(db: Handle, kind: str, record: str) -> None:
    """Nothing finds the record by a property any more."""
    db.later(_forget, kind=kind, record=record)


def forget_all(db: Handle, template_id: str) -> None:
    """Nothing finds the records of a template by its properties any more."""
    db.later(_forget_all, template=template_id)


def add_value(db: Handle, kind: str, record: str, name: str, template_id: str, value: Any) -> None:
    """Lists find the record by this value of a property."""
    text = str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else None
    db.later(
        _add_value, kind=kind, record=record, name=name, template_id=template_id, text=text, number=None if text is not None else value
    )

"""What is kept of objects, and of the groups that their behaviors are of."""

from typing import Any

from sqlalchemy import BigInteger, Index, bindparam, delete, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Moment, NumberedRow, Wire
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.modules.templates import detaching, taken_from
from gamehall_server.modules.templates.tables import templates

KIND = "object"


class ObjectRow(NumberedRow, table=True):
    """An object. One whose template was deleted is at no path."""

    __tablename__ = "object"
    __table_args__ = (Index("ix_object_template", "template_id", "id"), Index("ix_object_unique", "template_id", "unique_key", unique=True))

    template_id: str | None = Field(default=None, foreign_key="template.id")
    name: str = Field(nullable=False)
    short_description: str | None = Field(default=None)
    long_description: str | None = Field(default=None)
    category: str | None = Field(default=None)
    sort: int = Field(nullable=False)
    unique_key: str | None = Field(default=None)
    tags: bytes | None = Field(default=None, sa_type=Wire)
    data: bytes | None = Field(default=None, sa_type=Wire)
    behaviors: bytes | None = Field(default=None, sa_type=Wire)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


class BehaviorGroupRow(SQLModel, table=True):
    """That an object has a behavior of a group. All objects of one group have the same limits, kept as the contract's bytes."""

    __tablename__ = "behavior_group"
    __table_args__ = (Index("ix_behavior_group_name", "kind", "name"),)

    object_id: int = Field(primary_key=True, foreign_key="object.id", sa_type=BigInteger, ondelete="CASCADE")
    kind: str = Field(primary_key=True)
    name: str = Field(nullable=False)
    limits: bytes = Field(sa_type=Wire, nullable=False)


objects, groups = table_of(ObjectRow), table_of(BehaviorGroupRow)
detaching[KIND] = taken_from(objects.table.c.template_id)
_o, _g, _t = objects.table, groups.table, templates.table
_object = bindparam("object", type_=BigInteger)
_group = _g.c.kind == bindparam("kind_is"), _g.c.name == bindparam("name_is"), _g.c.object_id != _object
_limits: Any = bindparam("given", type_=Wire)
_said = Query(select(_t.c.properties, _t.c.behaviors).where(_t.c.id == bindparam("id"), _t.c.kind == KIND))
_other = Query(select(_g.c.limits).where(*_group).limit(1))
_others = Query(select(_o.c.id, _o.c.behaviors).join(_g, _g.c.object_id == _o.c.id).where(*_group).with_for_update())
_forget = Query(delete(_g).where(_g.c.object_id == _object))
_limit = Query(update(_g).where(*_group).values(limits=_limits))
_behave = Query(update(_o).where(_o.c.id == _object).values(behaviors=_limits))


async def said(db: Handle, template_id: str) -> tuple[bytes, bytes] | None:
    """What a template of objects says of properties and of behaviors, as kept; None where there is none."""
    found = await db.one(_said, id=template_id)
    return None if found is None else (found[0] or b"", found[1] or b"")


async def limits_of(db: Handle, kind: str, name: str, but: int) -> bytes | None:
    """The limits of a group, as objects but this one have them; None where there are no others."""
    found: bytes | None = await db.value(_other, kind_is=kind, name_is=name, object=but)
    return found


async def others(db: Handle, kind: str, name: str, but: int) -> list[Any]:
    """The objects of a group but this one: their numbers and behaviors, locked."""
    return await db.all(_others, kind_is=kind, name_is=name, object=but)


def limit(db: Handle, kind: str, name: str, but: int, limits: bytes) -> None:
    """The objects of a group but this one have these limits."""
    db.later(_limit, kind_is=kind, name_is=name, object=but, given=limits)


def behave(db: Handle, object: int, behaviors: bytes) -> None:
    """An object has these behaviors."""
    db.later(_behave, object=object, given=behaviors)


def forget(db: Handle, object: int) -> None:
    """The behaviors of an object are of no group."""
    db.later(_forget, object=object)

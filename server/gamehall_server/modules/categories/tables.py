"""What is kept of categories."""

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Wire
from gamehall_server.kit.storage import table_of


class CategoryRow(SQLModel, table=True):
    """A category."""

    __tablename__ = "category"
    # What everybody sees is counted without reading the records.
    __table_args__ = (Index("ix_category_active", "active", "id"),)

    id: str = Field(primary_key=True)
    name: str = Field(nullable=False)
    active: bool = Field(nullable=False)
    additional_properties: bytes | None = Field(default=None, sa_type=Wire)
    template: str | None = Field(default=None, foreign_key="template.id", index=True)


_t = table_of(CategoryRow).table
# The columns of gamehall.common.v1.CategoryReference: how other records show a category.
summary = (_t.c.id, _t.c.name, _t.c.active)

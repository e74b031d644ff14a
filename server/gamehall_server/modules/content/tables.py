"""What is kept of articles."""

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Moment, Wire


class ArticleRow(SQLModel, table=True):
    """An article."""

    __tablename__ = "article"
    # What everybody sees is counted without reading the texts.
    __table_args__ = (Index("ix_article_active", "active", "id"), Index("ix_article_category", "category_id", "active", "id"))

    id: str = Field(primary_key=True)
    title: str = Field(nullable=False)
    body: str = Field(nullable=False)
    category_id: str = Field(foreign_key="category.id", nullable=False)
    active: bool = Field(nullable=False)
    tags: bytes | None = Field(default=None, sa_type=Wire)
    template: str | None = Field(default=None, foreign_key="template.id", index=True)
    additional_properties: bytes | None = Field(default=None, sa_type=Wire)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)
    view_count: int = Field(sa_type=BigInteger, nullable=False)

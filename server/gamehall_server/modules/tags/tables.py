"""What finds records by their tags. A record's own row has them too, as they are shown."""

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from gamehall_server.kit.storage import table_of


class TaggedRow(SQLModel, table=True):
    """A tag of one record of a kind."""

    __tablename__ = "tagged"
    __table_args__ = (Index("ix_tagged_tag", "tag"), Index("ix_tagged_kind", "kind", "tag", "record"))

    kind: str = Field(primary_key=True)
    record: str = Field(primary_key=True)
    tag: str = Field(primary_key=True)


tagged = table_of(TaggedRow)

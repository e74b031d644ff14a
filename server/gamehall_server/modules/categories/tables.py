"""What is kept of categories."""

from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Wire


class CategoryRow(SQLModel, table=True):
    """A category."""

    __tablename__ = "category"

    id: str = Field(primary_key=True)
    name: str = Field(nullable=False)
    active: bool = Field(nullable=False)
    additional_properties: bytes | None = Field(default=None, sa_type=Wire)
    template: str | None = Field(default=None, foreign_key="template.id", index=True)

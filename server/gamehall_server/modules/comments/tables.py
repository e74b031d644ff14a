"""What is kept of comments."""

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.kit.storage import Totals


class CommentRow(NumberedRow, table=True):
    """A comment. The index finds a page of one object's comments in order."""

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_context", "context", "context_id", "created_date", "id"),)

    context: str = Field(nullable=False)
    context_id: str = Field(nullable=False)
    content: str = Field(nullable=False)
    user_id: int | None = Field(default=None, foreign_key="user.id", sa_type=BigInteger)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


comment_totals = Totals(CommentRow, "context", "context_id")

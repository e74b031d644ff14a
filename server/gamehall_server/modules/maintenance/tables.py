"""What is kept of maintenance."""

from sqlalchemy import Text, bindparam, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import JSONText
from gamehall_server.kit.storage import Query, table_of


class MaintenanceRow(SQLModel, table=True):
    """The one notice. The migration makes its row; without a message there is no notice, so nobody ever has to add or remove it."""

    __tablename__ = "maintenance"

    name: str = Field(primary_key=True)
    message: str | None = Field(default=None, sa_type=Text)
    access_locked: bool = Field(nullable=False)
    details: str | None = Field(default=None, sa_type=JSONText)


table = table_of(MaintenanceRow).table
notice = Query(select(table.c.message, table.c.access_locked, table.c.details).where(table.c.message.is_not(None)))
_put = update(table).values(message=bindparam("message"), access_locked=bindparam("access_locked"), details=bindparam("details"))
put = Query(_put)
change = Query(_put.where(table.c.message.is_not(None)))

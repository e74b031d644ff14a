"""The audit log: one row per successful call whose contract asks for it, in the call's transaction."""

from sqlalchemy import insert
from sqlmodel import Field

from gamehall_server.kit.call import Call
from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.kit.storage import Query, table_of


class AuditRow(NumberedRow, table=True):
    """Who did what, when, and from where."""

    __tablename__ = "audit"

    at: int = Field(sa_type=Moment, nullable=False)
    operation: str = Field(nullable=False)
    principal: str = Field(nullable=False)
    request_id: str = Field(nullable=False)
    address: str = Field(nullable=False)


audit = table_of(AuditRow)
_insert = Query(insert(audit.table))


async def note(call: Call, operation: str) -> None:
    """Writes that the caller of `call` did `operation`, the RPC's name."""
    call.db.later(
        _insert,
        id=await call.db.new_id("audit"),
        at=call.now,
        operation=operation,
        principal="anonymous" if call.caller is None else call.caller.principal,
        request_id=call.arrival.request_id,
        address=call.arrival.address,
    )

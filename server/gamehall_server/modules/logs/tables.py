"""The rows of the audit log as they are read. kit/audit.py keeps them."""

from sqlalchemy import BigInteger, bindparam, select

from gamehall_server.kit.audit import AuditRow
from gamehall_server.kit.filters import equals
from gamehall_server.kit.listing import Listing
from gamehall_server.kit.storage import Query, renamed

# The rows of kit/audit.py under their published names.
log = renamed(
    AuditRow,
    id="id",
    timestamp="at",
    action_name="operation",
    user_id="user_id",
    principal="principal",
    request_id="request_id",
    address="address",
    client="client",
    target="target",
    changes="changes",
)
rows = select(log)
one = Query(rows.where(log.c.id == bindparam("id", type_=BigInteger)))
listing = Listing(log, lambda: rows, frozenset({"timestamp", "action_name"}), "timestamp:DESC")
own = (equals("own__", log.c.user_id), None)

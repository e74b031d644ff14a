"""The rows of the audit log as they are read. kit/audit.py keeps them."""

from sqlalchemy import BigInteger, Column, Index, MetaData, String, Table, Text, bindparam, select

from gamehall_server.kit.columns import Moment
from gamehall_server.kit.filters import equals
from gamehall_server.kit.listing import Listing
from gamehall_server.kit.storage import Query

# The rows of kit/audit.py under their published names.
log = Table(
    "audit",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("at", Moment, key="timestamp", nullable=False),
    Column("operation", String, key="action_name", nullable=False),
    Column("user_id", BigInteger),
    Column("principal", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("address", String, nullable=False),
    Column("client", String),
    Column("target", String),
    Column("changes", Text),
)
# As on the table itself: by these pages are found.
for name, columns in {"at": ("timestamp",), "user_id_at": ("user_id", "timestamp"), "operation_at": ("action_name", "timestamp")}.items():
    Index(f"ix_audit_{name}", *(log.c[column] for column in (*columns, "id")))
rows = select(log)
one = Query(rows.where(log.c.id == bindparam("id", type_=BigInteger)))
listing = Listing(log, lambda: rows, frozenset({"timestamp", "action_name"}), "timestamp:DESC")
own = (equals("own__", log.c.user_id), None)

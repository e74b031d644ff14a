"""The database: tables, statements compiled once, and one way to write durably, on SQLite and on PostgreSQL."""

from gamehall_server.kit.storage.batches import IN_ORDER
from gamehall_server.kit.storage.handle import MOST_ROWS, Database, Handle
from gamehall_server.kit.storage.locks import lock
from gamehall_server.kit.storage.opening import open_database
from gamehall_server.kit.storage.query import Query, any_of, holding, like, starting
from gamehall_server.kit.storage.sqlite_file import DatabaseInUse, FileClaim, UnsafeDatabase, UnsafeSQLite
from gamehall_server.kit.storage.tables import Table, is_numbered, partial, renamed, renamed_table, table_of
from gamehall_server.kit.storage.totals import Totals
from gamehall_server.kit.storage.transactions import oldest_under_way, this_transaction
from gamehall_server.kit.storage.upserts import upsert

__all__ = [
    "IN_ORDER",
    "MOST_ROWS",
    "Database",
    "DatabaseInUse",
    "FileClaim",
    "Handle",
    "Query",
    "Table",
    "Totals",
    "UnsafeDatabase",
    "UnsafeSQLite",
    "any_of",
    "holding",
    "is_numbered",
    "like",
    "lock",
    "oldest_under_way",
    "open_database",
    "partial",
    "renamed",
    "renamed_table",
    "starting",
    "table_of",
    "this_transaction",
    "upsert",
]

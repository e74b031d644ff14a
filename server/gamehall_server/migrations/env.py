"""Alembic's entry: runs migrations on the connection that migrate.py hands over."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import BigInteger, Text
from sqlmodel import AutoString, SQLModel

import gamehall_server.main  # noqa: F401  # Every table of the product.

KINDS = {BigInteger: "sa.BigInteger()", Text: "sa.Text()", AutoString: "sa.String()"}


def written(what: str, item: Any, autogenerate: object) -> str | Literal[False]:
    """How a migration writes our column types: as what the database has, so that old migrations never need our classes."""
    if what == "type" and isinstance(item, tuple(KINDS)):
        return next(text for kind, text in KINDS.items() if isinstance(item, kind))
    return False


for table in SQLModel.metadata.tables.values():
    for index in table.indexes:
        if "where" in index.info:
            index.dialect_kwargs.update({f"{name}_where": index.info["where"] for name in ("sqlite", "postgresql")})

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=False, render_item=written)
with context.begin_transaction():
    context.run_migrations()

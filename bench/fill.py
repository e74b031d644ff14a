"""Makes the database that a run copies for each server: the product's own schema, 1,000 users with a session each, 100,000 comments."""

import asyncio
import sqlite3
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
from gamehall_server.admin import opened
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.storage import Handle
from gamehall_server.migrate import migrate
from gamehall_server.modules.access import ROLE_USER, grant_role
from gamehall_server.modules.auth.sessions import open_session
from gamehall_server.modules.auth.tables import SessionRow
from gamehall_server.settings import Settings

from bench import dataset

SQLITE = "sqlite:///"
COMMENT = ("id", "context", "context_id", "content", "user_id", "created_date", "updated_date")
USER = ("id", "username", "display_name", "avatar_url")
# What the product also wants to know of a user. Nobody signs in: there is no such password.
HIDDEN = ("username_key", "email", "email_key", "password_hash", "member_since", "last_updated")
TOKEN_SECONDS = 24 * 3600
# Rows of one transaction: PostgreSQL keeps each state of a total until it ends, and each row walks past all of them (decision 29).
AT_ONCE = 2_000
# Of each table the columns and the rows.
Rows = dict[str, tuple[tuple[str, ...], Iterable[tuple[Any, ...]]]]


def fill(url: str, comments: int = dataset.COMMENTS, objects: int = dataset.OBJECTS) -> list[str]:
    """Migrates an empty database and fills it with the first `comments` of the data set. Gives an access token of each user, in order."""
    migrate(url)
    rows: Rows = {"user": (USER + HIDDEN, map(_whole, dataset.users())), "comment": (COMMENT, dataset.comments(comments, objects))}
    if url.startswith(SQLITE):
        _fill_sqlite(url, rows)
    else:
        asyncio.run(_fill_postgresql(url, rows))
    tokens = asyncio.run(_sign_in(url))
    _settle(url)
    return tokens


def _whole(user: tuple[int, str, str, str]) -> tuple[Any, ...]:
    _, username, _, _ = user
    email = f"{username}@example.com"
    return (*user, username, email, email, "", dataset.START, dataset.START)


def _fill_sqlite(url: str, rows: Rows) -> None:
    connection = sqlite3.connect(url.removeprefix(SQLITE))
    for table, (columns, values) in rows.items():
        marks = ", ".join("?" * len(columns))
        connection.executemany(f'INSERT INTO "{table}" ({", ".join(columns)}) VALUES ({marks})', values)
    connection.commit()
    connection.close()


async def _fill_postgresql(url: str, rows: Rows) -> None:
    connection = await asyncpg.connect(url)
    for table, (columns, values) in rows.items():
        rest = iter(values)
        while some := list(islice(rest, AT_ONCE)):
            await connection.copy_records_to_table(table, columns=columns, records=some)
        await connection.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM \"{table}\"))")
    await connection.close()


async def _sign_in(url: str) -> list[str]:
    async with opened(Settings(database_url=url, root_key=dataset.ROOT_KEY, password_passes=1)) as product:
        now = product.app.clock.now()

        async def add(db: Handle) -> list[SessionRow]:
            sessions = []
            for user, *_ in dataset.users():
                grant_role(db, ROLE_USER, user_id=user)
                sessions.append(await open_session(db, "web", user, now, TOKEN_SECONDS * SECOND))
            return sessions

        return [product.verifier.issue(session, TOKEN_SECONDS) for session in await product.database.write(add)]


def _settle(url: str) -> None:
    """What time would do: SQLite's log moves into its file; PostgreSQL learns its tables, and that their rows are seen by all."""
    if url.startswith(SQLITE):
        connection = sqlite3.connect(url.removeprefix(SQLITE))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        Path(f"{url.removeprefix(SQLITE)}.lock").unlink(missing_ok=True)
    else:
        asyncio.run(_vacuum(url))


async def _vacuum(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()

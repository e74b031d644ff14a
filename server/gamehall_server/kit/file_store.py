"""Files in a folder, each with its type: what stands in for an S3-compatible store where a deployment has none. A file is there whole or
not at all: it is written under another name, synced, and then called by its own."""

import os
import re
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gamehall_server.kit.clock import random_uuid

SEGMENT = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,199}", re.ASCII)
MOST_SEGMENTS = 20
TYPES, COMING = ".types", ".coming"


class Found(NamedTuple):
    """A file that is there."""

    path: Path
    size: int
    type: str


class FileStore:
    """A folder of buckets. `most_bytes`: how large a file may be."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self.most_bytes = most_bytes

    def find(self, key: str) -> Found | None:
        """The file that a path, bucket first, names."""
        path = self._path(key)
        if path is None or not path.is_file():
            return None
        types = self._types(key)
        return Found(path, path.stat().st_size, types.read_text() if types.is_file() else "application/octet-stream")

    def receive(self, key: str, type: str) -> "Coming | None":
        """A place for a file that comes; None where it cannot have this name."""
        path = self._path(key)
        return None if path is None else Coming(path, self._types(key), type, self._folder / COMING / random_uuid())

    def _path(self, key: str) -> Path | None:
        parts = key.split("/")
        good = 1 < len(parts) <= MOST_SEGMENTS and all(SEGMENT.fullmatch(part) for part in parts)
        return self._folder.joinpath(*parts) if good else None

    def _types(self, key: str) -> Path:
        return self._folder / TYPES / key


class Coming:
    """A file that is being received. Close it in any case: what is not kept is gone."""

    def __init__(self, path: Path, types: Path, type: str, here: Path) -> None:
        self._path, self._types, self._type, self._here = path, types, type, here
        self.size = 0
        here.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = here.open("xb")

    def write(self, part: bytes) -> None:
        """Some more of it."""
        self.size += len(part)
        self._file.write(part)

    def keep(self) -> None:
        """It is whole: from here on it is found."""
        self._file.flush()
        os.fsync(self._file.fileno())
        for path in (self._types, self._path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._types.write_text(self._type)
        self._here.replace(self._path)

    def close(self) -> None:
        """Lets go of it."""
        self._file.close()
        self._here.unlink(missing_ok=True)

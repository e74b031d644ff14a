"""The store of a deployment's files: one that is compatible with S3, or a folder of its own."""

import re
from typing import NamedTuple
from urllib.parse import quote

from gamehall_server.kit.clock import token
from gamehall_server.kit.file_store import FileStore
from gamehall_server.kit.signed_addresses import Signer

# A file that is to be sent must come within this many seconds.
SEND_SECONDS, LONGEST_NAME = 900, 100
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


class Place(NamedTuple):
    """Where files are. `url`: of the store, without a slash at its end; `cdn_url`: where everybody reads them; `types`: what may be sent,
    such as image/*; none: anything."""

    signer: Signer
    url: str
    bucket: str
    cdn_url: str
    types: tuple[str, ...]

    def takes(self, content_type: str) -> bool:
        """Whether files of a type may be sent."""
        told = content_type.partition(";")[0].strip().lower()
        return not self.types or any(told.startswith(each[:-1]) if each.endswith("/*") else told == each for each in self.types)

    def key(self, filename: str) -> str:
        """A name that no other file has and nobody guesses; it ends as the file is called."""
        called = _STRANGE.sub("_", filename)[-LONGEST_NAME:].lstrip("._")
        return f"uploads/{token(16).replace('-', '_')}/{called or 'file'}"

    def to_send(self, key: str, content_type: str, now: int) -> str:
        """The address to send a file of this type to."""
        return self.signer.address("PUT", f"{self.url}/{self.bucket}/{key}", SEND_SECONDS, now, {"content-type": content_type})

    def to_read(self, bucket: str, path: str, seconds: int, now: int) -> str:
        """The address to read a file at for some time."""
        file = f"{quote(bucket or self.bucket, safe='')}/{quote(path.lstrip('/'), safe='/~')}"
        return self.signer.address("GET", f"{self.url}/{file}", seconds, now)

    def at(self, key: str) -> str:
        """Where everybody reads a file."""
        return f"{self.cdn_url or f'{self.url}/{self.bucket}'}/{key}"


class OwnFiles(NamedTuple):
    """What a deployment serves files with that has no other store: the folder, who signs addresses, and the host in them."""

    store: FileStore
    signer: Signer
    host: str

"""What must be readable again and is nobody else's business: sealed before it is written. A database or its backup alone tells none of it.

One root key of 256 bits or more; from it a key for each purpose (HKDF-SHA256, RFC 5869); AES-256-GCM with the purpose and the row's id as
associated data, so that a sealed text is good in its own row alone. A sealed text names the root key it was sealed with. Several root keys
may be given: the first seals, all open.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SHORTEST, NONCE, FORM = 32, 12, "s1"


class Unreadable(Exception):
    """A sealed text that none of the root keys opens, or that was changed, or that belongs to another row."""


class _Root:
    """A root key, and what was derived from it."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._derived: dict[str, bytes] = {}
        self.name = self.derived("name")[:6].hex()

    def derived(self, use: str) -> bytes:
        found = self._derived.get(use)
        if found is None:
            found = self._derived[use] = HKDF(hashes.SHA256(), 32, None, f"gamehall {use}".encode()).derive(self._key)
        return found

    def box(self, purpose: str) -> AESGCM:
        return AESGCM(self.derived(f"seal {purpose}"))


class Secrets:
    """The root keys of a deployment. `texts`: each 32 bytes or more in base64; the first seals. Raises ValueError for any other text."""

    def __init__(self, texts: Sequence[str]) -> None:
        roots = [_Root(_read(text)) for text in texts]
        if not roots:
            raise ValueError("there is no root key")
        self._first = roots[0]
        self._roots = {root.name: root for root in roots}

    @property
    def name(self) -> str:
        """Which root key seals; tells nothing about it."""
        return self._first.name

    def seal(self, purpose: str, id: object, text: str) -> str:
        """The text as it may be stored, in the row `id` of what `purpose` names and nowhere else."""
        nonce = os.urandom(NONCE)
        box = nonce + self._first.box(purpose).encrypt(nonce, text.encode(), _place(purpose, id))
        return f"{FORM}.{self._first.name}.{base64.urlsafe_b64encode(box).decode()}"

    def open(self, purpose: str, id: object, sealed: str) -> str:
        """What `seal` was given. Raises Unreadable."""
        form, _, rest = sealed.partition(".")
        name, _, text = rest.partition(".")
        root = self._roots.get(name)
        if form != FORM or root is None:
            raise Unreadable(f"the {purpose} {id} was sealed with a root key that is not here")
        try:
            box = base64.urlsafe_b64decode(text)
            if base64.urlsafe_b64encode(box).decode() != text:
                raise ValueError(text)
            return root.box(purpose).decrypt(box[:NONCE], box[NONCE:], _place(purpose, id)).decode()
        except (InvalidTag, ValueError):
            raise Unreadable(f"the {purpose} {id} was changed, or belongs elsewhere") from None

    def outdated(self, sealed: str) -> bool:
        """Whether a text was sealed with another root key than the one that seals now, or not at all."""
        return not sealed.startswith(f"{FORM}.{self._first.name}.")

    def mark(self, purpose: str, data: bytes) -> str:
        """A mark (HMAC-SHA256) that only who has the root key can make of this data."""
        return f"{self._first.name}.{_mark(self._first, purpose, data)}"

    def every_mark(self, purpose: str, data: bytes) -> list[str]:
        """The marks of this data with each of the root keys: what to look for where a row is found by its mark."""
        return [f"{root.name}.{_mark(root, purpose, data)}" for root in self._roots.values()]

    def marks(self, purpose: str, data: bytes, mark: str) -> bool:
        """Whether the mark was made of this data with one of the root keys."""
        name, _, text = mark.partition(".")
        root = self._roots.get(name)
        return root is not None and hmac.compare_digest(text.encode(), _mark(root, purpose, data).encode())


def _mark(root: _Root, purpose: str, data: bytes) -> str:
    return hmac.new(root.derived(f"mark {purpose}"), data, hashlib.sha256).hexdigest()


def _place(purpose: str, id: object) -> bytes:
    return f"{purpose}\0{id}".encode()


def _read(text: str) -> bytes:
    try:
        plain = text.strip().rstrip("=").translate(str.maketrans("-_", "+/"))
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        key = b""
    # Zeros, a repeated word: what somebody typed is no key.
    if len(key) < SHORTEST or len(set(key)) < SHORTEST // 4:
        raise ValueError("a root key is 32 random bytes or more in base64: openssl rand -base64 32")
    return key


def generated() -> str:
    """A new root key."""
    return base64.b64encode(os.urandom(SHORTEST)).decode()


def kept_in(file: Path) -> str:
    """The root key in a file, which is made, for this user alone, where there is none. Raises OSError, and ValueError for a file that
    others may read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        # The name stands for a whole key or for nothing: of several processes that start together one makes it.
        made = file.with_name(f"{file.name}.{os.getpid()}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as writing:
            writing.write(generated() + "\n")
            writing.flush()
            os.fsync(writing.fileno())
        try:
            if not file.exists():
                os.link(made, file)
        finally:
            made.unlink()
    except FileExistsError:
        pass
    if file.stat().st_mode & 0o077:
        raise ValueError(f"{file} holds the root key, and others may read it: chmod 600 {file}")
    return file.read_text()

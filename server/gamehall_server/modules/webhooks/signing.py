"""Secrets and signatures of Standard Webhooks 1.0: v1 is HMAC-SHA256 with a secret, v1a Ed25519 with the key derived from it."""

import base64
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from standardwebhooks.webhooks import Webhook

from gamehall_server.kit import clock

SECRET, PUBLIC = "whsec_", "whpk_"  # The prefixes that tell them apart.
SIZE = 32


def new_secret() -> str:
    """A secret as receivers are told it."""
    return SECRET + base64.b64encode(clock.random_bytes(SIZE)).decode()


class Signer:
    """Signs with one secret."""

    def __init__(self, secret: str) -> None:
        self._symmetric = Webhook(secret)
        seed = HKDF(hashes.SHA256(), SIZE, None, b"gamehall webhook v1a").derive(base64.b64decode(secret.removeprefix(SECRET)))
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> str:
        """What v1a is checked with."""
        return PUBLIC + base64.b64encode(self._key.public_key().public_bytes_raw()).decode()

    def signatures(self, id: str, seconds: int, body: str, *, asymmetric: bool) -> list[str]:
        """Of a message that is sent at this moment."""
        made = [self._symmetric.sign(id, datetime.fromtimestamp(seconds, UTC), body)]
        if asymmetric:
            signed = self._key.sign(f"{id}.{seconds}.{body}".encode())
            made.append(f"v1a,{base64.b64encode(signed).decode()}")
        return made

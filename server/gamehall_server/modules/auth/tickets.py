"""What the login page's first step leaves for its second: that somebody proved their password a moment ago.

A ticket is sealed with the root key, for one client, and good for some minutes, for as long as the password stays what it was, and only
together with a code. It holds no password, and nothing that a browser could read."""

import hashlib
import hmac

import msgspec

from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.secrets import Secrets, Unreadable
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.auth.passwords import Known
from gamehall_server.modules.users.tables import users

PURPOSE = "sign-in"
LASTS: Micros = 300 * SECOND


class Tickets:
    """Tickets of a deployment."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def give(self, client_key: str, known: Known, now: Micros) -> str:
        """A new ticket."""
        told = msgspec.json.encode([known.user_id, _digest(known.proved), now + LASTS]).decode()
        return self._secrets.seal(PURPOSE, client_key, told)

    async def read(self, db: Handle, client_key: str, ticket: str, now: Micros) -> Known | None:
        """Who a ticket stands for; None where it is none, or not good any more."""
        try:
            user_id, digest, until = msgspec.json.decode(self._secrets.open(PURPOSE, client_key, ticket))
        except Unreadable:
            return None
        row = await db.one(users.get, id=user_id)
        if now >= until or row is None or row.password_hash is None or not hmac.compare_digest(digest, _digest(row.password_hash)):
            return None
        return Known(user_id, row.password_hash, None)


def _digest(hashed: str) -> str:
    return hashlib.sha256(hashed.encode()).hexdigest()

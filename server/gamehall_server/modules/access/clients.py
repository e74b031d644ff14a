"""API clients: the applications that ask for tokens."""

import hashlib
import hmac

import msgspec
from sqlalchemy import bindparam, insert, select

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.modules.access.tables import ClientRow

# In seconds: the longest life of an access token, and of a refresh token that nobody uses.
LONGEST_ACCESS, LONGEST_REFRESH = 24 * 3600, 180 * 24 * 3600
clients = table_of(ClientRow)
_find = Query(select(clients.table).where(clients.table.c.client_key == bindparam("client_key")), clients.Row)
_insert = Query(insert(clients.table))


class Client(msgspec.Struct, frozen=True):
    """A client as the token endpoint needs it."""

    id: int
    client_key: str
    is_public: bool
    secret_hashes: tuple[str, ...]
    grant_types: tuple[str, ...]
    access_seconds: int
    refresh_seconds: int

    def proves(self, secret: str | None) -> bool:
        """Whether a secret is this client's. A public client has none to prove."""
        if self.is_public:
            return True
        if secret is None:
            return False
        given = hash_secret(secret)
        return sum(hmac.compare_digest(each, given) for each in self.secret_hashes) > 0


def hash_secret(secret: str) -> str:
    """SHA-256 of a secret of 256 random bits, which needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def find_client(db: Handle, client_key: str) -> Client | None:
    """The client with this key."""
    row = await db.one(_find, client_key=client_key)
    if row is None:
        return None
    return Client(
        id=row.id,
        client_key=row.client_key,
        is_public=bool(row.is_public),
        secret_hashes=_good_hashes(row),
        grant_types=tuple(msgspec.json.decode(row.grant_types)),
        access_seconds=row.access_token_validity_seconds,
        refresh_seconds=row.refresh_token_validity_seconds,
    )


def _good_hashes(row: ClientRow) -> tuple[str, ...]:
    hashes = [row.secret_hash]
    if row.former_secret_until is not None and clock.real_seconds() * SECOND < row.former_secret_until:
        hashes.append(row.former_secret_hash)
    return tuple(each for each in hashes if each is not None)


async def add_client(
    db: Handle, client_key: str, name: str, grant_types: tuple[str, ...], *, public: bool, locked: bool = False
) -> tuple[int, str]:
    """Adds a client; gives its number, and its secret, which is shown this once ("" for a public client)."""
    secret = "" if public else clock.token()
    number = await db.new_id("client")
    db.later(
        _insert,
        id=number,
        client_key=client_key,
        name=name,
        secret_hash=hash_secret(secret) if secret else None,
        former_secret_hash=None,
        former_secret_until=None,
        is_public=public,
        locked=locked,
        grant_types=msgspec.json.encode(grant_types).decode(),
        redirect_uris="[]",
        access_token_validity_seconds=900 if public else 3600,
        refresh_token_validity_seconds=30 * 24 * 3600,
    )
    return number, secret

"""API clients: the applications that ask for tokens."""

import hashlib
import hmac
import re
from typing import Any

import msgspec
from sqlalchemy import bindparam, insert, select

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.modules.access.tables import ClientRow

# In seconds: the longest life of an access token, and of a refresh token that nobody uses.
LONGEST_ACCESS, LONGEST_REFRESH = 24 * 3600, 180 * 24 * 3600
# RFC 6749 section 2.3.1 puts the key before a colon, and it is a part of paths, of sentences, and of one line of a terminal.
CLIENT_KEY = re.compile(r"(?![0-9]+$)[!-.0-9;-~]{1,255}")
WRONG_KEY = "1 to 255 visible ASCII characters without a colon or a slash, and not digits alone"
# What a client can be given; who answers them is `auth`.
GRANT_TYPES = {
    "authorization_code": "A person signs in on our page and is sent back with a code (RFC 6749 section 4.1, with PKCE).",
    "client_credentials": "The client itself, by its secret (RFC 6749 section 4.4).",
    "device": "A device, by its id and secret; a new one makes a user.",
    "facebook": "A user of Facebook, by Facebook's token.",
    "google": "A user of Google, by Google's code or token.",
    "password": "A user, by name and password (RFC 6749 section 4.3).",
    "refresh_token": "Whoever was signed in before (RFC 6749 section 6).",
}
clients = table_of(ClientRow)
_find = Query(select(clients.table).where(clients.table.c.client_key == bindparam("client_key")), clients.Row)
_insert = Query(insert(clients.table))


class Client(msgspec.Struct, frozen=True):
    """A client as the token endpoint needs it."""

    id: int
    client_key: str
    name: str
    is_public: bool
    secret_hashes: tuple[str, ...]
    grant_types: tuple[str, ...]
    first_party: bool
    redirect_uris: tuple[str, ...]
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
        name=row.name,
        is_public=bool(row.is_public),
        secret_hashes=_good_hashes(row),
        grant_types=tuple(msgspec.json.decode(row.grant_types)),
        first_party=bool(row.first_party),
        redirect_uris=tuple(msgspec.json.decode(row.redirect_uris)),
        access_seconds=row.access_token_validity_seconds,
        refresh_seconds=row.refresh_token_validity_seconds,
    )


def _good_hashes(row: ClientRow) -> tuple[str, ...]:
    hashes = [row.secret_hash]
    if row.former_secret_until is not None and clock.real_seconds() * SECOND < row.former_secret_until:
        hashes.append(row.former_secret_hash)
    return tuple(each for each in hashes if each is not None)


async def add_client(
    db: Handle,
    client_key: str,
    name: str,
    grant_types: tuple[str, ...],
    *,
    public: bool,
    locked: bool = False,
    first_party: bool = False,
    redirect_uris: tuple[str, ...] = (),
) -> tuple[int, str]:
    """Adds a client; gives its number, and its secret, which is shown this once ("" for a public client)."""
    secret = "" if public else clock.token()
    row = await new_client(
        db, client_key, name, secret, grant_types=grant_types, locked=locked, first_party=first_party, redirect_uris=redirect_uris
    )
    return row.id, secret


async def new_client(
    db: Handle,
    client_key: str,
    name: str,
    secret: str,
    *,
    grant_types: tuple[str, ...] = (),
    locked: bool = False,
    first_party: bool = False,
    redirect_uris: tuple[str, ...] = (),
    access_seconds: int = 0,
    refresh_seconds: int = 0,
) -> ClientRow:
    """Adds a client; gives its row. Without a secret it is public. Raises Duplicate, when the transaction ends, for a key that is taken."""
    values = dict.fromkeys(clients.table.columns.keys()) | {
        "id": await db.new_id("client"),
        "client_key": client_key,
        "name": name,
        "secret_hash": hash_secret(secret) if secret else None,
        "is_public": not secret,
        "locked": locked,
        "grant_types": msgspec.json.encode(grant_types).decode(),
        "first_party": first_party,
        "redirect_uris": msgspec.json.encode(redirect_uris).decode(),
        "access_token_validity_seconds": access_seconds or (3600 if secret else 900),
        "refresh_token_validity_seconds": refresh_seconds or 30 * 24 * 3600,
    }
    db.later(_insert, **values)
    return client_row(tuple(values.values()))


def client_row(values: tuple[Any, ...]) -> ClientRow:
    """A row of these values, in the order of the columns."""
    make: Any = clients.Row
    row: ClientRow = make(*values)
    return row

"""Who a name and a password belong to: the one place that judges them, for the token endpoint and the login page."""

from typing import NamedTuple

from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid
from gamehall_server.modules import users
from gamehall_server.modules.access import Attempts, PasswordHasher


class Known(NamedTuple):
    """A user who proved who they are, by the hash `proved`; `rehashed` is the password's new hash where its cost has risen."""

    user_id: int
    proved: str
    rehashed: str | None


async def known_by_password(hasher: PasswordHasher, attempts: Attempts, call: Call, username: str, password: str) -> Known:
    """The user. Raises Invalid (invalid_grant) for a wrong name and a wrong password alike, after the same work, and Exhausted after too
    many failures; writes nothing but these."""
    name = users.folded(username)
    found = await users.credentials_of(call.db, name)
    hashed = found.password_hash if found else None
    right = await attempts.judged(name, call.arrival.address, lambda: hasher.verify(hashed, password))
    if found is None or found.password_hash is None or not right:
        raise _wrong()
    rehashed = await hasher.hash(password) if hasher.outdated(found.password_hash) else None
    return Known(found.user_id, found.password_hash, rehashed)


async def note_sign_in(call: Call, known: Known) -> None:
    """Notes a sign-in, in the transaction that opens its session. Raises Invalid where the password was changed since it was proved."""
    if not await users.signed_in_by_password(call.db, known.user_id, call.now, known.proved, known.rehashed):
        raise _wrong()


def _wrong() -> Invalid:
    return Invalid("Wrong user name or password.", reason=ErrorReason.ERROR_REASON_OAUTH_INVALID_GRANT)

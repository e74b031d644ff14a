"""Which client asks at an OAuth endpoint, and its proof (RFC 6749 section 2.3)."""

import base64
import binascii
from urllib.parse import unquote_plus

from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, Unauthenticated
from gamehall_server.modules.access import Attempts, Client, find_client


async def proven_client(attempts: Attempts, call: Call, client_id: str, client_secret: str, default: str = "") -> Client:
    """The client of the Authorization header, or else of the parameters, or else the default. Call it outside of transactions.

    Raises Unauthenticated unless it proves itself, Exhausted after too many wrong secrets, and Invalid where it proves itself twice or
    is two. A public client has no secret that could be guessed, and who tells none guesses none: neither is counted.
    """
    named = _basic(call.arrival.authorization)
    if named is not None and (client_secret or client_id not in ("", named[0])):
        told = "The client is named in the Authorization header: its parameters must not name another, nor hold a secret."
        raise Invalid(told, reason=ErrorReason.ERROR_REASON_OAUTH_INVALID_REQUEST)
    key, secret = named or (client_id or default, client_secret or None)
    client = await find_client(call.db, key)
    proven = client is not None and client.proves(secret)
    if secret is not None and (client is None or not client.is_public):
        proven = await attempts.of_client(key, call.arrival.address, proven)
    if client is None or not proven:
        raise Unauthenticated("Unknown client or wrong secret.", reason=ErrorReason.ERROR_REASON_OAUTH_INVALID_CLIENT)
    return client


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """The client's key and secret of an Authorization header (RFC 6749 section 2.3.1), or None for a header of another kind."""
    if authorization is None or authorization[:6].lower() != "basic ":
        return None
    unreadable = Invalid("The Authorization header cannot be read.", reason=ErrorReason.ERROR_REASON_OAUTH_INVALID_REQUEST)
    try:
        text = base64.b64decode(authorization[6:], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise unreadable from None
    key, secret = (unquote_plus(part) for part in text.partition(":")[::2])
    if "\0" in key:
        # PostgreSQL cannot even look for it.
        raise unreadable
    return key, secret

"""Signed requests as Kongregate's documentation describes them: what is posted to a game, so that it can tell that it comes from here.

`E` is the base64url of a JSON object, `S` that of HMAC-SHA256 over the characters of `E` with the characters of the game's api_key, both
without padding; the text is `S.E`. Nothing in it tells when it was made: an old one stays good as long as the key.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

# Receivers compare it letter by letter.
ALGORITHM = "HMAC-SHA256"


class NotSigned(Exception):
    """The text was not made with this key, was changed, or is no signed request at all."""


def sign(members: Mapping[str, Any], api_key: str) -> str:
    """The signed request of a JSON object with these members; the algorithm comes first. Raises ValueError for what JSON has not."""
    # First, and not what a member may say.
    told = {"algorithm": ALGORITHM} | dict(members) | {"algorithm": ALGORITHM}
    payload = json.dumps(told, separators=(",", ":"), allow_nan=False)
    encoded = _base64(payload.encode())
    return f"{_signature(encoded, api_key)}.{encoded}"


def verify(signed_request: str, api_key: str) -> dict[str, Any]:
    """The JSON object of a signed request, `algorithm` included. Raises NotSigned."""
    signature, dot, encoded = signed_request.partition(".")
    # The characters are compared, not the bytes that they stand for: of those several texts can be made.
    if not dot or not signed_request.isascii() or not hmac.compare_digest(signature, _signature(encoded, api_key)):
        raise NotSigned("the signature is not that of this key")
    try:
        payload = json.loads(base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_", validate=True))
    except (ValueError, RecursionError):
        raise NotSigned("the payload is not JSON in base64url") from None
    if not isinstance(payload, dict) or str(payload.get("algorithm")).upper() != ALGORITHM:
        raise NotSigned(f"the algorithm is not {ALGORITHM}")
    return payload


def _signature(encoded: str, api_key: str) -> str:
    return _base64(hmac.new(api_key.encode(), encoded.encode(), hashlib.sha256).digest())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

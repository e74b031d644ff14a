"""Signing keys: ES256 pairs in the database, known to every process that opens it, published as JWKS (RFC 7517)."""

from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from sqlalchemy import insert, select

from gamehall_server.kit import clock
from gamehall_server.kit.clock import Micros
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.modules.auth.tables import SigningKeyRow

ALGORITHM = "ES256"
# RFC 9068 section 2.1.
TOKEN_TYPE = "at+jwt"  # noqa: S105  # A media type.

_t = table_of(SigningKeyRow).table
_all = Query(select(_t.c.kid, _t.c.private_pem).order_by(_t.c.created_at, _t.c.kid))
_insert = Query(insert(_t))


class KeyRing:
    """The keys of the deployment."""

    def __init__(self) -> None:
        self._private: dict[str, ec.EllipticCurvePrivateKey] = {}
        self._public: dict[str, ec.EllipticCurvePublicKey] = {}
        self._signing = ""

    async def settle(self, db: Handle, now: Micros) -> None:
        """Reads the keys; makes the first one of a new deployment."""
        self._private.clear()
        self._public.clear()
        rows = await db.all(_all)
        if not rows:
            key = ec.generate_private_key(ec.SECP256R1())
            pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
            rows = [(clock.token(9), pem)]
            db.later(_insert, kid=rows[0][0], private_pem=pem, created_at=now)
        for kid, pem in rows:
            private = serialization.load_pem_private_key(pem.encode(), password=None)
            assert isinstance(private, ec.EllipticCurvePrivateKey)
            self._private[kid] = private
            self._public[kid] = private.public_key()
            self._signing = kid

    def sign(self, claims: dict[str, Any]) -> str:
        """A signed token with these claims."""
        return jwt.encode(claims, self._private[self._signing], ALGORITHM, {"kid": self._signing, "typ": TOKEN_TYPE})

    def public(self, kid: object) -> ec.EllipticCurvePublicKey | None:
        """The public half of one of our keys. Never a key that a token brings along."""
        return self._public.get(kid) if isinstance(kid, str) else None

    def published(self) -> list[dict[str, str]]:
        """Every public key as a JSON Web Key."""
        found = []
        for kid, key in self._public.items():
            numbers = ECAlgorithm.to_jwk(key, as_dict=True)
            found.append({**{name: str(numbers[name]) for name in ("kty", "crv", "x", "y")}, "kid": kid, "use": "sig", "alg": ALGORITHM})
        return found

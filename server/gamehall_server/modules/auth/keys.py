"""Signing keys: ES256 pairs in the database, known to every process that opens it, published as JWKS (RFC 7517).

A key is announced, signs, and is retired, by the clock alone: every node tells the state of each key from the moments in its row. Private
halves are sealed with the deployment's root key. A node that cannot open them makes a new pair, and goes on accepting what the old ones
signed.
"""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from sqlalchemy import bindparam, delete, insert, select, update

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.kept import Kept
from gamehall_server.kit.secrets import Secrets, Unreadable
from gamehall_server.kit.storage import Handle, Query, any_of, table_of
from gamehall_server.modules.access import LONGEST_ACCESS
from gamehall_server.modules.auth.tables import SigningKeyRow

log = logging.getLogger("gamehall.keys")
ALGORITHM = "ES256"
# RFC 9068 section 2.1.
TOKEN_TYPE = "at+jwt"  # noqa: S105  # A media type.
PURPOSE = "signing key"
CLEAR = "-----BEGIN"
# Long enough for whoever caches our key set to see a key before it is used; and at least until every node knows it.
ANNOUNCED: Micros = 24 * 3600 * SECOND
KNOWN_EVERYWHERE: Micros = 3 * SECOND

_t = table_of(SigningKeyRow).table
_all = Query(select(_t.c.kid, _t.c.sealed, _t.c.public, _t.c.signs_from).order_by(_t.c.signs_from, _t.c.kid))
_insert = Query(insert(_t))
_seal = Query(update(_t).where(_t.c.kid == bindparam("this")).values(sealed=bindparam("box"), public=bindparam("shown")))
_remove = Query(delete(_t).where(any_of(_t.c.kid, "kids")))


class Key(NamedTuple):
    """A key pair; the private half is None where this node cannot open it. `ends`: when the last token it signed has expired."""

    kid: str
    sealed: str
    public: ec.EllipticCurvePublicKey
    private: ec.EllipticCurvePrivateKey | None
    signs_from: Micros
    ends: Micros | None


class KeyRing:
    """The keys of the deployment, by `kid`, in the order in which they sign."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self.kept: Kept[dict[str, Key]] = Kept(self._read)
        self.kept.value = {}
        self._looked = 0
        # Told when a key is gone before its time.
        self.gone: Callable[[], None] = lambda: None

    async def settle(self, db: Handle) -> None:
        """Seals what is not sealed with today's root key; makes a key where there is none that this node can sign with."""
        now = clock.real_seconds() * SECOND
        ring = await self._read(db)
        for key in ring.values():
            if key.private is not None and self._secrets.outdated(key.sealed):
                db.later(_seal, this=key.kid, box=self._secrets.seal(PURPOSE, key.kid, _pem(key.private)), shown=_public_pem(key.public))
        ended = [key.kid for key in ring.values() if key.ends is not None and key.ends < now]
        if ended:
            db.later(_remove, kids=ended)
        if all(key.private is None for key in ring.values()):
            if ring:
                log.warning("the signing keys were sealed with another root key: a new one signs from now on")
            self._add(db, now, now)

    async def rotate(self, db: Handle, after: Micros | None = None, *, compromised: bool = False) -> Micros:
        """Adds a key that signs after a while, a day unless told; gives the moment. `compromised`: now, and no other is good any more."""
        now = clock.real_seconds() * SECOND
        if compromised:
            db.later(_remove, kids=list((await self._read(db)).keys()))
        signs_from = now + (ANNOUNCED if after is None else max(after, KNOWN_EVERYWHERE))
        self._add(db, now, now if compromised else signs_from)
        return now if compromised else signs_from

    def sign(self, claims: dict[str, Any]) -> str:
        """A signed token with these claims."""
        now = clock.real_seconds() * SECOND
        # The newest whose time has come. There is one: `settle` saw to it, and a clock set back must not end sign-ins.
        usable = [key for key in self.kept.value.values() if key.private is not None]
        key = next((key for key in reversed(usable) if key.signs_from <= now), usable[0])
        assert key.private is not None
        return jwt.encode(claims, key.private, ALGORITHM, {"kid": key.kid, "typ": TOKEN_TYPE})

    def public(self, kid: object) -> ec.EllipticCurvePublicKey | None:
        """The public half of one of our keys. Never a key that a token brings along."""
        key = self.kept.value.get(kid) if isinstance(kid, str) else None
        return None if key is None or _ended(key) else key.public

    async def look_for(self, kid: object, db: Handle) -> ec.EllipticCurvePublicKey | None:
        """As `public`, for a key that another node may have made a moment ago. It looks once a second, whatever callers make up."""
        now = clock.real_seconds()
        if now == self._looked:
            return None
        self._looked = now
        await self.kept.renew(db)
        return self.public(kid)

    def published(self) -> list[dict[str, str]]:
        """Every public key that signs, will sign, or has signed what is still good, as a JSON Web Key."""
        found = []
        for key in self.kept.value.values():
            if not _ended(key):
                numbers = ECAlgorithm.to_jwk(key.public, as_dict=True)
                shown = {name: str(numbers[name]) for name in ("kty", "crv", "x", "y")}
                found.append({**shown, "kid": key.kid, "use": "sig", "alg": ALGORITHM})
        return found

    def _add(self, db: Handle, now: Micros, signs_from: Micros) -> None:
        kid, private = clock.token(9), ec.generate_private_key(ec.SECP256R1())
        box, shown = self._secrets.seal(PURPOSE, kid, _pem(private)), _public_pem(private.public_key())
        db.later(_insert, kid=kid, sealed=box, public=shown, created_at=now, signs_from=signs_from)

    async def _read(self, db: Handle) -> dict[str, Key]:
        rows = await db.all(_all)
        ring: dict[str, Key] = {}
        for (kid, sealed, public, signs_from), following in zip(rows, [*rows[1:], None], strict=False):
            ends = None if following is None else following[3] + LONGEST_ACCESS * SECOND
            known = self.kept.value.get(kid)
            if known is not None and known.sealed == sealed:
                # Opened before: this is read every second.
                ring[kid] = known._replace(signs_from=signs_from, ends=ends)
            elif (opened := self._opened(kid, sealed, public)) is not None:
                ring[kid] = Key(kid, sealed, *opened, signs_from, ends)
        if any(not _ended(key) for kid, key in self.kept.value.items() if kid not in ring):
            self.gone()
        return ring

    def _opened(
        self, kid: str, sealed: str, public: str | None
    ) -> tuple[ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey | None] | None:
        try:
            pem = sealed if sealed.startswith(CLEAR) else self._secrets.open(PURPOSE, kid, sealed)
        except Unreadable as problem:
            log.warning("%s", problem)
            if public is None:
                return None
            shown = serialization.load_pem_public_key(public.encode())
            assert isinstance(shown, ec.EllipticCurvePublicKey)
            return shown, None
        private = serialization.load_pem_private_key(pem.encode(), password=None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        return private.public_key(), private


def _ended(key: Key) -> bool:
    return key.ends is not None and key.ends <= clock.real_seconds() * SECOND


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def _public_pem(key: ec.EllipticCurvePublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

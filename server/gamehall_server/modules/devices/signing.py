"""Signing in with a device alone. Its first sign-in makes a user without name, address or password of their own, and they may add these, or
link an account with a provider, whenever they like: it is the same user all along, and the device goes on signing in until it is removed.

A device is who it is by its id, and proves it with a secret that it made itself, so that is kept as a password is.
"""

import hashlib
import hmac
from typing import NamedTuple

from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, real_seconds, token
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.storage import lock
from gamehall_server.modules import users
from gamehall_server.modules.access import Attempts, PasswordHasher
from gamehall_server.modules.configs import BOOLEAN, BuiltIn, ConfigValues
from gamehall_server.modules.devices import tables
from gamehall_server.modules.devices.records import devices
from gamehall_server.modules.social import end_sessions_of_grant, has_identity, lock_of_identities

GRANT = "device"
AUTO_CREATE = BuiltIn("device_login_auto_create", "Whether a device that signs in for the first time makes a new user.", BOOLEAN, "true")


class NotThisDevice(Exception):
    """The device does not prove who it is, or there is none."""


class Proof(NamedTuple):
    """A device that proved who it is by the hash `proved`, or one that nobody knows; `hashed` is what to keep of its secret."""

    device_id: str
    user_id: int | None
    proved: str
    hashed: str


class DeviceLogin:
    """Who a device signs in as."""

    def __init__(self, configs: ConfigValues, hasher: PasswordHasher, attempts: Attempts) -> None:
        self._configs = configs
        self._hasher = hasher
        self._attempts = attempts

    async def prove(self, call: Call, device_id: str, secret: str) -> Proof:
        """Before the transaction. Raises NotThisDevice for an unknown device and for a wrong secret alike, after the same work, and
        Exhausted after too many failures, or too many new devices, from one address."""
        known, address = await tables.known_device(call.db, device_id), call.arrival.address
        # No user's name has a NUL, so no device is counted with one.
        name = f"{GRANT}\0{device_id}"
        if known is None and self._configs.value(AUTO_CREATE):
            await self._attempts.counted(address, GRANT)
            made: list[str] = []

            async def make() -> bool:
                made.append(await self._hasher.hash(secret, _salt(device_id)))
                return True

            # It is from here that its owner comes back while strangers guess.
            await self._attempts.judged(name, address, make)
            return Proof(device_id, None, "", made[0])
        kept = "" if known is None else known.hashed or ""
        right = await self._attempts.judged(name, address, lambda: self._hasher.verify(kept, secret))
        if known is None or known.user_id is None or not right:
            raise NotThisDevice
        hashed = await self._hasher.hash(secret, _salt(device_id)) if self._hasher.outdated(kept) else kept
        return Proof(device_id, known.user_id, kept, hashed)

    async def user(self, call: Call, proof: Proof) -> int:
        """The user who signs in so, in the transaction; a new one for a new device. Raises NotThisDevice."""
        if proof.user_id is not None:
            if not await tables.keep_secret(call.db, proof.device_id, proof.proved, proof.hashed):
                raise NotThisDevice
            return proof.user_id
        # Of two first sign-ins at once the second finds the user that the first one made.
        await lock(call.db, tables.lock_of(proof.device_id))
        known = await tables.known_device(call.db, proof.device_id)
        if known is None:
            return await _registered(call, proof)
        if known.user_id is None or not hmac.compare_digest(known.hashed or "", proof.hashed):
            raise NotThisDevice
        return known.user_id


def _salt(device_id: str) -> bytes:
    """A salt of the device's own. It is no chance: of two first sign-ins at once both hash, and must be seen to hold the same secret."""
    return hashlib.sha256(f"{GRANT}\0{device_id}".encode()).digest()[:16]


async def _registered(call: Call, proof: Proof) -> int:
    db, name = call.db, f"{GRANT}-{token(9)}"
    row = await users.register(db, call.now, users.Registration(users.Identity(name, ""), None, {}))
    user_id = int(row[0])
    await devices.add(call, {"id": proof.device_id, "owner_id": user_id})
    tables.add_users(db, proof.device_id, [user_id])
    tables.add_secret(db, proof.device_id, user_id, proof.hashed)
    await call.emit_now("user_registered", user=user_id, username=name)
    call.emit("device_registered", device=proof.device_id, user=user_id)
    return user_id


async def stop_signing_in(call: Call, device_id: str) -> None:
    """The device signs in no more, and the sessions that it opened are over, but for the caller's own. Raises Invalid where users would
    lock themselves out."""
    known = await tables.known_device(call.db, device_id)
    if known is None or known.user_id is None:
        return
    user_id = known.user_id
    await lock(call.db, lock_of_identities(user_id))
    if user_id == call.user_id and not (await users.has_password(call.db, user_id) or await has_identity(call.db, user_id)):
        raise Invalid(
            "This device is the only way to sign in: set a password or link another account first.",
            field="id",
            reason=ErrorReason.ERROR_REASON_LAST_SIGN_IN,
        )
    tables.remove_secret(call.db, device_id)
    but = 0 if call.caller is None else call.caller.session_id
    end_sessions_of_grant(call.db, user_id, GRANT, real_seconds() * SECOND, but)

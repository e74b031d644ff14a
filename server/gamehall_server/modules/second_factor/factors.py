"""Codes, and who judges them. Each is good once: what was proved before a transaction is used up in it."""

import base64
import hashlib
import hmac
from typing import Any, NamedTuple

import pyotp
from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit import clock
from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.secrets import Secrets, Unreadable
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.access import Attempts
from gamehall_server.modules.second_factor import tables

STEP_SECONDS, DIGITS = 30, 6
# A clock may be so many steps off (RFC 6238 section 5.2).
SKEW = 1
SECRET_BYTES, RECOVERY_BYTES, RECOVERY_CODES = 20, 10, 10


class Proof(NamedTuple):
    """A code that was right: its step, or the hash of a recovery code."""

    step: int | None = None
    recovery: str | None = None


class SecondFactors:
    """Second factors of a deployment's users."""

    def __init__(self, secrets: Secrets, attempts: Attempts) -> None:
        self._secrets = secrets
        self._attempts = attempts

    async def at_sign_in(self, call: Call, user_id: int, code: str) -> Proof | None:
        """What the code of somebody proves who signs in with a password; None where none is needed. Call it before the transaction.

        Raises Invalid (SECOND_FACTOR_REQUIRED) without a code, as `prove` for a wrong one."""
        if await _on(call.db, user_id) is None:
            return None
        if not code.strip():
            raise _required()
        return await self.prove(call, user_id, code)

    async def prove(self, call: Call, user_id: int, code: str) -> Proof:
        """What a code proves. Raises Invalid (SECOND_FACTOR_WRONG), and Exhausted after too many failures. Call it before the
        transaction."""
        found: list[Proof] = []

        async def judge() -> bool:
            row = await _on(call.db, user_id)
            proof = None if row is None else self.match(row, code) or await _recovery(call.db, user_id, code)
            found.extend([] if proof is None else [proof])
            return bool(found)

        # No user name has a NUL in it.
        if not await self._attempts.judged(f"second factor\0{user_id}", call.arrival.address, judge):
            raise wrong()
        return found[0]

    async def use(self, db: Handle, user_id: int, proof: Proof | None) -> None:
        """Uses up what was proved, in the transaction that it is for. Raises Invalid where it was used since, or where a code is needed by
        now."""
        if proof is None:
            if await _on(db, user_id) is not None:
                raise _required()
        elif proof.step is not None:
            if await db.run(tables.take_step, user=user_id, step=proof.step) != 1:
                raise wrong()
        elif await db.run(tables.take_code, user=user_id, this=proof.recovery) != 1:
            raise wrong()

    def match(self, row: Any, code: str) -> Proof | None:
        """The step that a code of the app is for, where it is later than the last one."""
        digits = code.replace(" ", "")
        if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
            return None
        try:
            app = pyotp.HOTP(self._secrets.open(tables.PURPOSE, row.user_id, row.sealed), digits=DIGITS)
        except Unreadable:
            return None
        now = clock.real_seconds() // STEP_SECONDS
        for step in range(max(now - SKEW, row.last_step + 1), now + SKEW + 1):
            if hmac.compare_digest(app.at(step), digits):
                return Proof(step)
        return None

    def sealed(self, user_id: int, secret: str) -> str:
        """A secret as it is kept."""
        return self._secrets.seal(tables.PURPOSE, user_id, secret)


def new_secret() -> str:
    """A secret for an app: 160 bits, as RFC 4226 section 4 recommends."""
    return base64.b32encode(clock.random_bytes(SECRET_BYTES)).decode()


def new_recovery_codes() -> list[str]:
    """Codes of 80 bits, in fours."""
    codes = [base64.b32encode(clock.random_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def recovery_hash(user_id: int, code: str) -> str:
    """What is kept of a recovery code, however it is written."""
    plain = code.replace("-", "").replace(" ", "").lower()
    return hashlib.sha256(f"{user_id}\0{plain}".encode()).hexdigest()


def wrong() -> Invalid:
    """One answer for codes that are wrong, too old, and used before."""
    return Invalid("The code is wrong, or was used before.", field="otp", reason=ErrorReason.ERROR_REASON_SECOND_FACTOR_WRONG)


def _required() -> Invalid:
    told = "A second factor is on: send a code of the authenticator app, or a recovery code, as otp."
    return Invalid(told, field="otp", reason=ErrorReason.ERROR_REASON_SECOND_FACTOR_REQUIRED)


async def _on(db: Handle, user_id: int) -> Any:
    row = await db.one(tables.find, user=user_id)
    return None if row is None or row.confirmed_at is None else row


async def _recovery(db: Handle, user_id: int, code: str) -> Proof | None:
    hash = recovery_hash(user_id, code)
    return None if await db.one(tables.find_code, user=user_id, this=hash) is None else Proof(recovery=hash)

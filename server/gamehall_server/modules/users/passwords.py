"""Passwords: changing one, and getting back in without it. Nobody learns here who has an account."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall.users.v1 import passwords_pb2 as pb

from gamehall_server.kit import clock
from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.rpc import Prepared
from gamehall_server.kit.secrets import Secrets
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.access import ASKED, Attempts, Counted, PasswordHasher, count, digest, end_sessions_of_user, refuse_takeover
from gamehall_server.modules.users.policy import Identity, Rules, folded, ready
from gamehall_server.modules.users.records import load
from gamehall_server.modules.users.resets import REQUEST, ResetAsked, drop_resets, found_reset, hash_of, lock_reset
from gamehall_server.modules.users.tables import set_password, users

# Replaces what a user proves themself with, in the transaction of the handle: the user's id.
Replace = Callable[[Handle, int], Awaitable[None]]


class Found(NamedTuple):
    """What the first part of a reset found out."""

    user_id: int
    hashed: str


class Passwords:
    """gamehall.users.v1.PasswordService."""

    service = pb.DESCRIPTOR.services_by_name["PasswordService"]

    def __init__(self, hasher: PasswordHasher, rules: Rules, attempts: Attempts, secrets: Secrets, *replaced: Replace) -> None:
        """`replaced`: what else is another with another password, and is other modules'."""
        self._hasher = hasher
        self._rules = rules
        self._attempts = attempts
        self._secrets = secrets
        self._replaced = replaced
        self.SetPassword = Prepared(self._check, self._set)
        self.FinishPasswordReset = Prepared(self._prove, self._finish)

    async def _check(self, request: pb.SetPasswordRequest, call: Call) -> str:
        row = await load(call, request.id)
        return await self._hashed(request.password, Identity(row.username, row.email or ""), "password")

    async def _set(self, request: pb.SetPasswordRequest, call: Call, hashed: str) -> pb.SetPasswordResponse:
        row = await load(call, request.id, lock=True)
        await refuse_takeover(call, row.id)
        session = call.caller.session_id if call.caller is not None and call.user_id == row.id else None
        await self._change(call, row.id, hashed, but=session)
        return pb.SetPasswordResponse()

    async def SubmitPasswordReset(self, request: pb.SubmitPasswordResetRequest, call: Call) -> pb.SubmitPasswordResetResponse:
        for by in ("username", "email", "mobile_number"):
            if told := getattr(request, by).strip():
                await self._ask(call, by, told if by == "mobile_number" else folded(told))
                return pb.SubmitPasswordResetResponse()
        raise Invalid("one of username, email and mobile_number is needed", field="username", reason=ErrorReason.ERROR_REASON_REQUIRED)

    async def StartPasswordReset(self, request: pb.StartPasswordResetRequest, call: Call) -> pb.StartPasswordResetResponse:
        await self._ask(call, "id", request.id)
        return pb.StartPasswordResetResponse()

    async def _ask(self, call: Call, by: str, told: str) -> None:
        """Counts, and leaves all the rest to a consumer of the outbox: the caller's work and time are the same whoever is meant."""
        key = digest("reset", by, told)
        await count(call.db, (Counted(key, ASKED), self._attempts.from_there(call.arrival.address, "reset")))
        call.leave("password_reset_asked", ResetAsked(f"reset:{key}", by, self._secrets.seal(REQUEST, key, told), key))

    async def _prove(self, request: pb.FinishPasswordResetRequest, call: Call) -> Found:
        hash = hash_of(request.reset.secret)

        async def judge() -> bool:
            return await found_reset(call.db, hash, int(request.id), clock.real_micros())

        if not await self._attempts.guarded(call.arrival.address, judge):
            raise _no_good()
        row = await call.db.one(users.get, id=int(request.id))
        assert row is not None
        return Found(row.id, await self._hashed(request.reset.password, Identity(row.username, row.email or ""), "reset.password"))

    async def _finish(self, request: pb.FinishPasswordResetRequest, call: Call, found: Found) -> pb.FinishPasswordResetResponse:
        if not await lock_reset(call.db, hash_of(request.reset.secret), found.user_id, clock.real_micros()):
            raise _no_good()
        await self._change(call, found.user_id, found.hashed)
        return pb.FinishPasswordResetResponse()

    async def _hashed(self, password: str, who: Identity, field: str) -> str:
        await ready()
        wrong = self._rules.wrong_with_password(password, who, field)
        if wrong:
            raise Invalid(violations=tuple(wrong))
        return await self._hasher.hash(password)

    async def _change(self, call: Call, user_id: int, hashed: str, *, but: int | None = None) -> None:
        """Writes a password, and ends what got somebody in before: every session but one, codes, and what other modules gave."""
        db: Handle = call.db
        db.later(set_password, user=user_id, hashed=hashed, now=call.now)
        drop_resets(db, user_id)
        call.changed(f"user:{user_id}", None, {"password": "changed"})
        end_sessions_of_user(db, user_id, clock.real_micros(), but=but)
        for replace in self._replaced:
            await replace(db, user_id)
        call.emit("password_changed", user=user_id)


def _no_good() -> Invalid:
    return Invalid("The code is wrong, used or expired.", field="reset.secret", reason=ErrorReason.ERROR_REASON_RESET_CODE)

"""Turning a second factor on and off."""

from urllib.parse import urlsplit

import pyotp
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall.users.v1 import second_factor_pb2 as pb

from gamehall_server.kit import clock
from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.rpc import Prepared
from gamehall_server.modules.access import end_sessions_of_user, refuse_takeover
from gamehall_server.modules.second_factor import tables
from gamehall_server.modules.second_factor.factors import Proof, SecondFactors, new_recovery_codes, new_secret, recovery_hash, wrong
from gamehall_server.modules.users.records import load

OFF, ON = {"second_factor": "off"}, {"second_factor": "on"}


class SecondFactor:
    """gamehall.users.v1.SecondFactorService."""

    service = pb.DESCRIPTOR.services_by_name["SecondFactorService"]

    def __init__(self, factors: SecondFactors, issuer: str) -> None:
        self._factors = factors
        self._issuer = urlsplit(issuer).netloc or issuer
        self.DisableSecondFactor = Prepared(self._prove, self._disable)

    async def GetSecondFactor(self, request: pb.GetSecondFactorRequest, call: Call) -> pb.GetSecondFactorResponse:
        user = await load(call, request.user_id, "user_id")
        row = await call.db.one(tables.find, user=user.id)
        if row is None or row.confirmed_at is None:
            return pb.GetSecondFactorResponse(on=False)
        left = await call.db.value(tables.count_codes, user=user.id)
        return pb.GetSecondFactorResponse(on=True, since=row.confirmed_at // SECOND, recovery_codes=left)

    async def StartSecondFactor(self, request: pb.StartSecondFactorRequest, call: Call) -> pb.StartSecondFactorResponse:
        user = await load(call, request.user_id, "user_id", lock=True)
        row = await call.db.one(tables.find, user=user.id)
        if row is not None and row.confirmed_at is not None:
            raise _is_on()
        secret = new_secret()
        call.db.later(tables.remove, user=user.id)
        call.db.later(tables.put, user_id=user.id, sealed=self._factors.sealed(user.id, secret), confirmed_at=None, last_step=0)
        call.changed(f"user:{user.id}", None, {"second_factor": "begun"})
        uri = pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=self._issuer)
        return pb.StartSecondFactorResponse(secret=secret, uri=uri)

    async def ConfirmSecondFactor(self, request: pb.ConfirmSecondFactorRequest, call: Call) -> pb.ConfirmSecondFactorResponse:
        # Sign-ins wait for this lock as well, and look whether a code is needed when they have it.
        user = await load(call, request.user_id, "user_id", lock=True)
        row = await call.db.one(tables.find, user=user.id)
        if row is None:
            raise _is_off()
        if row.confirmed_at is not None:
            raise _is_on()
        proof = self._factors.match(row, request.otp)
        if proof is None:
            raise wrong()
        call.db.later(tables.confirm, user=user.id, now=call.now, step=proof.step)
        codes = new_recovery_codes()
        for code in codes:
            call.db.later(tables.put_code, hash=recovery_hash(user.id, code), user_id=user.id)
        assert call.caller is not None
        # Whoever got in with the password alone gets out.
        end_sessions_of_user(call.db, user.id, clock.real_micros(), but=call.caller.session_id)
        call.changed(f"user:{user.id}", OFF, ON)
        return pb.ConfirmSecondFactorResponse(recovery_codes=codes)

    async def _prove(self, request: pb.DisableSecondFactorRequest, call: Call) -> Proof:
        user = await load(call, request.user_id, "user_id")
        row = await call.db.one(tables.find, user=user.id)
        if row is None or row.confirmed_at is None:
            raise _is_off()
        return await self._factors.prove(call, user.id, request.otp)

    async def _disable(self, request: pb.DisableSecondFactorRequest, call: Call, proof: Proof) -> pb.DisableSecondFactorResponse:
        user = await load(call, request.user_id, "user_id", lock=True)
        await self._factors.use(call.db, user.id, proof)
        tables.drop(call.db, user.id)
        call.changed(f"user:{user.id}", ON, OFF)
        return pb.DisableSecondFactorResponse()

    async def RemoveSecondFactor(self, request: pb.RemoveSecondFactorRequest, call: Call) -> pb.RemoveSecondFactorResponse:
        user = await load(call, request.user_id, "user_id", lock=True)
        if user.id == call.user_id:
            told = "your own is turned off with a code: POST /users/me/second-factor/disable"
            raise Invalid(told, field="user_id", reason=ErrorReason.ERROR_REASON_SECOND_FACTOR_REQUIRED)
        await refuse_takeover(call, user.id)
        row = await call.db.one(tables.find, user=user.id)
        if row is None:
            raise _is_off()
        tables.drop(call.db, user.id)
        call.changed(f"user:{user.id}", OFF if row.confirmed_at is None else ON, {"second_factor": "removed"})
        return pb.RemoveSecondFactorResponse()


def _is_on() -> Invalid:
    return Invalid("A second factor is on already.", field="user_id", reason=ErrorReason.ERROR_REASON_SECOND_FACTOR_ON)


def _is_off() -> NotFound:
    return NotFound("There is no second factor.", field="user_id")

"""A user's name and password (RFC 6749 section 4.3), and a code where the user has a second factor.

A written deviation from RFC 9700: for first-party clients alone."""

from gamehall_server.modules.access import Attempts, PasswordHasher
from gamehall_server.modules.auth.grants.base import Asked, Issued, needed, sign_in
from gamehall_server.modules.auth.passwords import Known, known_by_password, note_sign_in
from gamehall_server.modules.second_factor import Proof, SecondFactors


class Password:
    """Known by `known_by_password`, as the login page does."""

    first_party = True

    def __init__(self, hasher: PasswordHasher, attempts: Attempts, factors: SecondFactors) -> None:
        self._hasher = hasher
        self._attempts = attempts
        self._factors = factors

    async def prove(self, asked: Asked) -> tuple[Known, Proof | None]:
        needed(asked.request.username, "username")
        needed(asked.request.password, "password")
        known = await known_by_password(self._hasher, self._attempts, asked.call, asked.request.username, asked.request.password)
        return known, await self._factors.at_sign_in(asked.call, known.user_id, asked.request.otp)

    async def issue(self, asked: Asked, proof: tuple[Known, Proof | None]) -> Issued:
        known, code = proof
        await note_sign_in(asked.call, known)
        await self._factors.use(asked.call.db, known.user_id, code)
        return await sign_in(asked, known.user_id)

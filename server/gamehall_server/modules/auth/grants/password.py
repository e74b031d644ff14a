"""A user's name and password (RFC 6749 section 4.3). A written deviation from RFC 9700: for first-party clients alone."""

from gamehall_server.modules.access import Attempts, PasswordHasher
from gamehall_server.modules.auth.grants.base import Asked, Issued, needed, sign_in
from gamehall_server.modules.auth.passwords import Known, known_by_password, note_sign_in


class Password:
    """Known by `known_by_password`, as the login page does."""

    first_party = True

    def __init__(self, hasher: PasswordHasher, attempts: Attempts) -> None:
        self._hasher = hasher
        self._attempts = attempts

    async def prove(self, asked: Asked) -> Known:
        needed(asked.request.username, "username")
        needed(asked.request.password, "password")
        return await known_by_password(self._hasher, self._attempts, asked.call, asked.request.username, asked.request.password)

    async def issue(self, asked: Asked, proof: Known) -> Issued:
        await note_sign_in(asked.call, proof)
        return await sign_in(asked, proof.user_id)

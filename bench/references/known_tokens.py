"""Tokens as the raw references check them: verified once, then known until they expire."""

import time
from typing import Generic, TypeVar

import jwt

from bench.tokens import ALGORITHM, SECRET

KEPT = 10_000
T = TypeVar("T", str, bytes)


class NoToken(Exception):
    """An authorization header that holds no valid token."""


class KnownTokens(Generic[T]):
    """By the authorization header as it came: text over gRPC, bytes over HTTP."""

    def __init__(self, bearer: T) -> None:
        self._bearer: T = bearer
        self._verified: dict[T, tuple[int, float]] = {}

    def user(self, header: T) -> int:
        """Whose token it is; raises NoToken."""
        known = self._verified.get(header)
        if known is not None and known[1] > time.time():
            return known[0]
        try:
            claims = jwt.decode(header.removeprefix(self._bearer), SECRET, algorithms=[ALGORITHM])
        except jwt.InvalidTokenError:
            raise NoToken from None
        if len(self._verified) >= KEPT:
            self._verified.clear()
        self._verified[header] = int(claims["sub"]), claims["exp"]
        return int(claims["sub"])

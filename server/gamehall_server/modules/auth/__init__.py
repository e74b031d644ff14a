"""Tokens: giving, verifying, refreshing and revoking them."""

from gamehall_server.modules.auth.keys import KeyRing
from gamehall_server.modules.auth.verifier import TokenVerifier

__all__ = ["KeyRing", "TokenVerifier"]

"""Fixtures that several modules' tests share."""

from tests.modules.hooking import boss, hooked, trigger
from tests.modules.signing_in import facebook_and_google, issuer

__all__ = ["boss", "facebook_and_google", "hooked", "issuer", "trigger"]

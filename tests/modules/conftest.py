"""Fixtures that several modules' tests share."""

from tests.modules.signing_in import facebook_and_google, issuer

__all__ = ["facebook_and_google", "issuer"]

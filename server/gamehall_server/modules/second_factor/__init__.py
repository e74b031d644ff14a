"""The second factor of users: codes of an authenticator app (RFC 6238, RFC 4226), and recovery codes for who lost it."""

from gamehall_server.modules.second_factor.factors import Proof, SecondFactors
from gamehall_server.modules.second_factor.tables import settle_second_factors

__all__ = ["Proof", "SecondFactors", "settle_second_factors"]

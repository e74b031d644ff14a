"""Users."""

from gamehall_server.modules.users.policy import BUILT_INS, Identity, Rules, folded, ready
from gamehall_server.modules.users.registration import Registration, register
from gamehall_server.modules.users.tables import Credentials, credentials_of, email_taken, has_password, signed_in, summary, summary_of

__all__ = [
    "BUILT_INS",
    "Credentials",
    "Identity",
    "Registration",
    "Rules",
    "credentials_of",
    "email_taken",
    "folded",
    "has_password",
    "ready",
    "register",
    "signed_in",
    "summary",
    "summary_of",
]

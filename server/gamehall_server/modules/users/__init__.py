"""Users."""

from gamehall_server.modules.users.registration import Registration, folded, register, wrong_with
from gamehall_server.modules.users.tables import Credentials, credentials_of, signed_in, summary, summary_of

__all__ = ["Credentials", "Registration", "credentials_of", "folded", "register", "signed_in", "summary", "summary_of", "wrong_with"]

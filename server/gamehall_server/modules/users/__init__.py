"""Users."""

from gamehall_server.modules.users import policy, resets
from gamehall_server.modules.users.naming import named_or_caller
from gamehall_server.modules.users.policy import Identity, Rules, folded, ready
from gamehall_server.modules.users.properties import hold, hold_all, set_property
from gamehall_server.modules.users.registration import Registration, register
from gamehall_server.modules.users.resets import Resets, sweep_resets
from gamehall_server.modules.users.tables import (
    Credentials,
    change_tags,
    credentials_of,
    email_taken,
    has_password,
    reference,
    signed_in,
    signed_in_by_password,
    summary,
    summary_as,
    summary_of,
)

BUILT_INS = (*policy.BUILT_INS, *resets.BUILT_INS)

__all__ = [
    "BUILT_INS",
    "Credentials",
    "Identity",
    "Registration",
    "Resets",
    "Rules",
    "change_tags",
    "credentials_of",
    "email_taken",
    "folded",
    "has_password",
    "hold",
    "hold_all",
    "named_or_caller",
    "ready",
    "reference",
    "register",
    "set_property",
    "signed_in",
    "signed_in_by_password",
    "summary",
    "summary_as",
    "summary_of",
    "sweep_resets",
]

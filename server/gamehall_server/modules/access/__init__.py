"""Roles, permissions, API clients and passwords: who may do what, and how they prove who they are."""

from gamehall_server.modules.access.attempts import ASKED, Attempts, Counted, count, digest, sweep_attempts
from gamehall_server.modules.access.clients import LONGEST_ACCESS, LONGEST_REFRESH, Client, find_client
from gamehall_server.modules.access.granting import checked_roles, refuse_beyond, refuse_roles, refuse_takeover
from gamehall_server.modules.access.passwords import PasswordHasher
from gamehall_server.modules.access.redirects import redirect_matches, wrong_with_redirect
from gamehall_server.modules.access.revocations import (
    POLL,
    Revocations,
    Revoked,
    end_sessions_of_client,
    end_sessions_of_user,
    revoke,
    sweep_revocations,
)
from gamehall_server.modules.access.roles import (
    ROLE_ADMIN,
    ROLE_USER,
    Grants,
    grant_role,
    grants_of_client,
    grants_of_user,
    has_role,
    known_roles,
    take_roles,
)
from gamehall_server.modules.access.shown import show_roles

__all__ = [
    "ASKED",
    "LONGEST_ACCESS",
    "LONGEST_REFRESH",
    "POLL",
    "ROLE_ADMIN",
    "ROLE_USER",
    "Attempts",
    "Client",
    "Counted",
    "Grants",
    "PasswordHasher",
    "Revocations",
    "Revoked",
    "checked_roles",
    "count",
    "digest",
    "end_sessions_of_client",
    "end_sessions_of_user",
    "find_client",
    "grant_role",
    "grants_of_client",
    "grants_of_user",
    "has_role",
    "known_roles",
    "network",
    "redirect_matches",
    "refuse_beyond",
    "refuse_roles",
    "refuse_takeover",
    "revoke",
    "show_roles",
    "sweep_attempts",
    "sweep_revocations",
    "take_roles",
    "wrong_with_redirect",
]

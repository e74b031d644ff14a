"""Roles, permissions, API clients and passwords: who may do what, and how they prove who they are."""

from gamehall_server.modules.access.attempts import ASKED, NETWORK, Attempts, Counted, count, digest, network, sweep_attempts
from gamehall_server.modules.access.clients import LONGEST_ACCESS, LONGEST_REFRESH, Client, find_client
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
)

__all__ = [
    "ASKED",
    "LONGEST_ACCESS",
    "LONGEST_REFRESH",
    "NETWORK",
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
    "revoke",
    "sweep_attempts",
    "sweep_revocations",
    "wrong_with_redirect",
]

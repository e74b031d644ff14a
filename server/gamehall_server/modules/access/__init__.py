"""Roles, permissions, API clients and passwords: who may do what, and how they prove who they are."""

from gamehall_server.modules.access.attempts import ASKED, NETWORK, Attempts, Counted, count, digest, network
from gamehall_server.modules.access.clients import Client, find_client
from gamehall_server.modules.access.passwords import PasswordHasher
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
    "NETWORK",
    "Attempts",
    "Counted",
    "count",
    "digest",
    "network",
    "ROLE_ADMIN",
    "ROLE_USER",
    "AttemptRow",
    "Client",
    "Grants",
    "KnownPlaceRow",
    "PasswordHasher",
    "find_client",
    "grant_role",
    "grants_of_client",
    "grants_of_user",
    "has_role",
    "known_roles",
]

"""Roles, permissions, API clients and passwords: who may do what, and how they prove who they are."""

from gamehall_server.modules.access.clients import Client, find_client
from gamehall_server.modules.access.passwords import PasswordHasher
from gamehall_server.modules.access.redirects import redirect_matches, wrong_with_redirect
from gamehall_server.modules.access.roles import ROLE_ADMIN, ROLE_USER, Grants, grant_role, grants_of_client, grants_of_user, known_roles

__all__ = [
    "ROLE_ADMIN",
    "ROLE_USER",
    "Client",
    "Grants",
    "PasswordHasher",
    "find_client",
    "grant_role",
    "grants_of_client",
    "grants_of_user",
    "known_roles",
    "redirect_matches",
    "wrong_with_redirect",
]

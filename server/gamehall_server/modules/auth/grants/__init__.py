"""Every way to a token at POST /oauth/token. Adding a grant is adding a file here and a line in GRANTS.

A grant is a class made of `Tools` with two halves and a flag (`Grant` in grants/base.py):

- `prove(asked)` runs before the transaction: it looks at `asked.request`, may hash, read `asked.call.db` and call a provider, and writes
  nothing. It raises a Fault (`refused`, `needed`) for whoever does not prove what they claim. The client has proven itself before, may
  use the grant by its `grant_types`, and is a first-party one where the grant says so.
- `issue(asked, proof)` runs in the transaction with what `prove` found out, and awaits nothing but `asked.call.db`. It gives the session
  that an access token is made for. `sign_in` (grants/base.py) opens one for a user, with a refresh token, and notes the sign-in.
- `first_party`: whether only the deployment's own clients may use it, because it asks people for what other applications must not see.

A client uses a grant whose word is in its `grant_types`: built-in clients have those of `FIRST_PARTY_GRANTS` (access/bootstrap.py).
A word that stands for no grant of this table may be a provider's name (grants/social.py): those are data.
The session remembers the grant's word (`SessionRow.grant`), also when it goes on by refresh tokens.
"""

from collections.abc import Callable

from gamehall_server.modules.auth.grants.authorization_code import AuthorizationCode
from gamehall_server.modules.auth.grants.base import Grant, Tools
from gamehall_server.modules.auth.grants.client_credentials import ClientCredentials
from gamehall_server.modules.auth.grants.device import Device
from gamehall_server.modules.auth.grants.password import Password
from gamehall_server.modules.auth.grants.refresh_token import RefreshToken

GRANTS: dict[str, Callable[[Tools], Grant]] = {
    "authorization_code": lambda tools: AuthorizationCode(tools.verifier),
    "client_credentials": lambda _: ClientCredentials(),
    "device": lambda tools: Device(tools.devices),
    "password": lambda tools: Password(tools.hasher, tools.attempts, tools.factors),
    "refresh_token": lambda tools: RefreshToken(tools.verifier),
}

__all__ = ["GRANTS", "Grant", "Tools"]

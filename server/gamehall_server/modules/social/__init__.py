"""Social sign-in: accounts with other providers that let users in here."""

from collections.abc import Awaitable, Callable

from gamehall_server.kit.call import Call
from gamehall_server.kit.egress import Egress
from gamehall_server.kit.secrets import Secrets
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.configs import BOOLEAN, BuiltIn, ConfigValues
from gamehall_server.modules.social import accounts, facebook, google
from gamehall_server.modules.social.openid import Issuer, OpenID
from gamehall_server.modules.social.proof import NotProven, Presented, Proven
from gamehall_server.modules.social.tables import end_sessions as end_sessions_of_grant
from gamehall_server.modules.social.tables import has_identity, lock_of_identities, opened, provider_of, settle_providers

AUTO_CREATE = BuiltIn("social_login_auto_create", "Whether signing in with an unknown social account makes a new user.", BOOLEAN, "true")
BUILT_INS = (AUTO_CREATE, *facebook.BUILT_INS, *google.BUILT_INS)
Prove = Callable[[Presented], Awaitable[Proven]]


class Social:
    """Every provider of the deployment: the two of the guide, and those that are data."""

    def __init__(self, egress: Egress, configs: ConfigValues, secrets: Secrets, facebook_url: str, google_urls: tuple[str, str]) -> None:
        self._configs = configs
        self._secrets = secrets
        self._built_in: dict[str, tuple[str, Prove]] = {
            facebook.NAME: (facebook.TITLE, facebook.Facebook(egress, configs, facebook_url).prove),
            google.NAME: (google.TITLE, google.Google(egress, configs, *google_urls).prove),
        }
        self._openid = OpenID(egress)

    async def exists(self, db: Handle, name: str) -> bool:
        """Whether there is a provider of this name."""
        return name in self._built_in or await provider_of(db, name) is not None

    async def find(self, db: Handle, name: str) -> "Way | None":
        """The provider of this name, unless there is none or it is switched off."""
        built_in = self._built_in.get(name)
        if built_in is not None:
            return Way(self, *built_in)
        row = await provider_of(db, name)
        if row is None or not row.enabled:
            return None
        secret = opened(self._secrets, name, row.sealed_secret)
        others = frozenset(each.strip() for each in row.other_client_ids.split(",") if each.strip())
        issuer = Issuer(
            name, row.title, row.issuer, row.client_id, others, secret, row.redirect_uri, row.algorithm, row.team_id, row.key_id
        )
        return Way(self, row.title, lambda presented: self._openid.prove(issuer, presented))

    def is_built_in(self, name: str) -> bool:
        """Whether this name is one of the guide's providers."""
        return name in self._built_in

    @property
    def makes_users(self) -> bool:
        """Whether an account that nobody is linked with makes a new user."""
        return self._configs.value(AUTO_CREATE)


class Way:
    """One provider, for one call."""

    def __init__(self, social: Social, title: str, prove: Prove) -> None:
        self._social = social
        self.title = title
        # Who a token is of; asks the provider, so it goes before the transaction. Raises NotProven, Unavailable, and Invalid where the
        # provider is not set up.
        self.prove = prove

    async def user(self, call: Call, proven: Proven) -> int:
        """The user who signs in so, in the transaction. Raises NotProven."""
        return await accounts.signed_in_as(call, proven, self.title, create=self._social.makes_users)

    async def link(self, call: Call, proven: Proven, user_id: int) -> None:
        """Links an account with a user, in the transaction. Raises NotProven, and Invalid for another user's."""
        await accounts.link(call, proven, user_id, self.title)


__all__ = [
    "BUILT_INS",
    "NotProven",
    "Presented",
    "Proven",
    "Social",
    "Way",
    "end_sessions_of_grant",
    "has_identity",
    "lock_of_identities",
    "settle_providers",
]

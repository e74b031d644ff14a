"""Linking accounts with other providers, and the providers that are data."""

import re
from typing import Any, NamedTuple

from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall.social.v1 import providers_pb2
from gamehall.social.v1 import social_pb2 as pb

from gamehall_server.kit.call import Call, Scope
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.egress import Egress, Refused
from gamehall_server.kit.errors import Forbidden, Invalid, NotFound, Violation
from gamehall_server.kit.mapping import Computed
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.rpc import Prepared
from gamehall_server.kit.secrets import Secrets
from gamehall_server.kit.verbs import Get, List
from gamehall_server.modules.configs import MASK
from gamehall_server.modules.social import NotProven, Presented, Proven, Social, Way, accounts, tables
from gamehall_server.modules.social.openid import ALGORITHMS, can_sign
from gamehall_server.modules.social.tables import ProviderRow

NAME = re.compile(r"[a-z][a-z0-9-]{1,49}")
# Words of other grants.
TAKEN = frozenset(("password", "device", "anonymous", "implicit"))
LARGEST_ID = 2**31 - 1


class Linking(NamedTuple):
    """What the first part of a link found out."""

    way: Way
    proven: Proven


class Identities:
    """gamehall.social.v1.IdentityService."""

    service = pb.DESCRIPTOR.services_by_name["IdentityService"]

    def __init__(self, social: Social) -> None:
        self._social = social
        self.LinkFacebook = Prepared(self._prove_facebook, self._answered(pb.LinkFacebookResponse))
        self.LinkGoogle = Prepared(self._prove_google, self._answered(pb.LinkGoogleResponse))
        self.LinkIdentity = Prepared(self._prove_any, self._answered(pb.LinkIdentityResponse))

    async def _prove_facebook(self, request: pb.LinkFacebookRequest, call: Call) -> Linking:
        return await self._prove(call, "facebook", Presented(request.token.access_token), "token.access_token")

    async def _prove_google(self, request: pb.LinkGoogleRequest, call: Call) -> Linking:
        token = request.token.authorization_code or request.token.access_token
        field = "token.access_token" if token and not request.token.authorization_code else "token.authorization_code"
        if not token:
            raise Invalid("required", field=field, reason=ErrorReason.ERROR_REASON_REQUIRED)
        return await self._prove(call, "google", Presented(token, request.token.nonce), field)

    async def _prove_any(self, request: pb.LinkIdentityRequest, call: Call) -> Linking:
        token = request.token
        _reached(request.user_id, call)
        return await self._prove(call, token.provider, Presented(token.token, token.nonce, token.code_verifier), "token.token")

    async def _prove(self, call: Call, name: str, presented: Presented, field: str) -> Linking:
        way = await self._social.find(call.db, name)
        if way is None:
            raise Invalid("no provider has this name", field="token.provider")
        assert call.caller is not None
        if call.caller.grant == name:
            raise Forbidden(
                f"This session was opened with {way.title}: sign in another way to link another account.",
                reason=ErrorReason.ERROR_REASON_SIGNED_IN_BY_PROVIDER,
            )
        try:
            return Linking(way, await way.prove(presented))
        except NotProven as refusal:
            raise NotProven(refusal.message, field=field) from None

    @staticmethod
    def _answered(answer: type[Any]) -> Any:
        async def link(request: Any, call: Call, linking: Linking) -> Any:
            # Everybody links with themself alone.
            assert call.scope is Scope.OWN
            assert call.user_id is not None
            await linking.way.link(call, linking.proven, call.user_id)
            return answer()

        return link

    async def ListIdentities(self, request: pb.ListIdentitiesRequest, call: Call) -> pb.ListIdentitiesResponse:
        rows = await tables.identities_of(call.db, _reached(request.user_id, call))
        shown = [pb.Identity(id=row.id, provider=row.provider, subject=row.subject, linked_date=row.linked_date // SECOND) for row in rows]
        return pb.ListIdentitiesResponse(identities=shown)

    async def DeleteIdentity(self, request: pb.DeleteIdentityRequest, call: Call) -> pb.DeleteIdentityResponse:
        await accounts.unlink(call, _reached(request.user_id, call), request.id)
        return pb.DeleteIdentityResponse()


def _reached(user_id: str, call: Call) -> int:
    """The user as a number. Raises NotFound for one whom the caller does not reach."""
    number = int(user_id)
    if (call.scope is Scope.OWN and number != call.user_id) or number > LARGEST_ID:
        raise NotFound("No user with this id.", field="user_id")
    return number


providers = Resource(
    ProviderRow, providers_pb2.Provider, order="name:ASC", computed={"client_secret": Computed("sealed_secret", lambda _: MASK)}
)


class Providers:
    """gamehall.social.v1.ProviderService."""

    service = providers_pb2.DESCRIPTOR.services_by_name["ProviderService"]

    def __init__(self, egress: Egress, secrets: Secrets, social: Social) -> None:
        self._egress = egress
        self._secrets = secrets
        self._social = social

    ListProviders = List(providers)
    GetProvider = Get(providers)

    async def CreateProvider(self, request: providers_pb2.CreateProviderRequest, call: Call) -> providers_pb2.CreateProviderResponse:
        provider = request.provider
        if not NAME.fullmatch(provider.name) or provider.name in TAKEN or self._social.is_built_in(provider.name):
            raise Invalid("small letters, digits and hyphens, and not the name of another grant", field="provider.name")
        values = {"name": provider.name, "sealed_secret": None, **self._values(provider, None)}
        row = await providers.add(call, values)
        call.emit("provider_created", provider=provider.name)
        answer = providers_pb2.CreateProviderResponse()
        await providers.show(call, row, answer.provider)
        return answer

    async def UpdateProvider(self, request: providers_pb2.UpdateProviderRequest, call: Call) -> providers_pb2.UpdateProviderResponse:
        provider = request.provider
        if provider.name != request.name:
            raise Invalid("must be the name in the path: a provider keeps its name", field="provider.name")
        row = await providers.load(call, request.name, lock=True)
        await providers.change(call, row, **self._values(provider, row))
        call.emit("provider_updated", provider=row.name)
        answer = providers_pb2.UpdateProviderResponse()
        await providers.find(call, row.name, answer.provider)
        return answer

    async def DeleteProvider(self, request: providers_pb2.DeleteProviderRequest, call: Call) -> providers_pb2.DeleteProviderResponse:
        row = await providers.load(call, request.name, lock=True)
        if await tables.has_users(call.db, row.name):
            raise Invalid("users sign in with this provider: switch it off instead", field="name")
        await providers.remove(call, row)
        call.emit("provider_deleted", provider=row.name)
        return providers_pb2.DeleteProviderResponse()

    def _values(self, provider: providers_pb2.Provider, row: Any) -> dict[str, Any]:
        """Column values of what an administrator told. `row` is what there was. Raises Invalid."""
        algorithm = provider.algorithm or ALGORITHMS[0]
        secret = provider.client_secret
        kept = not provider.HasField("client_secret") or (row is not None and secret == MASK)
        wrong = []
        try:
            issuer = self._egress.checked(provider.issuer)
            if issuer.query_string or issuer.fragment:
                wrong.append(Violation("provider.issuer", "must have neither query nor fragment"))
        except Refused as refusal:
            wrong.append(Violation("provider.issuer", str(refusal)))
        if algorithm not in ALGORITHMS:
            wrong.append(Violation("provider.algorithm", f"one of {', '.join(ALGORITHMS)}"))
        if bool(provider.key_id) != bool(provider.team_id):
            wrong.append(Violation("provider.key_id", "key and team belong together"))
        if provider.key_id and not can_sign(self._opened(row) if kept else secret):
            wrong.append(Violation("provider.client_secret", "with a key_id it must be a private key of the curve P-256 in PEM"))
        if wrong:
            raise Invalid(violations=tuple(wrong))
        values = {
            "title": provider.title or provider.name,
            "issuer": provider.issuer,
            "client_id": provider.client_id,
            "other_client_ids": provider.other_client_ids,
            "redirect_uri": provider.redirect_uri,
            "algorithm": algorithm,
            "team_id": provider.team_id,
            "key_id": provider.key_id,
            "enabled": not provider.HasField("enabled") or provider.enabled,
        }
        return (
            values if kept else {**values, "sealed_secret": self._secrets.seal(tables.PURPOSE, provider.name, secret) if secret else None}
        )

    def _opened(self, row: Any) -> str:
        return "" if row is None else tables.opened(self._secrets, row.name, row.sealed_secret)

"""Every servicer of the product, and what each is made from: adding a module is adding a line."""

from collections.abc import Callable
from typing import Any, NamedTuple

from gamehall.options.v1 import options_pb2

from gamehall_server.kit.clock import Clock
from gamehall_server.kit.egress import Egress
from gamehall_server.kit.health import Health
from gamehall_server.kit.invoke import App
from gamehall_server.kit.rpc import Servicer
from gamehall_server.kit.secrets import Secrets
from gamehall_server.kit.storage import Database
from gamehall_server.modules import configs, devices, kongregate, locations, social, templates, users
from gamehall_server.modules.access import Attempts, PasswordHasher
from gamehall_server.modules.access.client_service import Clients
from gamehall_server.modules.access.permission_service import Permissions
from gamehall_server.modules.access.role_service import Roles
from gamehall_server.modules.addresses.servicer import Addresses
from gamehall_server.modules.auth import KeyRing, TokenVerifier
from gamehall_server.modules.auth.authorization import Authorization
from gamehall_server.modules.auth.grants import Tools
from gamehall_server.modules.auth.issued import IssuedTokens, LocationLog
from gamehall_server.modules.auth.own_sessions import Sessions
from gamehall_server.modules.auth.servicer import Tokens
from gamehall_server.modules.auth.tickets import Tickets
from gamehall_server.modules.categories.servicer import Categories
from gamehall_server.modules.comments.servicer import Comments
from gamehall_server.modules.configs import BuiltIn, ConfigValues
from gamehall_server.modules.configs.servicer import Configs
from gamehall_server.modules.content.servicer import Articles
from gamehall_server.modules.content.views import Views
from gamehall_server.modules.devices.servicer import Devices
from gamehall_server.modules.dispositions.servicer import Dispositions
from gamehall_server.modules.events.servicer import Events
from gamehall_server.modules.events.triggers import Triggers
from gamehall_server.modules.events.variable_service import Variables
from gamehall_server.modules.events.watching import Watching
from gamehall_server.modules.files import Place
from gamehall_server.modules.files.servicer import Uploads
from gamehall_server.modules.forwards.servicer import ForwardLogs
from gamehall_server.modules.friendships.servicer import Blocks, Friendships
from gamehall_server.modules.groups.members import GroupMembers
from gamehall_server.modules.groups.search import in_group
from gamehall_server.modules.groups.servicer import Groups
from gamehall_server.modules.kongregate.servicer import Games, GameTokens
from gamehall_server.modules.locations.servicer import Locations
from gamehall_server.modules.logs.servicer import UserLogs
from gamehall_server.modules.maintenance import Notice
from gamehall_server.modules.maintenance.servicer import Maintenance
from gamehall_server.modules.media.artists import Artists
from gamehall_server.modules.media.moderation import Moderation
from gamehall_server.modules.media.polls import Polls
from gamehall_server.modules.media.video_talk import VideoTalk
from gamehall_server.modules.media.videos import Videos
from gamehall_server.modules.objects.servicer import Objects
from gamehall_server.modules.platform.servicer import Platform, Sandbox
from gamehall_server.modules.relationships.servicer import Relationships
from gamehall_server.modules.rules.catalogue import Actions, Expressions
from gamehall_server.modules.rules.categories import RuleCategories
from gamehall_server.modules.rules.forwarding import ToUrls
from gamehall_server.modules.rules.globals import Globals
from gamehall_server.modules.rules.ruleset import Ruleset
from gamehall_server.modules.rules.servicer import Rules
from gamehall_server.modules.rules.trying import Trying
from gamehall_server.modules.rules.uses import refuse_broken
from gamehall_server.modules.second_factor.servicer import SecondFactor
from gamehall_server.modules.social import Social
from gamehall_server.modules.social.servicer import Identities, Providers
from gamehall_server.modules.tags.servicer import Tags
from gamehall_server.modules.templates.servicer import PropertyTypes, TemplatesOfKinds
from gamehall_server.modules.users.passwords import Passwords
from gamehall_server.modules.users.role_service import UserRoles
from gamehall_server.modules.users.servicer import Users
from gamehall_server.modules.webhooks import ToWebhooks, Webhooks
from gamehall_server.modules.webhooks.servicer import WebhookService
from gamehall_server.settings import Settings


class Parts(NamedTuple):
    """What servicers are made from."""

    database: Database
    health: Health
    clock: Clock
    hasher: PasswordHasher
    keys: KeyRing
    verifier: TokenVerifier
    secrets: Secrets
    configs: ConfigValues
    notice: Notice
    egress: Egress
    social: Social
    rules: users.Rules
    attempts: Attempts
    # What ways to a token are made from.
    tools: Tools
    place: Place
    views: Views
    watching: Watching
    ruleset: Ruleset
    webhooks: Webhooks


# Every config that the product reads.
BUILT_INS: tuple[BuiltIn[Any], ...] = (*configs.NAMED, *devices.BUILT_INS, *locations.BUILT_INS, *social.BUILT_INS, *users.BUILT_INS)


def _plain(servicer: type[Servicer]) -> Callable[[Parts], Servicer]:
    return lambda _: servicer()


# Every servicer of the product and how it is made: adding a module is adding a line.
SERVICERS: dict[type[Servicer], Callable[[Parts], Servicer]] = {
    **{family: _plain(family) for family in templates.FAMILIES},
    Actions: lambda _: Actions(),
    Addresses: lambda _: Addresses(),
    Articles: lambda parts: Articles(parts.views),
    Artists: lambda _: Artists(),
    Authorization: lambda parts: Authorization(parts.tools, Tickets(parts.secrets)),
    Blocks: lambda _: Blocks(),
    Categories: lambda _: Categories(),
    Clients: lambda parts: Clients(parts.social.exists),
    Comments: lambda _: Comments(),
    Configs: lambda parts: Configs(parts.configs),
    Devices: lambda _: Devices(),
    Dispositions: lambda _: Dispositions(),
    Events: lambda parts: Events(parts.watching),
    Expressions: lambda _: Expressions(),
    ForwardLogs: lambda _: ForwardLogs((ToWebhooks, ToUrls, kongregate.Callbacks)),
    Friendships: lambda parts: Friendships(parts.secrets),
    Games: lambda parts: Games(kongregate.GameSecrets(parts.secrets), parts.egress),
    GameTokens: lambda parts: GameTokens(kongregate.GameSecrets(parts.secrets)),
    Globals: lambda parts: Globals(parts.ruleset),
    GroupMembers: lambda _: GroupMembers(),
    Groups: lambda _: Groups(),
    Identities: lambda parts: Identities(parts.social),
    IssuedTokens: lambda _: IssuedTokens(),
    LocationLog: lambda _: LocationLog(),
    Locations: lambda parts: Locations(parts.configs),
    Maintenance: lambda parts: Maintenance(parts.notice),
    Moderation: lambda _: Moderation(),
    Objects: lambda _: Objects(),
    Passwords: lambda parts: Passwords(
        parts.hasher, parts.rules, parts.attempts, parts.secrets, kongregate.GameSecrets(parts.secrets).replace_all
    ),
    Permissions: lambda _: Permissions(),
    Platform: lambda parts: Platform(parts.health),
    Polls: lambda _: Polls(),
    PropertyTypes: lambda _: PropertyTypes(),
    Providers: lambda parts: Providers(parts.egress, parts.secrets, parts.social),
    Relationships: lambda _: Relationships(),
    Roles: lambda _: Roles(),
    RuleCategories: lambda _: RuleCategories(),
    Rules: lambda parts: Rules(parts.ruleset, Trying()),
    Sandbox: lambda parts: Sandbox(parts.clock),
    SecondFactor: lambda parts: SecondFactor(parts.tools.factors, parts.verifier.issuer),
    Sessions: lambda _: Sessions(),
    Tags: lambda _: Tags(),
    TemplatesOfKinds: lambda _: TemplatesOfKinds(),
    Tokens: lambda parts: Tokens(parts.keys, parts.tools),
    Uploads: lambda parts: Uploads(parts.place),
    Triggers: lambda _: Triggers(refuse_broken),
    UserLogs: lambda _: UserLogs(),
    UserRoles: lambda _: UserRoles(),
    Users: lambda parts: Users(parts.hasher, parts.rules, in_group()),
    Variables: lambda _: Variables(),
    VideoTalk: lambda _: VideoTalk(),
    Videos: lambda _: Videos(),
    WebhookService: lambda parts: WebhookService(parts.webhooks, parts.egress, parts.secrets),
}


def for_sandbox(servicer: type[Servicer]) -> bool:
    """Whether a service is for sandbox deployments only."""
    return any(method.GetOptions().Extensions[options_pb2.method].sandbox for method in servicer.service.methods)


def permissions_of(app: App) -> set[str]:
    """Every permission that an RPC of the deployment asks for."""
    return {name for rpc in app.rpcs.values() for name in rpc.permissions}


def served(settings: Settings) -> list[type[Servicer]]:
    """The servicers of such a deployment."""
    return [servicer for servicer in SERVICERS if settings.sandbox or not for_sandbox(servicer)]


def made(settings: Settings, parts: Parts) -> list[Servicer]:
    """The servicers of such a deployment, ready to be bound."""
    return [SERVICERS[servicer](parts) for servicer in served(settings)]

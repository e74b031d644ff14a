"""Every servicer of the product, and how a deployment is put together."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from gamehall.options.v1 import options_pb2
from sqlmodel import SQLModel

from gamehall_server import __version__
from gamehall_server.consumers import register_consumers
from gamehall_server.kit.clock import SECOND, Clock, Micros, SandboxClock, SystemClock, real_micros, token
from gamehall_server.kit.dispatch import Dispatcher
from gamehall_server.kit.egress import Egress
from gamehall_server.kit.errors import Duplicate
from gamehall_server.kit.file_store import FileStore
from gamehall_server.kit.health import Health
from gamehall_server.kit.invoke import App, Observe, unobserved
from gamehall_server.kit.kept import Renewed
from gamehall_server.kit.metrics import Metrics
from gamehall_server.kit.observers import SlowCalls, all_of
from gamehall_server.kit.outbox import Outbox
from gamehall_server.kit.proxies import Proxies
from gamehall_server.kit.rpc import Servicer
from gamehall_server.kit.secrets import Secrets, kept_in
from gamehall_server.kit.signed_addresses import Signer
from gamehall_server.kit.storage import Database, Handle, open_database
from gamehall_server.kit.within import Within
from gamehall_server.modules import configs, devices, kongregate, locations, social, templates, users
from gamehall_server.modules.access import ROLE_ADMIN, ROLE_USER, Attempts, PasswordHasher, Revocations
from gamehall_server.modules.access.bootstrap import settle_access, settle_passes
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
from gamehall_server.modules.devices import DeviceLogin
from gamehall_server.modules.devices.servicer import Devices
from gamehall_server.modules.dispositions.servicer import Dispositions
from gamehall_server.modules.events import settle_triggers
from gamehall_server.modules.events.servicer import Events
from gamehall_server.modules.events.triggers import Triggers
from gamehall_server.modules.events.variable_service import Variables
from gamehall_server.modules.events.watching import Watching
from gamehall_server.modules.files import OwnFiles, Place
from gamehall_server.modules.files.servicer import Uploads
from gamehall_server.modules.forwards import Posting, Terms
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
from gamehall_server.modules.rules.categories import RuleCategories, settle_categories
from gamehall_server.modules.rules.engine import CONSUMER, Engine
from gamehall_server.modules.rules.forwarding import ToUrls
from gamehall_server.modules.rules.globals import Globals
from gamehall_server.modules.rules.later import Later
from gamehall_server.modules.rules.ruleset import Ruleset
from gamehall_server.modules.rules.servicer import Rules
from gamehall_server.modules.rules.settling import settle_rules
from gamehall_server.modules.rules.trying import Trying
from gamehall_server.modules.rules.uses import refuse_broken
from gamehall_server.modules.second_factor import SecondFactors, settle_second_factors
from gamehall_server.modules.second_factor.servicer import SecondFactor
from gamehall_server.modules.social import Social
from gamehall_server.modules.social.servicer import Identities, Providers
from gamehall_server.modules.tags.servicer import Tags
from gamehall_server.modules.templates.servicer import PropertyTypes, TemplatesOfKinds
from gamehall_server.modules.users.passwords import Passwords
from gamehall_server.modules.users.role_service import UserRoles
from gamehall_server.modules.users.servicer import Users
from gamehall_server.modules.webhooks import CONSUMER as WEBHOOKS
from gamehall_server.modules.webhooks import FanOut, ToWebhooks, Webhooks
from gamehall_server.modules.webhooks.servicer import WebhookService
from gamehall_server.settings import Settings

if TYPE_CHECKING:
    from gamehall_server.kit.tracing import Spans

T = TypeVar("T")
DAY: Micros = 24 * 3600 * SECOND


class Product(NamedTuple):
    """A deployment that is ready to serve."""

    app: App
    database: Database
    health: Health
    hasher: PasswordHasher
    verifier: TokenVerifier
    keys: KeyRing
    secrets: Secrets
    revocations: Revocations
    egress: Egress
    metrics: Metrics
    outbox: Outbox
    dispatcher: Dispatcher
    rules: users.Rules
    views: Views
    spans: "Spans | None"
    # What files are served with where no other store has them.
    files: OwnFiles | None
    # What is in memory and must be renewed where other processes write as well.
    kept: tuple[Renewed, ...]
    # The administrator's new password when this start made one up: it is shown this once.
    admin_password: str | None

    async def close(self) -> None:
        """Lets the database and the threads go."""
        if self.spans is not None:
            await asyncio.to_thread(self.spans.close)
        self.hasher.close()
        await self.egress.close()
        await self.database.close()


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
    ForwardLogs: lambda _: ForwardLogs(),
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


async def build(settings: Settings, *, observe: Observe = unobserved) -> Product:
    """Opens the database, settles what every deployment starts with, and binds every servicer to its RPCs.

    Raises Drift when contract and code disagree, and what `Database.open` raises.
    """
    proxies = Proxies(settings.trusted_proxies)
    spans = _spans() if settings.otel else None
    database = open_database(settings.database_url, SQLModel.metadata.tables.values())
    await database.open()
    try:
        return await _built(settings, database, proxies, spans, observe)
    except BaseException:
        # Its connections would keep the loop from ending.
        await database.close()
        raise


def _files(settings: Settings, secrets: Secrets) -> tuple[Place, OwnFiles | None]:
    """Where files are, and what serves them where that is a folder of this deployment's own."""
    types = tuple(word.strip().lower() for word in settings.upload_types.split(",") if word.strip())
    if settings.s3_url:
        signer = Signer(settings.s3_key_id, settings.s3_secret, settings.s3_region)
        return Place(signer, settings.s3_url.rstrip("/"), settings.s3_bucket, settings.cdn_url.rstrip("/"), types), None
    signer = Signer("gamehall", secrets.mark("files", b"addresses"), "local")
    place = Place(signer, f"{settings.public_url}/files", settings.s3_bucket, settings.cdn_url.rstrip("/"), types)
    return place, OwnFiles(FileStore(settings.files_path, settings.upload_bytes), signer, urlsplit(settings.public_url).netloc)


def _terms(settings: Settings) -> Terms:
    """Raises ValueError for pauses that are no numbers."""
    try:
        pauses = tuple(float(part) for part in settings.post_pauses.split(","))
    except ValueError:
        raise ValueError("GAMEHALL_POST_PAUSES must be seconds, comma separated") from None
    return Terms(pauses, settings.post_seconds, settings.post_lease_seconds)


async def _built(settings: Settings, database: Database, proxies: Proxies, spans: "Spans | None", observe: Observe) -> Product:
    clock: Clock = SandboxClock() if settings.sandbox else SystemClock()
    outbox = Outbox(settings.events_kept_days * DAY)
    secrets = secrets_of(settings)
    keys, values, notice = KeyRing(secrets), ConfigValues(BUILT_INS, secrets), Notice()
    passes: list[int] = []
    now = clock.now()

    async def settle(db: Handle) -> None:
        passes.append(await settle_passes(db, settings.password_passes or None))
        await keys.settle(db)
        await values.settle(db)
        await social.settle_providers(db, secrets)
        await settle_second_factors(db, secrets)
        await kongregate.GameSecrets(secrets).settle(db)
        await settle_triggers(db)
        await settle_categories(db)
        await settle_rules(db)

    await _settle(database, settle)
    ruleset, hooks = Ruleset(), Webhooks()
    kept: tuple[Renewed, ...] = (keys.kept, values.kept, notice.kept, ruleset, hooks.kept)
    for each in kept:
        await each.renew(database.reader())
    hasher, verifier = PasswordHasher(passes[-1]), TokenVerifier(keys, settings.issuer)
    database.listeners.append(verifier.hear)
    keys.gone = verifier.forget_everything
    health = Health(database)
    egress = Egress(settings.egress_allow, settings.egress_ports, seconds=settings.egress_seconds)
    accounts = Social(egress, values, secrets, settings.facebook_url, (settings.google_token_url, settings.google_certs_url))
    rules, attempts = users.Rules(values), Attempts(database, settings.network_tries)
    device_login, factors = DeviceLogin(values, hasher, attempts), SecondFactors(secrets, attempts)
    tools = Tools(hasher, verifier, accounts, attempts, device_login, factors)
    place, own_files = _files(settings, secrets)
    views = Views(database, settings.views_seconds)
    of_identity = (hasher, keys, verifier, secrets, values, notice, egress, accounts, rules, attempts, tools)
    parts = Parts(database, health, clock, *of_identity, place, views, Watching(database, outbox), ruleset, hooks)
    servicers = [SERVICERS[servicer](parts) for servicer in served(settings)]
    metrics = Metrics(database)
    observers: list[Observe] = [metrics.observe]
    if settings.slow_call_seconds:
        observers.append(SlowCalls(settings.slow_call_seconds).observe)
    if spans is not None:
        observers.append(spans.observe)
    if observe is not unobserved:
        observers.append(observe)
    dispatcher, engine = Dispatcher(database, outbox), Engine(ruleset, outbox, clock.now)
    outbox.ask(CONSUMER, ruleset.wants)
    dispatcher.add(Within(database, CONSUMER, engine.take))
    dispatcher.add(Later(database, engine, clock))
    outbox.ask(WEBHOOKS, hooks.wants)
    dispatcher.add(Within(database, WEBHOOKS, FanOut().take))
    patience = int(settings.webhook_days * DAY)
    callbacks = kongregate.Callbacks(kongregate.GameSecrets(secrets))
    kinds = (ToWebhooks(hooks, secrets, outbox, real_micros, patience), ToUrls(), callbacks)
    dispatcher.add(Posting(database, egress, kinds, _terms(settings)))
    register_consumers(dispatcher, settings, database, outbox, secrets, values, clock)
    app = App(
        database,
        verifier,
        clock,
        servicers,
        gate=notice.gate,
        proxies=proxies,
        outbox=outbox,
        follow=engine.at_once,
        observe=all_of(observers),
        most_in_flight=settings.most_in_flight,
        most_streams=settings.most_streams,
    )

    metrics.in_flight = lambda: app.in_flight
    metrics.streams = lambda: app.streams.open

    async def access(db: Handle) -> None:
        await settle_access(db, now, permissions_of(app))

    await _settle(database, access)
    password = await _settle_admin(settings, database, hasher, rules, now)
    revocations = Revocations(verifier.hear, verifier.forget_everything)
    running = (revocations, egress, metrics, outbox, dispatcher, rules, views)
    return Product(app, database, health, hasher, verifier, keys, secrets, *running, spans, own_files, kept, password)


def secrets_of(settings: Settings) -> Secrets:
    """The root keys: those that are told, or those in a file, one a line, which is made where there is none. Raises ValueError, OSError."""
    return Secrets(settings.root_key.split(",") if settings.root_key else kept_in(settings.key_file).split())


async def _settle(database: Database, work: Callable[[Handle], Awaitable[T]]) -> T:
    """Of two nodes that start together with a new database both may add the same: the later one waits for the earlier one's commit, is
    refused, and finds everything there when it looks again."""
    try:
        return await database.write(work)
    except Duplicate:
        return await database.write(work)


def _spans() -> "Spans":
    """Raises ValueError where the library is not installed."""
    try:
        from gamehall_server.kit.tracing import Spans
    except ImportError:
        raise ValueError("GAMEHALL_OTEL needs OpenTelemetry: pip install 'gamehall[otel]'") from None
    return Spans(__version__)


async def _settle_admin(settings: Settings, database: Database, hasher: PasswordHasher, rules: users.Rules, now: Micros) -> str | None:
    """Adds the administrator of a new deployment; gives the password when it had to be made up.

    Raises ValueError for a given password that the product would not take from a user.
    """
    key = users.folded(settings.admin_username)
    if await users.credentials_of(database.reader(), key) is not None:
        return None
    password = settings.admin_password or token(12)
    await users.ready()
    wrong = rules.wrong_with(settings.admin_username, settings.admin_email, password)
    if wrong:
        raise ValueError(f"GAMEHALL_ADMIN_{wrong[0].field.upper()}: {wrong[0].message}")
    who = users.Identity(settings.admin_username, settings.admin_email)
    registration = users.Registration(who, hasher.hash_at_once(password), {})

    async def add(db: Handle) -> bool:
        if await users.credentials_of(db, key) is not None:
            return False
        await users.register(db, now, registration, ROLE_USER, ROLE_ADMIN)
        return True

    added = await _settle(database, add)
    return password if added and not settings.admin_password else None

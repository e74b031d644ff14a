"""How a deployment is put together."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlsplit

from sqlmodel import SQLModel

from gamehall_server import __version__
from gamehall_server.consumers import register_consumers, register_loops
from gamehall_server.kit.clock import SECOND, Clock, Micros, SandboxClock, SystemClock, token
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
from gamehall_server.kit.secrets import Secrets, kept_in
from gamehall_server.kit.signed_addresses import Signer
from gamehall_server.kit.storage import Database, Handle, open_database
from gamehall_server.modules import kongregate, social, users
from gamehall_server.modules.access import ROLE_ADMIN, ROLE_USER, Attempts, PasswordHasher, Revocations
from gamehall_server.modules.access.bootstrap import settle_access, settle_passes
from gamehall_server.modules.auth import KeyRing, TokenVerifier
from gamehall_server.modules.auth.grants import Tools
from gamehall_server.modules.configs import ConfigValues
from gamehall_server.modules.content.views import Views
from gamehall_server.modules.devices import DeviceLogin
from gamehall_server.modules.events import settle_triggers
from gamehall_server.modules.events.watching import Watching
from gamehall_server.modules.files import OwnFiles, Place
from gamehall_server.modules.maintenance import Notice
from gamehall_server.modules.rules.categories import settle_categories
from gamehall_server.modules.rules.ruleset import Ruleset
from gamehall_server.modules.rules.settling import settle_rules
from gamehall_server.modules.second_factor import SecondFactors, settle_second_factors
from gamehall_server.modules.social import Social
from gamehall_server.modules.webhooks import Webhooks
from gamehall_server.servicers import BUILT_INS, Parts, made, permissions_of
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
    servicers = made(settings, parts)
    metrics = Metrics(database)
    observers: list[Observe] = [metrics.observe]
    if settings.slow_call_seconds:
        observers.append(SlowCalls(settings.slow_call_seconds).observe)
    if spans is not None:
        observers.append(spans.observe)
    if observe is not unobserved:
        observers.append(observe)
    dispatcher = Dispatcher(database, outbox)
    engine = register_loops(dispatcher, parts, outbox, settings)
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

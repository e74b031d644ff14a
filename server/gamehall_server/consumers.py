"""Who takes events of the outbox in this deployment, and what else is done beside calls: adding a consumer is adding a line."""

from gamehall_server.kit.clock import SECOND, Clock, Micros, real_micros
from gamehall_server.kit.dispatch import Dispatcher
from gamehall_server.kit.outbox import Outbox
from gamehall_server.kit.secrets import Secrets
from gamehall_server.kit.storage import Database
from gamehall_server.kit.within import Within
from gamehall_server.modules import configs, kongregate, mail, users
from gamehall_server.modules.forwards import Posting, Terms
from gamehall_server.modules.rules.actions import MAIL
from gamehall_server.modules.rules.engine import CONSUMER as RULES
from gamehall_server.modules.rules.engine import Engine
from gamehall_server.modules.rules.forwarding import ToUrls
from gamehall_server.modules.rules.later import Later
from gamehall_server.modules.rules.letters import Letters
from gamehall_server.modules.templates.reindex import Reindexing
from gamehall_server.modules.webhooks import CONSUMER as WEBHOOKS
from gamehall_server.modules.webhooks import FanOut, ToWebhooks
from gamehall_server.servicers import Parts
from gamehall_server.settings import Settings

DAY: Micros = 24 * 3600 * SECOND


def way_of(settings: Settings) -> mail.Way:
    """How mail leaves. Raises ValueError for an address of another form."""
    return mail.Smtp(settings.smtp_url) if settings.smtp_url else mail.Folder(settings.mail_path)


def told_of_mail(settings: Settings) -> str:
    """Where mail goes, for the banner."""
    return way_of(settings).told


def register_consumers(
    dispatcher: Dispatcher,
    settings: Settings,
    database: Database,
    outbox: Outbox,
    secrets: Secrets,
    values: configs.ConfigValues,
    clock: Clock,
) -> None:
    """Registers every consumer. Raises ValueError for settings of mail that cannot be used."""
    resets = users.Resets(outbox, secrets, values, clock.now, database.reader)
    templates = mail.Templates(settings.mail_templates)
    writers = {"forgot_password": resets.letter, MAIL: Letters(database.reader).letter}
    mailer = mail.Mailer(way_of(settings), templates, lambda: values.value(configs.OUT_ADDRESS) or settings.mail_from, writers)
    reindexing = Reindexing(outbox, clock.now)
    for consumer in (resets.consumer, mailer.consumer, reindexing.consumer):
        dispatcher.register(consumer)


def register_loops(dispatcher: Dispatcher, parts: Parts, outbox: Outbox, settings: Settings) -> Engine:
    """Adds what takes events in transactions of its own, and what sends to other servers; gives the engine of the rules. Raises ValueError
    for settings that cannot be used."""
    database, clock, secrets = parts.database, parts.clock, parts.secrets
    engine = Engine(parts.ruleset, outbox, clock.now)
    outbox.ask(RULES, parts.ruleset.wants)
    dispatcher.add(Within(database, RULES, engine.take))
    dispatcher.add(Later(database, engine, clock))
    outbox.ask(WEBHOOKS, parts.webhooks.wants)
    dispatcher.add(Within(database, WEBHOOKS, FanOut().take))
    to_webhooks = ToWebhooks(parts.webhooks, secrets, outbox, real_micros, int(settings.webhook_days * DAY))
    kinds = (to_webhooks, ToUrls(), kongregate.Callbacks(kongregate.GameSecrets(secrets)))
    dispatcher.add(Posting(database, parts.egress, kinds, _terms(settings)))
    return engine


def _terms(settings: Settings) -> Terms:
    """Raises ValueError for pauses that are no numbers."""
    try:
        pauses = tuple(float(part) for part in settings.post_pauses.split(","))
    except ValueError:
        raise ValueError("GAMEHALL_POST_PAUSES must be seconds, comma separated") from None
    return Terms(pauses, settings.post_seconds, settings.post_lease_seconds)

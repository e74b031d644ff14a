"""Who takes events of the outbox in this deployment: adding a consumer is adding a line."""

from gamehall_server.kit.clock import Clock
from gamehall_server.kit.dispatch import Dispatcher
from gamehall_server.kit.outbox import Outbox
from gamehall_server.kit.secrets import Secrets
from gamehall_server.kit.storage import Database
from gamehall_server.modules import configs, mail, users
from gamehall_server.modules.rules.actions import MAIL
from gamehall_server.modules.rules.letters import Letters
from gamehall_server.modules.templates.reindex import Reindexing
from gamehall_server.settings import Settings


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

"""Mail: letters made of templates, sent by SMTP or written into a folder."""

from gamehall_server.modules.mail.letters import Letter, Templates
from gamehall_server.modules.mail.mailer import Mailer
from gamehall_server.modules.mail.ways import Folder, Smtp, Way

__all__ = ["Folder", "Letter", "Mailer", "Smtp", "Templates", "Way"]

"""Letters and the templates they are made of.

A template is a text file: `Subject: …`, an empty line, the body, with $name where a value goes. Values are put in once and never read as
templates; in headers they are one line without control characters, and the library refuses any that is not.
"""

import unicodedata
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from string import Template
from typing import NamedTuple

BUILT_IN = Path(__file__).parent / "templates"
# What each template may name.
VALUES = {
    "rule_message": frozenset({"subject", "body"}),
    "forgot_password": frozenset({"id", "code", "link", "name", "minutes"}),
}
_SUBJECT = "Subject: "


class Letter(NamedTuple):
    """What to tell somebody: the address, the template, and its values."""

    to: str
    template: str
    values: Mapping[str, str]


class _Form(NamedTuple):
    subject: Template
    body: Template


class Templates:
    """The templates of a deployment: those in `folder` come before the built-in ones. Raises ValueError for one that cannot be used."""

    def __init__(self, folder: str = "") -> None:
        self._folder = Path(folder) if folder else None
        if self._folder is not None and not self._folder.is_dir():
            raise ValueError(f"GAMEHALL_MAIL_TEMPLATES: there is no folder {folder}")
        self._forms = {name: self._read(name) for name in VALUES} if folder else {}

    def message(self, letter: Letter, sender: str, number: str) -> EmailMessage:
        """A letter as mail. `number` makes its Message-ID, so that who gets it twice can tell. ValueError for what is no address."""
        # Their grammar of headers is half a megabyte, which nobody needs who sends no mail.
        from email.headerregistry import Address
        from email.policy import SMTP

        form = self._forms.get(letter.template)
        if form is None:
            form = self._forms[letter.template] = self._read(letter.template)
        message = EmailMessage(SMTP)
        message["From"] = Address(addr_spec=sender)
        message["To"] = Address(addr_spec=letter.to)
        message["Subject"] = form.subject.substitute({name: one_line(value) for name, value in letter.values.items()})
        message["Message-ID"] = f"<{number}@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(form.body.substitute(letter.values))
        return message

    def _read(self, name: str) -> _Form:
        own = self._folder / f"{name}.txt" if self._folder is not None else None
        path = own if own is not None and own.is_file() else BUILT_IN / f"{name}.txt"
        head, _, body = path.read_text().partition("\n\n")
        form = _Form(Template(head.removeprefix(_SUBJECT)), Template(body))
        if not head.startswith(_SUBJECT) or "\n" in head or not all(part.is_valid() for part in form):
            raise ValueError(f"{path} must begin with one line 'Subject: …' and an empty one, and $ stands before names alone")
        unknown = {*form.subject.get_identifiers(), *form.body.get_identifiers()} - VALUES[name]
        if unknown:
            raise ValueError(f"{path} names {', '.join(sorted(unknown))}; there are {', '.join(sorted(VALUES[name]))}")
        return form


def one_line(text: str) -> str:
    """A text as a header may hold it."""
    return " ".join("".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text).split())[:200]

"""What names, addresses and passwords must be like: what the contract says of them, and what an administrator decides."""

import asyncio
import unicodedata
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.metadata import distribution
from types import ModuleType
from typing import NamedTuple

from gamehall.users.v1 import users_pb2 as pb

from gamehall_server.kit.errors import Violation
from gamehall_server.kit.validation import Check, compile_check
from gamehall_server.modules.configs import BOOLEAN, BuiltIn, ConfigValues, whole

SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 128
MISSING = "required"
EMAIL_REQUIRED = BuiltIn("users.email_required", "Whether every user needs an e-mail address.", BOOLEAN, "true")
EMAIL_UNIQUE = BuiltIn("users.email_unique", "Whether an e-mail address may belong to one user alone, from now on.", BOOLEAN, "true")
SEPARATE_USERNAME = BuiltIn(
    "users.separate_username",
    "Whether users have a name of their own to sign in with; if not, it is their e-mail address.",
    BOOLEAN,
    "true",
)
SHORTEST_USERNAME = BuiltIn("users.username_min_length", "The fewest characters of a user name.", whole(1, 50), "1")
PLAIN_USERNAME = BuiltIn("users.username_plain", "Whether user names are made of a-z, A-Z, 0-9, dot, _ and - alone.", BOOLEAN, "false")
PASSWORD_LENGTH = BuiltIn(
    "users.password_min_length", "The fewest characters of a password.", whole(SHORTEST_PASSWORD, 64), str(SHORTEST_PASSWORD)
)
REFUSE_COMMON = BuiltIn("users.password_refuse_common", "Whether passwords that everybody tries first are refused.", BOOLEAN, "true")
BUILT_INS = (EMAIL_REQUIRED, EMAIL_UNIQUE, SEPARATE_USERNAME, SHORTEST_USERNAME, PLAIN_USERNAME, PASSWORD_LENGTH, REFUSE_COMMON)
# They stand in other products' examples, and on no list of what was stolen.
_EXAMPLES = ("change-me", "changeme", "administrator", "gamehall", "password123")


class Identity(NamedTuple):
    """The names of a user that a password must not repeat. `email` is empty for who has none."""

    username: str
    email: str


def folded(text: str) -> str:
    """A name as it is compared: letter case and compatible forms do not count (Unicode NFKC, casefolded)."""
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def common_passwords() -> frozenset[str]:
    """Passwords of eight letters and more that are found most often where passwords were stolen, folded. The first call reads a file."""
    return frozenset(word for word in (*_stolen(), *_EXAMPLES) if len(word) >= SHORTEST_PASSWORD)


def _stolen() -> list[str]:
    # Read on its own: the package around the list makes dictionaries of this and others, and keeps 14 MB that nobody here asks for.
    module = ModuleType("frequency_lists")
    SourceFileLoader(module.__name__, str(distribution("zxcvbn").locate_file("zxcvbn/frequency_lists.py"))).exec_module(module)
    words: list[str] = module.FREQUENCY_LISTS["passwords"]
    return words


async def ready() -> None:
    """Reads the list of common passwords beside the loop, once."""
    if not common_passwords.cache_info().currsize:
        await asyncio.to_thread(common_passwords)


@cache
def _check() -> Check:
    return compile_check(pb.User.DESCRIPTOR)


class Rules:
    """The rules of this deployment. What each method finds wrong names the fields of `User`."""

    def __init__(self, configs: ConfigValues) -> None:
        self._value = configs.value

    def identity(self, username: str, email: str) -> Identity:
        """Who a user is that tells these names: without names of their own the address is both."""
        return Identity(username if self._value(SEPARATE_USERNAME) else email, email)

    @property
    def email_is_unique(self) -> bool:
        """Whether an address that is written now must be nobody else's."""
        return self._value(EMAIL_UNIQUE) or not self._value(SEPARATE_USERNAME)

    def wrong_with_names(self, username: str, email: str) -> list[Violation]:
        """What is wrong with what a user is called."""
        own_name = self._value(SEPARATE_USERNAME)
        wrong = _check()(pb.User(username=username, email=email))
        known = {violation.field for violation in wrong}
        if own_name and "username" not in known and (problem := self._wrong_with_name(username)):
            wrong.append(Violation("username", problem))
        if "email" not in known and (problem := self._wrong_with_address(email, needed=not own_name)):
            wrong.append(Violation("email", problem))
        return wrong

    def wrong_with_password(self, password: str, who: Identity, field: str = "password") -> list[Violation]:
        """What is wrong with a password for somebody of these names. Length is what helps: its letters have no rules (NIST SP 800-63B)."""
        problem, plain = "", folded(password)
        if not password.strip():
            problem = MISSING
        elif "\0" in password:
            problem = "must not contain the character NUL"
        elif len(password) < (shortest := self._value(PASSWORD_LENGTH)):
            problem = f"at least {shortest} characters"
        elif len(password) > LONGEST_PASSWORD:
            problem = f"at most {LONGEST_PASSWORD} characters"
        elif plain in {folded(name) for name in (who.username, who.email, who.email.partition("@")[0]) if name}:
            problem = "must differ from the user name and the e-mail address"
        elif self._value(REFUSE_COMMON) and plain in common_passwords():
            problem = "everybody tries this one first"
        return [Violation(field, problem)] if problem else []

    def wrong_with(self, username: str, email: str, password: str) -> list[Violation]:
        """What is wrong with the facts that a new user tells."""
        return self.wrong_with_names(username, email) + self.wrong_with_password(password, self.identity(username, email))

    def _wrong_with_name(self, name: str) -> str:
        shortest = self._value(SHORTEST_USERNAME)
        if not name.strip():
            return MISSING
        if name != name.strip() or any(unicodedata.category(letter)[0] in "CZ" and letter != " " for letter in name):
            return "must not begin or end with a space or hold control characters"
        if len(name) < shortest:
            return f"at least {shortest} characters"
        plain = all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in name)
        return "letters a to z, digits, dot, _ and - alone" if self._value(PLAIN_USERNAME) and not plain else ""

    def _wrong_with_address(self, address: str, *, needed: bool) -> str:
        if not address.strip():
            return MISSING if needed or address or self._value(EMAIL_REQUIRED) else ""
        # Loaded when somebody registers: nothing else needs its tables of characters.
        from email_validator import EmailNotValidError, validate_email

        try:
            validate_email(address, check_deliverability=False)
        except EmailNotValidError as refusal:
            return str(refusal)
        return ""

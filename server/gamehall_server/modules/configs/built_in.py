"""Built-in configs: what they are called, what they are for, and which values they take."""

import re
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")
# What a secret that is set is shown as.
MASK = "********"
_URL = re.compile(r"https?://[^\s/]+\S*")
_PHONE = re.compile(r"\+?[0-9]{3,15}", re.ASCII)


class Kind(NamedTuple, Generic[T]):
    """A kind of values: how it is read from text (ValueError for another text), and what it is, to be read after "must be"."""

    says: str
    read: Callable[[str], T]


class BuiltIn(NamedTuple, Generic[T]):
    """A config that the product reads. A `secret` is never public."""

    name: str
    purpose: str
    kind: Kind[T]
    default: str = ""
    secret: bool = False

    @property
    def description(self) -> str:
        """What lists say of it."""
        return f"{self.purpose} Takes {self.kind.says}; {self.default or 'empty'} unless set."


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text and not pattern.fullmatch(text):
            raise ValueError
        return text

    return read


def _email(text: str) -> str:
    if not text:
        return ""
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError from None


def whole(smallest: int, largest: int) -> Kind[int]:
    """Whole numbers between two."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and smallest <= int(text[:20]) <= largest):
            raise ValueError
        return int(text)

    return Kind(f"a whole number from {smallest} to {largest}", read)


BOOLEAN = Kind("true or false", _boolean)
TEXT = Kind("any text", str)
URL = Kind("an address that begins with http:// or https://, or nothing", _matching(_URL))
PHONE = Kind("a telephone number in digits, or nothing", _matching(_PHONE))
EMAIL = Kind("an e-mail address, or nothing", _email)

OUT_ADDRESS = BuiltIn("email.out_address", "The sender of e-mails that name none.", EMAIL)
# Those that the published guide and models name, for modules that are still to come: each moves there.
NAMED: tuple[BuiltIn[Any], ...] = (
    OUT_ADDRESS,
    BuiltIn("text.out_number", "The sender of text messages that name none.", PHONE),
    BuiltIn("invoice.processing_expiration_hours", "How long an invoice may stay in processing, in hours.", whole(1, 8760), "24"),
)

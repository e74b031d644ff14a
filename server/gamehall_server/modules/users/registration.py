"""Registration: what a new user must tell, and what is made of it."""

import unicodedata
from functools import cache
from typing import Any, NamedTuple

from gamehall.users.v1 import users_pb2 as pb

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.errors import Violation
from gamehall_server.kit.storage import Handle
from gamehall_server.kit.validation import Check, compile_check
from gamehall_server.modules.access import grant_role
from gamehall_server.modules.users.tables import users


class Registration(NamedTuple):
    """A registration that was found to be right. `values` are further columns of the user."""

    username: str
    email: str
    password_hash: str
    values: dict[str, Any]


def folded(text: str) -> str:
    """A name as it is compared: letter case and compatible forms do not count (Unicode NFKC, casefolded)."""
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def _check() -> Check:
    return compile_check(pb.User.DESCRIPTOR)


def wrong_with(username: str, email: str, password: str) -> list[Violation]:
    """What is wrong with the three facts that every user needs: what the contract says of them, and what it cannot say."""
    wrong = _check()(pb.User(username=username, email=email, password=password))
    known = {violation.field for violation in wrong}
    if "username" not in known and not _is_a_name(username):
        wrong.append(Violation("username", "must not begin or end with a space or hold control characters"))
    if "email" not in known:
        # Loaded when somebody registers: nothing else needs its tables of characters.
        from email_validator import EmailNotValidError, validate_email

        try:
            validate_email(email, check_deliverability=False)
        except EmailNotValidError as refusal:
            wrong.append(Violation("email", str(refusal)))
    if "password" not in known and folded(password) in (folded(username), folded(email)):
        wrong.append(Violation("password", "must differ from the user name and the e-mail address"))
    return wrong


def _is_a_name(text: str) -> bool:
    return text == text.strip() and not any(unicodedata.category(character)[0] in "CZ" and character != " " for character in text)


async def register(db: Handle, now: Micros, registration: Registration, *roles: str) -> tuple[Any, ...]:
    """Adds a user who holds these roles; gives the row's values in column order. Raises Duplicate for a name or address that is taken."""
    number = await db.new_id("user")
    values: dict[str, Any] = {
        **dict.fromkeys(users.table.columns.keys()),
        "display_name": registration.username,
        **{name: value for name, value in registration.values.items() if value is not None},
        "id": number,
        "username": registration.username,
        "username_key": folded(registration.username),
        "email": registration.email,
        "email_key": folded(registration.email),
        "password_hash": registration.password_hash,
        "member_since": now,
        "last_updated": now,
    }
    db.later(users.insert, **values)
    for role in roles:
        grant_role(db, role, user_id=number)
    return tuple(values.values())

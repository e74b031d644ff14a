"""Whose identity is whose: signing in, linking and unlinking, in a transaction. No rule here asks an e-mail address who it is."""

from typing import Any

from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, real_seconds, token
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.storage import lock
from gamehall_server.modules import users
from gamehall_server.modules.social import tables
from gamehall_server.modules.social.proof import NotProven, Profile, Proven
from gamehall_server.modules.social.tables import Key

# Columns of a user that hold what a provider told, and how much of it they take.
LONGEST = {"display_name": 100, "first_name": 100, "last_name": 100}
LONGEST_URL = 2000


async def signed_in_as(call: Call, proven: Proven, title: str, *, create: bool) -> int:
    """The user whom this is; a new one where there is none and `create` says so. Raises NotProven."""
    await _spend(call, proven)
    key = Key(proven.provider, proven.app, proven.subject)
    known = await tables.user_with(call.db, key)
    if known is not None:
        return known
    if not create:
        raise NotProven(f"Nobody here is linked with this {title} account: sign in another way, and link it.")
    # Of two first sign-ins at once the second finds the user that the first one made.
    await lock(call.db, key.lock)
    known = await tables.user_with(call.db, key)
    if known is not None:
        return known
    user_id = await _registered(call, proven.provider, proven.profile)
    await _keep(call, key, user_id)
    return user_id


async def link(call: Call, proven: Proven, user_id: int, title: str) -> None:
    """This is that user from now on, and whoever the user was with this provider before no longer is. Raises NotProven, and Invalid for
    somebody else's identity."""
    await _spend(call, proven)
    key = Key(proven.provider, proven.app, proven.subject)
    await lock(call.db, key.lock)
    known = await tables.user_with(call.db, key)
    if known not in (None, user_id):
        raise Invalid(f"This {title} account is linked with another user.", reason=ErrorReason.ERROR_REASON_IDENTITY_TAKEN)
    if known is None:
        await _keep(call, key, user_id)


async def unlink(call: Call, user_id: int, identity_id: int) -> None:
    """The user is no longer this identity, and the sessions that it opened are over. Raises NotFound, and Invalid where nothing else would
    let the user in."""
    await lock(call.db, tables.lock_of_identities(user_id))
    linked = await tables.identities_of(call.db, user_id)
    row: Any = next((row for row in linked if row.id == identity_id), None)
    if row is None:
        raise NotFound("No identity with this id.", field="id")
    if len(linked) == 1 and not await users.has_password(call.db, user_id):
        raise Invalid(
            "This is the only way to sign in: set a password or link another account first.",
            field="id",
            reason=ErrorReason.ERROR_REASON_LAST_SIGN_IN,
        )
    tables.remove(call.db, row.id)
    _end_sessions(call, user_id, row.provider)
    call.emit("identity_unlinked", user=user_id, provider=row.provider)


async def _spend(call: Call, proven: Proven) -> None:
    if proven.spends is not None and not await tables.spend(call.db, proven.spends, proven.until, real_seconds() * SECOND):
        raise NotProven("This ID token was used before: ask the provider for a new one.")


async def _keep(call: Call, key: Key, user_id: int) -> None:
    replaced = await tables.keep(call.db, key, user_id, call.now)
    if replaced:
        _end_sessions(call, user_id, key.provider)
    call.emit("identity_linked", user=user_id, provider=key.provider, replaced=replaced)


def _end_sessions(call: Call, user_id: int, provider: str) -> None:
    """Whoever came in with an account that is no longer linked is out, but for the session that says so."""
    but = 0 if call.caller is None else call.caller.session_id
    tables.end_sessions(call.db, user_id, provider, real_seconds() * SECOND, but)


async def _registered(call: Call, provider: str, profile: Profile) -> int:
    """A new user without a password. An address that is somebody's already is left out: it proves nothing, and nobody else's
    account may stand in the way."""
    name = f"{provider}-{token(9)}"
    email = _usable(profile.email)
    if email and await users.email_taken(call.db, users.folded(email)):
        email = ""
    told: dict[str, Any] = {column: _cut(getattr(profile, column), length) for column, length in LONGEST.items()}
    told["avatar_url"] = _https(profile.avatar_url)
    who = users.Identity(name, email)
    row = await users.register(call.db, call.now, users.Registration(who, None, told))
    await call.emit_now("user_registered", user=row[0], username=name)
    return int(row[0])


def _usable(email: str | None) -> str:
    """An address that a user may have, or nothing."""
    # Loaded when somebody registers: nothing else needs its tables of characters.
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(email or "", check_deliverability=False).normalized
    except EmailNotValidError:
        return ""


def _cut(text: str | None, length: int) -> str | None:
    """A provider's text as a column takes it, or nothing."""
    plain = "" if text is None or "\0" in text else text.strip()
    return plain[:length] or None


def _https(url: str | None) -> str | None:
    """A picture's address as other people's programs may follow it, or nothing."""
    fits = url is not None and url.startswith("https://") and len(url) <= LONGEST_URL and url.isprintable() and " " not in url
    return url if fits else None

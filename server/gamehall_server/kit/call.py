"""A call: who asks, through which door, and what a method may use while it answers."""

import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from gamehall_server.kit.clock import Micros, ticks
from gamehall_server.kit.errors import Fault
from gamehall_server.kit.events import Entry, Task, announced, task
from gamehall_server.kit.storage import Handle


class Scope(enum.Enum):
    """What the policy gives a caller: every row, or only the caller's own."""

    ALL = "all"
    OWN = "own"


class Caller(msgspec.Struct, frozen=True):
    """Who a valid token belongs to. A client's own token has no user. `user` is the user as other records show one; `grant` is how the
    session was opened, where that is known."""

    client_key: str
    session_id: int
    expires: int
    roles: tuple[str, ...]
    permissions: frozenset[str]
    user_id: int | None = None
    user: Any = None
    grant: str | None = None
    # The scope words of a token that does not open everything its holder may do.
    limited_to: frozenset[str] | None = None

    @property
    def principal(self) -> str:
        """One text per user or client, for records that belong to either."""
        return f"client:{self.client_key}" if self.user_id is None else f"user:{self.user_id}"


class Arrival(msgspec.Struct):
    """What a door knows of a call. `replayed` is set when the answer is that of an earlier call with the same key.

    `trace` is its traceparent (W3C Trace Context), as it came.
    `address` is the peer's; `forwarded` is what the call says of other addresses (kit/proxies.py). `invoke` makes the caller's of them.
    """

    request_id: str
    address: str
    door: str
    authorization: str | None = None
    idempotency_key: str | None = None
    replayed: bool = False
    forwarded: str | None = None
    trace: str | None = None
    started: float = msgspec.field(default_factory=ticks)


class Change(NamedTuple):
    """A record that a call changed, such as "role:ROLE_MODERATOR", and its fields before and after; None where there was none."""

    target: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Noted(NamedTuple):
    """What a caller writes into the audit log, in place of what the server would write of the call: an action, whose name does not begin as
    those of RPCs do, the user it is about, and the rest as JSON."""

    action: str
    user_id: int | None
    told: str


# Writes an event of a call, and what must follow it in the same transaction: the call, the event and what it tells.
Follow = Callable[["Call", Entry, dict[str, Any]], Awaitable[None]]


class Call:
    """The second argument of every method."""

    __slots__ = ("_scope", "arrival", "audited", "caller", "changes", "db", "entry", "events", "follow", "now", "refusal", "scoped")

    def __init__(self, arrival: Arrival, caller: Caller | None, scope: Scope, now: Micros, db: Handle, *, audited: bool = False) -> None:
        # Whether the contract asks for an audit row, and what it shall tell.
        self.audited = audited
        self.changes: list[Change] = []
        self.entry: Noted | None = None
        self.arrival = arrival
        self.caller = caller
        self.now = now
        self.db = db
        self.events: list[Entry] = []
        self.follow: Follow | None = None
        self.refusal: Fault | None = None
        # Whether somebody asked what the caller may reach. A call with scope OWN that ends without asking is a bug, not an answer.
        self.scoped = scope is Scope.ALL
        self._scope = scope

    @property
    def scope(self) -> Scope:
        """What the caller may reach; who reads it takes on to apply it."""
        self.scoped = True
        return self._scope

    def reaches(self) -> None:
        """The method has found by itself that what the call is about is the caller's to reach: from here on nothing is out of reach."""
        self._scope, self.scoped = Scope.ALL, True

    @property
    def user_id(self) -> int | None:
        """The user who calls; None for clients and for nobody."""
        return None if self.caller is None else self.caller.user_id

    def may(self, permission: str) -> bool:
        """Whether the caller holds a permission, for answers that show more to some."""
        return self.caller is not None and permission in self.caller.permissions

    def refuse_after_commit(self, fault: Fault) -> None:
        """Refuses the call, but keeps what it wrote: for refusals that themselves change something."""
        self.refusal = fault

    def emit(self, event: str, **parameters: Any) -> None:
        """Announces what happened, as the contract declares it (kit/events.py); a parameter that is None is not told. The outbox keeps it
        in the call's transaction."""
        self.events.append(announced(event, parameters))

    async def emit_now(self, event: str, **parameters: Any) -> None:
        """As `emit`, and what must follow at once has followed when it returns: rules that belong to the same transaction."""
        entry = announced(event, parameters)._replace(id=await self.db.new_id("outbox"))
        if self.follow is None:
            self.events.append(entry)
        else:
            await self.follow(self, entry, parameters)

    def leave(self, type: str, told: Task) -> None:
        """Leaves something to be done after the commit, to the consumer that wants this type."""
        self.events.append(task(type, told))

    def changed(self, target: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
        """Tells the audit log of a record that changed. Never of a secret, nor of what is private."""
        if self.audited:
            self.changes.append(Change(target, before, after))

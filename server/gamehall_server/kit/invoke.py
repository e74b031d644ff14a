"""The one path of every call, whichever door it came through:

authenticate → gate → policy → rate → validate → first part → idempotency → method → audit, outbox → commit.

A server stream goes the first five steps and is then followed (kit/streams.py).
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import Protocol

from gamehall.options.v1.errors_pb2 import ErrorReason
from google.protobuf.message import Message

from gamehall_server.kit import audit, idempotency
from gamehall_server.kit.call import Arrival, Call, Caller, Follow
from gamehall_server.kit.clock import Clock, Micros
from gamehall_server.kit.current import CALL
from gamehall_server.kit.errors import Cancelled, Duplicate, Exhausted, Fault, Internal, Invalid, Unauthenticated
from gamehall_server.kit.outbox import Outbox
from gamehall_server.kit.proxies import Proxies
from gamehall_server.kit.rpc import Answer, Drift, Method, Prepared, Rpc, Servicer, bind
from gamehall_server.kit.storage import Database, Handle
from gamehall_server.kit.streams import Streams

log = logging.getLogger("gamehall.invoke")
BEARER = "bearer "

Gate = Callable[[Rpc, Caller | None], None]
Rate = Callable[[Rpc, Caller | None, Arrival], None]
Observe = Callable[[Rpc, Arrival, Fault | None], None]


class Authenticator(Protocol):
    """Who a bearer token belongs to. Raises Unauthenticated for a token that is not valid."""

    def known(self, token: str) -> Caller | None:
        """A caller verified before and still valid, without waiting."""
        ...

    async def verify(self, token: str, db: Handle) -> Caller:
        """Verifies the token."""
        ...


def unlocked(rpc: Rpc, caller: Caller | None) -> None:
    """The gate of a deployment that is never locked."""


def unlimited(rpc: Rpc, caller: Caller | None, arrival: Arrival) -> None:
    """The rate hook of a deployment without limits."""


def unobserved(rpc: Rpc, arrival: Arrival, fault: Fault | None) -> None:
    """The observer of a deployment that counts nothing."""


class App:
    """Every RPC of the deployment, and the database they share. `invoke` raises Fault and nothing else."""

    def __init__(
        self,
        database: Database,
        authenticator: Authenticator,
        clock: Clock,
        servicers: Iterable[Servicer],
        *,
        gate: Gate = unlocked,
        proxies: Proxies | None = None,
        rate: Rate = unlimited,
        outbox: Outbox | None = None,
        follow: Follow | None = None,
        observe: Observe = unobserved,
        most_in_flight: int = 1000,
        most_streams: int = 10_000,
    ) -> None:
        self.database = database
        self.clock = clock
        self.observe = observe
        self._authenticator = authenticator
        self._gate = gate
        self._proxies = proxies or Proxies()
        self._rate = rate
        self._outbox = outbox or Outbox()
        self._at_once = follow
        self._most_in_flight = most_in_flight
        self._in_flight = 0
        self.streams = Streams(most_streams)
        self.rpcs: dict[str, Rpc] = {}
        for servicer in servicers:
            for rpc in bind(servicer):
                if rpc.name in self.rpcs:
                    raise Drift(f"{rpc.name} is served twice")
                self.rpcs[rpc.name] = rpc

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._in_flight

    @property
    def refuse(self) -> Callable[[Rpc, Arrival], Fault] | None:
        """How any call is refused now; None while there is room. A door that asks before it reads a body spares itself the body."""
        return self._refuse if self._in_flight >= self._most_in_flight else None

    def _refuse(self, rpc: Rpc, arrival: Arrival) -> Fault:
        full = Exhausted(retry_after=1)
        self.observe(rpc, arrival, full)
        return full

    async def invoke(self, rpc: Rpc, request: Message, arrival: Arrival) -> Answer:
        """The answer to one call: a message, or Rows that a door writes in its own way. The request belongs to the call from here on."""
        if self._in_flight >= self._most_in_flight:
            raise self._refuse(rpc, arrival)
        self._in_flight += 1
        CALL.set((rpc, request, arrival))
        try:
            answer = await self._answer(rpc, request, arrival)
        except Fault as fault:
            self.observe(rpc, arrival, fault)
            raise
        except Exception:
            # The one place that meets bugs. The text stays in the log: it may hold values nobody should see.
            log.exception("bug in %s, request %s", rpc.name, arrival.request_id)
            internal = Internal()
            self.observe(rpc, arrival, internal)
            raise internal from None
        except asyncio.CancelledError:
            self.observe(rpc, arrival, Cancelled())
            raise
        finally:
            self._in_flight -= 1
        self.observe(rpc, arrival, None)
        return answer

    async def open(self, rpc: Rpc, request: Message, arrival: Arrival) -> AsyncGenerator[Message, None]:
        """Begins a server stream: what it gives are the messages, each when there is one. Raises Fault here for what every call is refused
        for, and from the messages when it ends for a reason: at the end of the server, of the token, or for a bug. Close it."""
        self.streams.enter()
        CALL.set((rpc, request, arrival))
        try:
            call = await self._begin(rpc, request, arrival)
        except Fault as fault:
            self.streams.leave()
            self.observe(rpc, arrival, fault)
            raise
        except BaseException:
            self.streams.leave()
            raise
        messages = self._follow(rpc, request, call)
        # Begun, so that it ends as it should however early it is closed.
        await anext(messages)
        return messages  # type: ignore[return-value]  # Only its first word is no message.

    async def _follow(self, rpc: Rpc, request: Message, call: Call) -> AsyncGenerator[Message | None, None]:
        assert rpc.stream is not None
        fault: Fault | None = None

        async def still_allowed() -> None:
            caller = await self._authenticate(rpc, call.arrival)
            self._gate(rpc, caller)
            rpc.access.scope(caller)

        try:
            yield None
            async with aclosing(self.streams.follow(rpc.stream(request, call), still_allowed)) as messages:
                async for message in messages:
                    if not call.scoped:
                        raise RuntimeError(f"{rpc.name} never applied the scope OWN")
                    yield message
        except Fault as found:
            fault = found
            raise
        except Exception:
            log.exception("bug in %s, request %s", rpc.name, call.arrival.request_id)
            fault = Internal()
            raise fault from None
        finally:
            self.streams.leave()
            self.observe(rpc, call.arrival, fault)

    async def _begin(self, rpc: Rpc, request: Message, arrival: Arrival) -> Call:
        if arrival.forwarded is not None:
            arrival.address = self._proxies.caller(arrival.address, arrival.forwarded)
        caller = await self._authenticate(rpc, arrival)
        self._gate(rpc, caller)
        scope = rpc.access.scope(caller)
        if caller is not None and caller.limited_to is not None:
            rpc.access.within(caller, "read" if rpc.reads else "write")
        self._rate(rpc, caller, arrival)
        violations = rpc.check(request)
        if violations:
            required = any(violation.message == "required" for violation in violations[:1])
            raise Invalid(reason=ErrorReason.ERROR_REASON_REQUIRED if required else None, violations=tuple(violations))
        if rpc.user_field is not None:
            _name_user(request, rpc.user_field, caller)
        call = Call(arrival, caller, scope, self.clock.now(), self.database.reader(), audited=rpc.rules.audit)
        call.follow = self._at_once
        return call

    async def _answer(self, rpc: Rpc, request: Message, arrival: Arrival) -> Answer:
        call = await self._begin(rpc, request, arrival)
        method = rpc.method
        if rpc.first is not None and rpc.then is not None:
            then, prepared = rpc.then, await rpc.first(request, call)

            async def method(request: Message, call: Call) -> Answer:
                return await then(request, call, prepared)

        assert method is not None
        if rpc.reads:
            answer = await method(request, call)
            if not call.scoped:
                raise RuntimeError(f"{rpc.name} never applied the scope OWN")
            return answer
        return await self._write(rpc, method, request, call)

    async def _write(self, rpc: Rpc, method: Method, request: Message, call: Call) -> Message:
        keyed = rpc.rules.keyed and call.arrival.idempotency_key is not None
        digest = idempotency.digest_of(request) if keyed else b""
        scoped = call.scoped

        async def work(db: Handle) -> Message:
            # A retried transaction starts over: nothing of the failed try may stay.
            call.db, call.events, call.changes, call.entry, call.refusal, call.scoped = db, [], [], None, None, scoped
            if keyed:
                earlier = await idempotency.answered(rpc, call, digest)
                if earlier is not None:
                    return earlier
            answer = await method(request, call)
            if not call.scoped:
                raise RuntimeError(f"{rpc.name} never applied the scope OWN")
            if not isinstance(answer, Message):
                raise TypeError(f"{rpc.name} writes, and answers with something else than its message")
            if rpc.rules.audit:
                await audit.note(call, rpc.name)
            if call.events:
                await self._outbox.keep(db, call.now, call.events, call.arrival.request_id)
            if keyed:
                idempotency.keep(rpc, call, digest, answer)
            return answer

        try:
            try:
                answer = await self.database.write(work)
            except Duplicate as duplicate:
                if not (keyed and idempotency.raced(duplicate)):
                    raise
                answer = await self.database.write(work)
        except Duplicate as duplicate:
            raise _as_requested(rpc, duplicate) from None
        if call.refusal is not None:
            raise call.refusal
        return answer

    async def _authenticate(self, rpc: Rpc, arrival: Arrival) -> Caller | None:
        authorization = arrival.authorization
        if authorization is None or rpc.rules.oauth:
            return None
        if authorization[:7].lower() != BEARER:
            raise Unauthenticated("Authorization must be: Bearer, and the access token.", reason=ErrorReason.ERROR_REASON_TOKEN_INVALID)
        token = authorization[7:].strip()
        return self._authenticator.known(token) or await self._authenticator.verify(token, self.database.reader())

    async def sweep(self) -> None:
        """Removes what is no longer kept. Called from time to time."""
        now: Micros = self.clock.now()

        async def work(db: Handle) -> None:
            await idempotency.sweep(db, now)
            await self._outbox.sweep(db, now)

        await self.database.write(work)


def _as_requested(rpc: Rpc, duplicate: Duplicate) -> Duplicate:
    """A unique violation, told of the request's fields."""
    fields = rpc.descriptor.input_type.fields

    def path(column: str) -> str:
        # A column `x_key` keeps the folded form of the field `x`, a column `x_id` the record that it names.
        for name in (column, column.removesuffix("_key"), column.removesuffix("_id")):
            if name in rpc.descriptor.input_type.fields_by_name:
                return name
            for field in fields:
                if field.message_type is not None and name in field.message_type.fields_by_name:
                    return f"{field.name}.{name}"
        return column

    return duplicate.of_fields(path)


def _name_user(request: Message, field: str, caller: Caller | None) -> None:
    """Puts the caller's id where the request says "me"; refuses what is not an id."""
    value: str = getattr(request, field)
    if value == "me":
        if caller is None or caller.user_id is None:
            raise Invalid('"me" needs a user\'s token', field=field)
        setattr(request, field, str(caller.user_id))
    elif not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise Invalid('a user id or "me"', field=field)


__all__ = ["App", "Arrival", "Authenticator", "Drift", "Prepared", "Rpc", "Servicer"]

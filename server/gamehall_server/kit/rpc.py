"""RPCs as the contract declares them: types, rules, and the method that answers."""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, NamedTuple, Protocol, cast

from gamehall.options.v1 import options_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from gamehall_server.kit.access import Access
from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Violation
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.validation import Check, compile_check, rules_of

# A page of a list is handed on as rows: each door has its own way to write them.
Answer = Message | Rows
Method = Callable[[Any, Call], Awaitable[Answer]]
# The method of a server stream: an async generator of messages. It has no transaction, and it is closed when nobody reads it any more.
Stream = Callable[[Any, Call], AsyncGenerator[Message, None]]


class Drift(Exception):
    """The contract and the code disagree. The server does not start."""


class Servicer(Protocol):
    """A class with one attribute per RPC of its service: a method, a verb, or a Prepared pair."""

    service: ServiceDescriptor


class Prepared(NamedTuple):
    """A method in two parts. `first(request, call)` runs before the transaction opens, for slow work such as hashing, and writes nothing;
    `then(request, call, first's answer)` runs inside it."""

    first: Callable[[Any, Call], Awaitable[Any]]
    then: Callable[[Any, Call, Any], Awaitable[Message]]


class Rpc:
    """One method of the contract with everything the path of a call needs, read once at start."""

    __slots__ = (
        "access",
        "check",
        "descriptor",
        "first",
        "method",
        "name",
        "reads",
        "request",
        "response",
        "rules",
        "stream",
        "streams",
        "then",
        "user_field",
    )

    def __init__(self, descriptor: MethodDescriptor, method: Method | Prepared | Stream | None = None) -> None:
        """`method` answers it; None where another server does."""
        self.descriptor = descriptor
        self.name = f"/{descriptor.containing_service.full_name}/{descriptor.name}"
        self.request: type[Message] = message_factory.GetMessageClass(descriptor.input_type)
        self.response: type[Message] = message_factory.GetMessageClass(descriptor.output_type)
        options = descriptor.GetOptions()
        self.rules: options_pb2.MethodRules = options.Extensions[options_pb2.method]
        if not self.rules.HasField("policy"):
            raise Drift(f"{self.name} has no policy")
        self.access = Access(self.rules.policy)
        self.reads = options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS
        self.check: Check = self._first_check
        self.user_field = _user_field(descriptor)
        self.first: Callable[[Any, Call], Awaitable[Any]] | None = None
        self.then: Callable[[Any, Call, Any], Awaitable[Message]] | None = None
        self.method: Method | None = None
        self.streams = descriptor.server_streaming
        self.stream: Stream | None = None
        if method is not None:
            self._check_kind(method)
        if self.streams:
            self.stream = cast(Stream | None, method)
        elif isinstance(method, Prepared):
            self.first, self.then = method
        else:
            self.method = cast(Method | None, method)

    def _check_kind(self, method: Any) -> None:
        if self.descriptor.client_streaming:
            raise Drift(f"{self.name} takes a stream, which no door does")
        if self.descriptor.server_streaming and not self.reads:
            raise Drift(f"{self.name} is a stream, and does not say NO_SIDE_EFFECTS")
        if self.descriptor.server_streaming is not inspect.isasyncgenfunction(method):
            raise Drift(f"{self.name}: a method is an async generator where the contract says stream, and nowhere else")

    def _first_check(self, request: Message) -> list[Violation]:
        # Compiled at the first call: a thousand of these at start would be a tenth of it.
        self.check = compile_check(self.descriptor.input_type)
        return self.check(request)

    @property
    def permissions(self) -> frozenset[str]:
        """Every permission the RPC asks for."""
        return self.access.permissions | frozenset(self.rules.also)


def _user_field(descriptor: MethodDescriptor) -> str | None:
    marked: list[FieldDescriptor] = [field for field in descriptor.input_type.fields if rules_of(field).user_id]
    return marked[0].name if marked else None


def bind(servicer: Servicer) -> list[Rpc]:
    """The RPCs of a servicer. A verb learns which RPC it serves here; an RPC nobody wrote stops the server."""
    found = []
    for descriptor in servicer.service.methods:
        method = getattr(servicer, descriptor.name, None)
        if method is None:
            raise Drift(f"{type(servicer).__name__} does not write {servicer.service.full_name}.{descriptor.name}")
        bound = getattr(method, "bound_to", None)
        found.append(Rpc(descriptor, bound(descriptor) if bound is not None else method))
    return found

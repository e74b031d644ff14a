"""Routes: google.api.http bindings of the contract, looked up segment by segment.

A literal segment wins over a variable one, the leftmost first; a variable of an integer field or a user's id takes digits (and "me")
only while another route may fit. Segments are percent-decoded one at a time, so %2F stays inside its segment; nothing is stripped after
a dot, and `.` and `..` are names like any other. A slash at the end counts: no operation is published with one (docs/decisions/0014).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from gamehall.common.v1.web_pb2 import WebPage
from gamehall_server.kit.errors import Malformed
from gamehall_server.kit.invoke import Rpc
from gamehall_server.kit.validation import rules_of
from google.api import annotations_pb2

from gamehall_bridge.scalars import INTEGERS

SEPARATOR = "/"
WHOLE = "*"
ME = "me"
_REST = "=**}"


class Unroutable(Exception):
    """A binding of the contract that cannot be served. The server does not start."""


class Ambiguous(Unroutable):
    """Two RPCs claim one route."""


class Route(NamedTuple):
    """One binding: which RPC, where its path variables go, and what is the body of request and answer."""

    verb: str
    path: str
    rpc: Rpc
    variables: tuple[str, ...]
    body: str
    response_body: str


class Match(NamedTuple):
    """A route and the values of its path variables; without a route, the verbs that the path has (none: no such path)."""

    route: Route | None
    values: tuple[str, ...]
    allowed: tuple[str, ...]


class _Node:
    __slots__ = ("ends", "literals", "me", "number", "rest", "text")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.number: _Node | None = None
        # Whether the number may be the word for the caller.
        self.me = False
        self.text: _Node | None = None
        self.rest: dict[str, Route] = {}
        self.ends: dict[str, Route] = {}


def routes_of(rpc: Rpc) -> Iterable[Route]:
    """The routes of an RPC, as its google.api.http option says."""
    rule = rpc.descriptor.GetOptions().Extensions[annotations_pb2.http]
    for http in (rule, *rule.additional_bindings):
        kind = http.WhichOneof("pattern")
        if kind is None:
            continue
        verb, path = (http.custom.kind, http.custom.path) if kind == "custom" else (kind.upper(), getattr(http, kind))
        variables = tuple(_variable(segment) for segment in path.split(SEPARATOR) if segment.startswith("{"))
        route = Route(verb, path, rpc, variables, http.body, http.response_body)
        _check(route)
        yield route


def shows_page(route: Route) -> bool:
    """Whether the answer is a page for a person's browser."""
    field: Any = route.rpc.descriptor.output_type.fields_by_name.get(route.response_body)
    return field is not None and field.message_type is not None and field.message_type.full_name == WebPage.DESCRIPTOR.full_name


def _variable(segment: str) -> str:
    return segment.strip("{}").partition("=")[0]


def _check(route: Route) -> None:
    """Raises Unroutable for a binding that names what is not there, or a template of a kind that no operation needs."""
    where = f"{route.verb} {route.path} of {route.rpc.name}"
    segments = route.path.split(SEPARATOR)[1:]
    for at, segment in enumerate(segments):
        rest = segment.endswith(_REST) and at == len(segments) - 1
        if segment.startswith("{") and (not segment.endswith("}") or ("=" in segment and not rest)):
            raise Unroutable(f"{where}: {segment} is not supported")
    inputs, outputs = route.rpc.descriptor.input_type.fields_by_name, route.rpc.descriptor.output_type.fields_by_name
    for name in route.variables:
        if name not in inputs or inputs[name].message_type is not None or inputs[name].is_repeated:
            raise Unroutable(f"{where}: {name} is no field that a path can fill")
    if route.body not in ("", WHOLE) and route.body not in inputs:
        raise Unroutable(f"{where}: there is no field {route.body} for the body")
    if route.response_body and route.response_body not in outputs:
        raise Unroutable(f"{where}: there is no field {route.response_body} for the answer")


class Routes:
    """Every route of the deployment."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        # Paths without variables need no walk.
        self._fixed: dict[tuple[str, str], Match] = {}
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        fields: Any = route.rpc.descriptor.input_type.fields_by_name
        for segment in route.path.split(SEPARATOR)[1:]:
            if segment.endswith(_REST):
                _claim(node.rest, route)
                return
            if not segment.startswith("{"):
                node = node.literals.setdefault(segment, _Node())
            elif (user := rules_of(field := fields[_variable(segment)]).user_id) or field.cpp_type in INTEGERS:
                node.me |= user
                node.number = node.number or _Node()
                node = node.number
            else:
                node.text = node.text or _Node()
                node = node.text
        _claim(node.ends, route)
        if not route.variables:
            self._fixed[route.verb, route.path] = Match(route, (), ())

    def find(self, verb: str, path: str) -> Match:
        """The route of a request; `path` is still percent-encoded, its bytes as Latin-1. Raises Malformed for one that is not UTF-8."""
        fixed = self._fixed.get((verb, path))
        if fixed is not None:
            return fixed
        segments = path.split(SEPARATOR)[1:]
        if "%" in path or not path.isascii():
            try:
                segments = [unquote_to_bytes(segment.encode("latin-1")).decode() for segment in segments]
            except UnicodeDecodeError:
                raise Malformed("The path is not valid UTF-8.") from None
        allowed: dict[str, None] = {}
        found = _walk(self._root, segments, 0, verb, (), allowed, True)
        if found is None and not allowed:
            # The second look lets words stand where numbers belong: the binding then names the field at fault. Other methods are
            # not told of there, but to a browser that asks before it sends one of them.
            found = _walk(self._root, segments, 0, verb, (), allowed, False)
            if verb != "OPTIONS":
                allowed.clear()
        return found or Match(None, (), tuple(sorted(allowed)))


def _claim(ends: dict[str, Route], route: Route) -> None:
    if route.verb in ends:
        raise Ambiguous(f"{route.verb} {route.path}: {ends[route.verb].rpc.name} and {route.rpc.name}")
    ends[route.verb] = route


def _is_number(segment: str) -> bool:
    return segment.isascii() and (segment.isdigit() or (segment[:1] == "-" and segment[1:].isdigit()))


def _walk(
    node: _Node, segments: list[str], at: int, verb: str, values: tuple[str, ...], allowed: dict[str, None], strict: bool
) -> Match | None:
    if at == len(segments):
        ends = node.ends
    else:
        segment = segments[at]
        found = None
        if (literal := node.literals.get(segment)) is not None:
            found = _walk(literal, segments, at + 1, verb, values, allowed, strict)
        if found is None and node.number is not None and segment and (not strict or _is_number(segment) or (node.me and segment == ME)):
            found = _walk(node.number, segments, at + 1, verb, (*values, segment), allowed, strict)
        if found is None and node.text is not None and segment:
            found = _walk(node.text, segments, at + 1, verb, (*values, segment), allowed, strict)
        if found is not None:
            return found
        ends, values = node.rest, (*values, SEPARATOR.join(segments[at:]))
    route = ends.get(verb)
    if route is not None:
        return Match(route, values, ())
    allowed.update(dict.fromkeys(ends))
    return None

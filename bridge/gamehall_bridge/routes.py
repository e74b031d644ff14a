"""Routes: google.api.http bindings of the contract, looked up segment by segment.

A literal segment wins over a variable one, the leftmost first. Segments are percent-decoded one at a time, so %2F stays inside its
segment; nothing is stripped after a dot.
"""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote

from gamehall_server.kit.invoke import Rpc
from google.api import annotations_pb2

SEPARATOR = "/"


class Ambiguous(Exception):
    """Two RPCs claim one route. The server does not start."""


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
    __slots__ = ("ends", "literals", "rest", "variable")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.variable: _Node | None = None
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
        yield Route(verb, path, rpc, variables, http.body, http.response_body)


def _variable(segment: str) -> str:
    return segment.strip("{}").partition("=")[0]


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
        segments = route.path.split(SEPARATOR)[1:]
        for segment in segments:
            if segment.startswith("{") and segment.endswith("=**}"):
                _claim(node.rest, route)
                return
            if segment.startswith("{"):
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literals.setdefault(segment, _Node())
        _claim(node.ends, route)
        if not route.variables:
            self._fixed[route.verb, route.path] = Match(route, (), ())

    def find(self, verb: str, path: str) -> Match:
        """The route of a request; `path` is still percent-encoded."""
        fixed = self._fixed.get((verb, path))
        if fixed is not None:
            return fixed
        segments = path.split(SEPARATOR)[1:]
        if "%" in path:
            segments = [unquote(segment) for segment in segments]
        allowed: dict[str, None] = {}
        found = _walk(self._root, segments, 0, verb, (), allowed)
        return found or Match(None, (), tuple(sorted(allowed)))


def _claim(ends: dict[str, Route], route: Route) -> None:
    if route.verb in ends:
        raise Ambiguous(f"{route.verb} {route.path}: {ends[route.verb].rpc.name} and {route.rpc.name}")
    ends[route.verb] = route


def _walk(node: _Node, segments: list[str], at: int, verb: str, values: tuple[str, ...], allowed: dict[str, None]) -> Match | None:
    if at == len(segments):
        ends = node.ends
    else:
        segment = segments[at]
        literal = node.literals.get(segment)
        found = _walk(literal, segments, at + 1, verb, values, allowed) if literal is not None else None
        if found is None and node.variable is not None and segment:
            found = _walk(node.variable, segments, at + 1, verb, (*values, segment), allowed)
        if found is not None:
            return found
        ends, values = node.rest, (*values, SEPARATOR.join(segments[at:]))
    route = ends.get(verb)
    if route is not None:
        return Match(route, values, ())
    allowed.update(dict.fromkeys(ends))
    return None

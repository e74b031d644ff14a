"""The contract as a table: every HTTP binding with its RPC and policy. `gamehall routes` prints it; routes.lock keeps it."""

from typing import NamedTuple

from gamehall.options.v1 import options_pb2
from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor


class Binding(NamedTuple):
    """One HTTP route of an RPC."""

    verb: str
    path: str
    body: str
    response_body: str
    rpc: str
    policy: str


def bindings(services: list[ServiceDescriptor]) -> list[Binding]:
    """Every binding of these services, sorted by path and verb."""
    found = []
    for service in services:
        for method in service.methods:
            rule = method.GetOptions().Extensions[annotations_pb2.http]
            for http in (rule, *rule.additional_bindings):
                verb = http.WhichOneof("pattern")
                path = http.custom.path if verb == "custom" else getattr(http, verb)
                name = http.custom.kind if verb == "custom" else verb.upper()
                found.append(Binding(name, path, http.body, http.response_body, method.full_name, policy_of(method)))
    return sorted(found, key=lambda binding: (binding.path, binding.verb))


def policy_of(method: MethodDescriptor) -> str:
    """A policy in words."""
    rules = method.GetOptions().Extensions[options_pb2.method]
    policy = rules.policy
    words = ["open"] if policy.open else []
    words += [f"any:{name}" for name in policy.any] + [f"own:{name}" for name in policy.own] + [f"also:{name}" for name in rules.also]
    words += [flag for flag in ("keyed", "audit", "oauth", "sandbox", "in_maintenance") if getattr(rules, flag)]
    return " ".join(words)

"""Goes through ../conformance.json with the Python clients: `python conformance.py ADDRESS [--async] client=KEY secret=SECRET`.

Prints a line per step. The first difference ends it with status 1.
"""

import asyncio
import inspect
import json
import pkgutil
import re
import sys
import uuid
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
from gamehall_client import AsyncClient, Client, refusal
from google.protobuf.descriptor_pool import Default
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass

STEPS = Path(__file__).parents[1] / "conformance.json"
MODULES = {"grpc.health.v1": "grpc_health.v1"}
Actor = Client | AsyncClient


class Difference(Exception):
    """What was seen is not what should be."""


def stub_of(service: str, channel: grpc.Channel | grpc.aio.Channel) -> Any:
    """The generated stub of `package.Service`."""
    package, _, name = service.rpartition(".")
    folder = import_module(MODULES.get(package, package))
    for module in pkgutil.iter_modules(folder.__path__, folder.__name__ + "."):
        stub = getattr(import_module(module.name), f"{name}Stub", None) if module.name.endswith("_grpc") else None
        if stub is not None:
            return stub(channel)
    raise Difference(f"no stub for {service}")


def filled(value: Any, known: dict[str, str]) -> Any:
    """The value with ${names} replaced."""
    if isinstance(value, dict):
        return {name: filled(inner, known) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, known) for inner in value]
    return re.sub(r"\$\{(\w+)\}", lambda name: known[name[1]], value) if isinstance(value, str) else value


def text_of(value: Any) -> str:
    """A scalar as JSON writes it, without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def compare(expected: Any, seen: Any, path: str = "answer") -> None:
    """An object may hold more than expected, a list may go on; null expects nothing there."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        for name, inner in expected.items():
            compare(inner, seen.get(name), f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(seen, list) and len(seen) >= len(expected):
        for number, inner in enumerate(expected):
            compare(inner, seen[number], f"{path}.{number}")
    elif isinstance(expected, dict | list) or text_of(expected) != text_of(seen):
        raise Difference(f"{path} is {json.dumps(seen)}, not {json.dumps(expected)}")


async def waited(value: Any) -> Any:
    """The value, sync or async."""
    return await value if inspect.isawaitable(value) else value


async def called(actor: Actor, step: dict[str, Any]) -> Any:
    """The answer to a call in protobuf's JSON; of a stream the first."""
    service, _, name = step["call"].partition("/")
    stub = stub_of(service, actor.channel)
    method = Default().FindMethodByName(f"{service}.{name}")
    request = ParseDict(step["send"], GetMessageClass(method.input_type)())
    metadata = (("idempotency-key", step["key"]),) if "key" in step else ()
    call = getattr(stub, name)(request, metadata=metadata)
    if not method.server_streaming:
        return MessageToDict(await waited(call))
    try:
        return MessageToDict(await call.read() if isinstance(actor, AsyncClient) else next(call))
    finally:
        call.cancel()


async def act(actor: Actor, step: dict[str, Any]) -> Any:
    """Does what a step says."""
    if "call" in step:
        return await called(actor, step)
    if "login" in step:
        return await waited(actor.login(**step["login"]))
    if "login_client" in step:
        return await waited(actor.login_client(**step["login_client"]))
    before = actor.tokens
    if before is None:
        raise Difference("nobody is signed in")
    if "spoil" in step:
        worn = step["spoil"] == "worn"
        actor.tokens = before._replace(access="spoiled", renew_at=0 if worn else before.renew_at)
        return None
    await waited(actor.refresh())
    if actor.tokens is None or actor.tokens.access == before.access:
        raise Difference("the token is the old one")
    return None


async def go(actor: Actor, step: dict[str, Any], known: dict[str, str]) -> None:
    """One step."""
    expected = step.get("refused")
    try:
        answer = await act(actor, step)
    except grpc.RpcError as error:
        told = refusal(error)
        if expected is None:
            raise Difference(f"refused with {told}") from None
        compare({name: expected[name] for name in ("code", "reason") if name in expected}, told._asdict(), "refusal")
        if "field" in expected and expected["field"] not in told.fields:
            raise Difference(f"the refusal names {list(told.fields)}, not {expected['field']}") from None
        return
    if expected is not None:
        raise Difference(f"not refused: {answer}")
    compare(step.get("answer"), answer) if "answer" in step else None
    for name, path in step.get("keep", {}).items():
        value = answer
        for part in path.split("."):
            value = value[part]
        known[name] = text_of(value)


async def main(address: str, *words: str) -> int:
    """Goes through all steps; gives the exit status."""
    kind = AsyncClient if "--async" in words else Client
    known = {"run": uuid.uuid4().hex[:12]} | dict(word.split("=", 1) for word in words if "=" in word)
    actors: dict[str, Actor] = {}
    for step in json.loads(STEPS.read_text())["steps"]:
        actor = actors.setdefault(step["as"], kind(address, secure=False)) if step["as"] not in actors else actors[step["as"]]
        try:
            await go(actor, filled(step, known), known)
        except Difference as difference:
            print("FAIL", step["say"], "-", difference)
            return 1
        print("ok  ", step["say"])
    for actor in actors.values():
        await waited(actor.close())
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))

"""RPCs for everything ever published, and the requests and answers of each."""

import re
from functools import cache
from typing import Any
from urllib.parse import quote

from gamehall_server.kit.rpc import Rpc
from google.protobuf import descriptor_pool
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from bench.published import Operation, files_of, routed, service_of

INTEGERS = ("int32", "int64")


@cache
def rpcs() -> dict[str, Rpc]:
    """An RPC for each published operation that a router can tell apart, by the operation's name."""
    pool = descriptor_pool.Default()
    for file in files_of(routed()):
        pool.AddSerializedFile(file.SerializeToString())

    async def method_of(request: Any, call: Any) -> Message:
        raise NotImplementedError

    services = [pool.FindServiceByName(service_of(tag)) for tag in dict.fromkeys(operation.tag for operation in routed())]
    made = [Rpc(method, method_of) for service in services for method in service.methods]
    return {name_of(rpc): rpc for rpc in made}


def name_of(rpc: Rpc) -> str:
    """The operation that an RPC serves."""
    return f"{rpc.rules.published.tag}.{rpc.rules.published.operation}"


def values_of(operation: Operation, number: str, word: str) -> list[str]:
    """Values of the path's variables."""
    return [{"user": "me", "number": number, "text": word}[kind] for kind in operation.kinds.values()]


def path_of(operation: Operation, number: str, word: str) -> str:
    """The path with these values, as a client writes it."""
    values = iter(values_of(operation, number, word))
    return re.sub(r"{\w+}", lambda _: quote(next(values), safe=""), operation.path)


def least(kind: str, word: str) -> Any:
    """The JSON of a published type with little in it: `word` wherever there is room for one, and fields of models left out."""
    if kind.startswith("array<"):
        return [least(kind[6:-1], word)]
    if kind in INTEGERS:
        return 7
    return word if kind == "string" else {"word": word} if kind in ("object", "map<string,string>") else {}


def answer_of(operation: Operation, rpc: Rpc) -> Message:
    """An answer of the operation's kind that holds its name where it can."""
    value: dict[str, Any] = {}
    if operation.page_of:
        value = {"content": [least(operation.page_of, operation.name)], "page_info": {"total_elements": 1}}
    elif operation.model:
        value = {"answer": least(operation.model, operation.name)}
    answer: Message = ParseDict(value, rpc.response())
    return answer

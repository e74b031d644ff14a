"""The requests of each scenario, as prepared bytes: tokens of 1,000 users, ids and objects drawn evenly."""

import random
from typing import NamedTuple
from urllib.parse import urlencode

import orjson
from gamehall.comments.v1 import comments_pb2

from bench import dataset
from bench.load.http2 import Call, bearer, grpc_message

PREPARED = 50_000
SIZE = 25
SERVICE = "/gamehall.comments.v1.CommentService"
PATHS = {
    "get": f"{SERVICE}/GetComment",
    "list": f"{SERVICE}/ListComments",
    "last": f"{SERVICE}/ListComments",
    "create": f"{SERVICE}/CreateComment",
    "echo": f"{SERVICE}/CreateComment",
}
HEAD = "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nAuthorization: Bearer %s\r\n"


class Data(NamedTuple):
    """What was filled in: so many comments, about so many objects."""

    records: int = dataset.COMMENTS
    objects: int = dataset.OBJECTS


ALL = Data()


def http(scenario: str, tokens: list[str], seed: int, data: Data = ALL) -> list[bytes]:
    """HTTP/1.1 requests of `get`, `list` (the first page), `last` or `create`."""
    chance = random.Random(seed)
    return [_http(scenario, data, chance.choice(tokens), chance) for _ in range(PREPARED)]


def _http(scenario: str, data: Data, token: str, chance: random.Random) -> bytes:
    if scenario == "get":
        return (HEAD % ("GET", f"/comments/{chance.randint(1, data.records)}", token) + "\r\n").encode()
    if scenario in ("list", "last"):
        query = urlencode({"context": dataset.CONTEXT, "context_id": _object(data, chance), "page": _page(scenario, data), "size": SIZE})
        return (HEAD % ("GET", f"/comments?{query}", token) + "\r\n").encode()
    body = orjson.dumps({"context": dataset.CONTEXT, "context_id": _object(data, chance), "content": dataset.text(chance)})
    return (HEAD % ("POST", "/comments", token) + f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def grpc(scenario: str, tokens: list[str], seed: int, data: Data = ALL) -> list[Call]:
    """gRPC requests of a scenario; that of `echo` carries a whole comment, so that its answer is as large as the others'."""
    chance = random.Random(seed)
    headers = [bearer(token) for token in tokens]
    return [Call(chance.choice(headers), grpc_message(_message(scenario, data, chance))) for _ in range(PREPARED)]


def _message(scenario: str, data: Data, chance: random.Random) -> bytes:
    if scenario == "get":
        return comments_pb2.GetCommentRequest(id=chance.randint(1, data.records)).SerializeToString()
    if scenario in ("list", "last"):
        named = {"context": dataset.CONTEXT, "context_id": _object(data, chance)}
        return comments_pb2.ListCommentsRequest(**named, page=_page(scenario, data), size=SIZE).SerializeToString()
    comment = comments_pb2.Comment(context=dataset.CONTEXT, context_id=_object(data, chance), content=dataset.text(chance))
    if scenario == "echo":
        comment.id = chance.randint(1, data.records)
        comment.summary = comment.content[:32]
        comment.created_date = comment.updated_date = dataset.START // 1_000_000
        comment.user.id = chance.randint(1, dataset.USERS)
        comment.user.username = f"player{comment.user.id}"
        comment.user.display_name = f"Player the {comment.user.id}th"
        comment.user.avatar_url = f"https://i.example.com/avatars/{comment.user.id}.jpg"
    return comments_pb2.CreateCommentRequest(comment=comment).SerializeToString()


def _object(data: Data, chance: random.Random) -> str:
    return str(chance.randint(1, data.objects))


def _page(scenario: str, data: Data) -> int:
    return 1 if scenario == "list" else -(-data.records // data.objects // SIZE)

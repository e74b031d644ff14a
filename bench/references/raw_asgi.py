"""The comments API as a skilled engineer would write it by hand for speed: raw ASGI, the database's driver, prepared SQL, no framework."""

import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson

from bench.references import command_line
from bench.references.known_tokens import KnownTokens, NoToken
from bench.references.raw_storage import Row, open_storage
from bench.references.summary import summary_of

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

LONGEST = {"context": 100, "context_id": 100, "content": 10_000}


class Refused(Exception):
    """An answer other than 200: its status and a sentence."""


def shown(row: Row) -> dict[str, Any]:
    """A joined row as the API shows it."""
    number, context, context_id, content, created, updated, user_id, username, display_name, avatar_url = row
    return {
        "id": number,
        "context": context,
        "context_id": context_id,
        "content": content,
        "summary": summary_of(content),
        "created_date": created // 1_000_000,
        "updated_date": updated // 1_000_000,
        "user": None if user_id is None else {"id": user_id, "username": username, "display_name": display_name, "avatar_url": avatar_url},
    }


def text_of(body: dict[str, Any], name: str) -> str:
    """A required text of a request."""
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST[name]:
        raise Refused(400, f"{name} must be a text of 1 to {LONGEST[name]} characters")
    return value


class Application:
    """Three routes."""

    def __init__(self, url: str) -> None:
        self._storage = open_storage(url)
        self._known = KnownTokens(b"Bearer ")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._lifespan(receive, send)
            return
        try:
            status, answer = 200, await self._answer(scope, receive)
        except Refused as refused:
            status, answer = refused.args[0], {"message": refused.args[1]}
        body = orjson.dumps(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: dict[str, Any], receive: Receive) -> dict[str, Any]:
        user_id = self._caller(scope["headers"])
        path: str = scope["path"]
        if path == "/comments":
            if scope["method"] == "POST":
                return await self._create(user_id, receive)
            return await self._list(dict(parse_qsl(scope["query_string"].decode())))
        kind, _, number = path[1:].partition("/")
        if kind != "comments" or not number.isdecimal():
            raise Refused(404, "no such route")
        row = await self._storage.get(int(number))
        if row is None:
            raise Refused(404, "no such comment")
        return shown(row)

    def _caller(self, headers: list[tuple[bytes, bytes]]) -> int:
        for name, value in headers:
            if name == b"authorization":
                try:
                    return self._known.user(value)
                except NoToken:
                    raise Refused(401, "not a valid token") from None
        raise Refused(401, "no token")

    async def _create(self, user_id: int, receive: Receive) -> dict[str, Any]:
        message = await receive()
        body: bytes = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        try:
            comment = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise Refused(400, "not JSON") from None
        if not isinstance(comment, dict):
            raise Refused(400, "not an object")
        context, context_id, content = text_of(comment, "context"), text_of(comment, "context_id"), text_of(comment, "content")
        author = await self._storage.user(user_id)
        if author is None:
            raise Refused(401, "no such user")
        now = time.time_ns() // 1000
        number = await self._storage.insert((context, context_id, content, user_id, now, now))
        return shown((number, context, context_id, content, now, now, *author))

    async def _list(self, query: dict[str, str]) -> dict[str, Any]:
        context, context_id = text_of(query, "context"), text_of(query, "context_id")
        try:
            size, page = int(query.get("size", 25)), int(query.get("page", 1))
        except ValueError:
            raise Refused(400, "size and page must be numbers") from None
        if not 1 <= size <= 1000 or page < 1:
            raise Refused(400, "size and page must be in range")
        rows, total = await self._storage.page(context, context_id, size, (page - 1) * size)
        pages = -(-total // size)
        return {
            "content": [shown(row) for row in rows],
            "last": page >= pages,
            "total_pages": pages,
            "total_elements": total,
            "first": page == 1,
            "sort": None,
            "number_of_elements": len(rows),
            "size": size,
            "number": page - 1,
        }

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._storage.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._storage.close()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    command_line.serve(Application(command_line.database_url()))  # type: ignore[arg-type]

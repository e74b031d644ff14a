"""Whether a server answers as the others do: every field of every kind of answer, against the data that was filled in."""

from itertools import islice
from typing import Any

from bench import dataset
from bench.references.summary import summary_of
from bench.servers import ask

CALLER = 5
"""The user in whose name answers are checked."""
# About something else than the data, so that pages stay as they were filled.
NEW = {"context": "song", "context_id": "37", "content": "This video was very funny, but I hated it anyways!"}


class Differs(Exception):
    """An answer that is not the published one."""


def comment(number: int) -> dict[str, Any]:
    """A filled comment as the API shows it."""
    number, context, context_id, content, author, created, updated = next(islice(dataset.comments(), number - 1, None))
    return {
        "id": number,
        "context": context,
        "context_id": context_id,
        "content": content,
        "summary": summary_of(content),
        "created_date": created // 1_000_000,
        "updated_date": updated // 1_000_000,
        "user": None if author is None else user(author),
    }


def user(number: int) -> dict[str, Any]:
    """A filled user as a comment shows them."""
    return dict(zip(("id", "username", "display_name", "avatar_url"), next(islice(dataset.users(), number - 1, None)), strict=True))


def page(context_id: int, number: int, size: int, comments: int) -> dict[str, Any]:
    """A page of one object's comments, oldest first, when `comments` were filled in."""
    total = comments // dataset.OBJECTS
    first = context_id - 1 or dataset.OBJECTS
    ids = range(first, comments + 1, dataset.OBJECTS)[(number - 1) * size : number * size]
    return {
        "content": [comment(n) for n in ids],
        "last": number * size >= total,
        "total_pages": -(-total // size),
        "total_elements": total,
        "first": number == 1,
        "sort": None,
        "number_of_elements": len(ids),
        "size": size,
        "number": number - 1,
    }


def check(port: int, token: str, comments: int = dataset.COMMENTS) -> None:
    """Asks a server over HTTP for one of everything, and writes one comment; raises Differs. The token is that of the user CALLER."""
    for number in (1, 50, 777):
        _same(f"GET /comments/{number}", ask(port, "GET", f"/comments/{number}", token), comment(number))
    for context_id, number, size in ((1, 1, 25), (37, 2, 7), (100, comments // dataset.OBJECTS // 2, 2)):
        path = f"/comments?context={dataset.CONTEXT}&context_id={context_id}&page={number}&size={size}"
        _same(f"GET {path}", ask(port, "GET", path, token), page(context_id, number, size, comments))
    status, made = ask(port, "POST", "/comments", token, NEW)
    if status != 200 or not isinstance(made, dict):
        raise Differs(f"POST /comments: {status} {made}")
    expected = NEW | {"summary": "This video was very funny, but I", "user": user(CALLER), "updated_date": made["created_date"]}
    _same("POST /comments", (status, made), expected | {"id": made["id"], "created_date": made["created_date"]})
    _same("GET of the new comment", ask(port, "GET", f"/comments/{made['id']}", token), made)


def _same(question: str, found: tuple[int, object], expected: object) -> None:
    if found != (200, expected):
        raise Differs(f"{question}: expected 200 {expected}, found {found[0]} {found[1]}")

"""What a database holds after a disturbance, read by a connection that knows nothing of the product's."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

from prove.proof import Found
from tests.databases import seen_from_outside

# What a call makes: the table, the column that says which call, the type of its event, and the operation it is audited as.
MADE = {
    "comment": ("comment", "content", "id", "comment_created", ""),
    "user": ('"user"', "username", "id", "user_registered", "CreateUser"),
    "config": ("config", "name", "name", "config_created", "CreateConfig"),
}


def rows(url: str, sql: str) -> list[Any]:
    """What a query gives, each row a tuple of texts."""
    return [tuple(str(value) for value in row) for row in asyncio.run(seen_from_outside(url, sql))]


def audit(found: Found, url: str, told: Iterable[tuple[str, str, str]]) -> None:
    """Compares what clients were told (kind, key, what was made) with what is there, for every call whose key begins with k."""
    acknowledged: dict[tuple[str, str], set[str]] = {}
    for kind, key, made in told:
        acknowledged.setdefault((kind, key), set()).add(made)
    found.zero("doubled answers", sum(len(made) > 1 for made in acknowledged.values()))
    kept = Counter(key for (key,) in rows(url, "SELECT key FROM idempotency"))
    for kind, (table, column, name, event, operation) in MADE.items():
        there = dict(rows(url, f"SELECT {column}, {name} FROM {table} WHERE {column} LIKE 'k%.%'"))
        number = int(rows(url, f"SELECT count(*) FROM {table} WHERE {column} LIKE 'k%.%'")[0][0])
        expected = {key: made for (what, key), many in acknowledged.items() if what == kind for made in many}
        found.zero(f"{kind}s lost", sum(there.get(key) != made for key, made in expected.items()))
        found.zero(f"{kind}s doubled", number - len(there))
        events = Counter(key for (key,) in rows(url, f"SELECT key FROM outbox WHERE type = '{event}'"))
        half = sum(events[f"{kind}:{made}"] != 1 or kept[key] != 1 for key, made in there.items())
        half += sum(key.partition(":")[2] not in there.values() for key in events)
        if operation:
            half += abs(len(there) - int(rows(url, f"SELECT count(*) FROM audit WHERE operation LIKE '%{operation}'")[0][0]))
        found.zero(f"{kind}s half done", half)
    found.zero("keys of nothing", len(kept) - sum(len(rows(url, f"SELECT 1 FROM {m[0]} WHERE {m[1]} LIKE 'k%.%'")) for m in MADE.values()))
    if url.startswith("sqlite"):
        found.check(rows(url, "PRAGMA integrity_check") == [("ok",)], "integrity_check")

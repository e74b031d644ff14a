"""The receiver of an answer dies between our commit and its read: it comes back with the same key, and is told what it was told before."""

import json
import socket
import struct
import time

from gamehall.comments.v1 import comments_pb2

from bench.load.http2 import DATA, END_HEADERS, END_STREAM, HEADERS, bearer, frame, grpc_message
from bench.load.requests import PATHS
from bench.servers import HOST
from prove import books
from prove.attacks import HELLO, _field, _head
from prove.doors import Doors
from prove.ground import Ground, ground
from prove.product import Product, served
from prove.proof import Found, main

BAR = "the same answer for the same key, also after a kill -9 and a start: done twice 0, lost 0"
# Closing sends a reset at once, as the end of a process does that has not read everything.
RESET = struct.pack("ii", 1, 0)


def _by_http(token: str, key: str) -> bytes:
    body = json.dumps({"context": "kill", "context_id": key, "content": key})
    head = f"POST /comments HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def _by_grpc(token: str, key: str) -> bytes:
    comment = comments_pb2.Comment(context="kill", context_id=key, content=key)
    message = grpc_message(comments_pb2.CreateCommentRequest(comment=comment).SerializeToString())
    head = _head(bearer(token) + _field(b"idempotency-key", key.encode()), PATHS["create"].encode())
    return HELLO + frame(HEADERS, END_HEADERS, 1, head) + frame(DATA, END_STREAM, 1, message)


def _committed(product: Product, key: str) -> str:
    """The number of what a call made, as soon as others see it."""
    while product.alive:
        for (number,) in books.rows(product.ground.url, f"SELECT id FROM comment WHERE content = '{key}'"):
            return str(number)
        time.sleep(0.002)
    raise AssertionError(product.told)


def unheard(found: Found, on: Ground, engine: str, times: int) -> None:
    """Calls through both doors whose callers die when the call is committed; every third time the server dies as well."""
    token, told = on.tokens[0], []
    with served(on, GAMEHALL_GRPC_ENGINE=engine) as product:
        for turn in range(times):
            for door, port in enumerate((product.http_port, product.grpc_port)):
                key = f"k{door}.{turn}"
                with socket.create_connection((HOST, port)) as caller:
                    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    caller.sendall((_by_grpc if door else _by_http)(token, key))
                    made = _committed(product, key)
                if turn % 3 == 2:
                    product.kill()
                    product.start()
                    found.count(f"{on.kind} {engine}: the server died too")
                doors = Doors(product, found, f"{on.kind} {engine}, asked again")
                again = (doors.write_grpc if door else doors.write_http)(key)
                doors.close()
                found.check(again == made, f"{on.kind} {engine}: made {made}, told {again}")
                told.append(("comment", key, made))
                found.count(f"{on.kind} {engine}: receivers died")
        found.check(product.stop() == 0, f"{on.kind} {engine}: the server did not end well")
    books.audit(found, on.url, told)
    found.check(not product.bugs(), f"{on.kind} {engine}: {product.bugs()[:1]}")


def prove(seconds: float, seed: int) -> Found:
    """Both databases, both engines."""
    found = Found()
    for kind in ("sqlite", "postgresql"):
        for engine in ("native", "grpcio"):
            with ground(kind) as on:
                unheard(found, on, engine, 30)
    return found


if __name__ == "__main__":
    main("deaf", BAR, prove, 0)

"""kill -9 under write load, on both databases: what was acknowledged is there, once, and of no call is there half."""

import itertools
import os
import random
import threading
import time
from pathlib import Path

import grpc
from gamehall.comments.v1 import comments_pb2
from gamehall.comments.v1.comments_pb2_grpc import CommentServiceStub

from prove import books
from prove.caller import Broken, Caller, Reply
from prove.ground import Ground, ground
from prove.product import Product
from prove.proof import Found, main

BAR = "acknowledged writes lost 0, doubled 0, half done 0"
WRITERS = 8
KINDS = ("comment",) * 8 + ("user", "config")


class Acks:
    """What clients were told, kept in a file that outlives whoever writes it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, kind: str, key: str, made: str) -> None:
        """One call was answered: it made this."""
        os.write(self._descriptor, f"{kind} {key} {made}\n".encode())

    def all(self) -> list[tuple[str, str, str]]:
        """Every ack: kind, key, and what was made. Nothing is noted from here on."""
        os.close(self._descriptor)
        rows = (line.split() for line in self._file.read_text().splitlines())
        return [(kind, key, made) for kind, key, made in rows]


class Writer:
    """Makes one thing after the other, each with an Idempotency-Key, and asks again with the same one until it is told."""

    def __init__(self, product: Product, acks: Acks, found: Found, chief: str, number: int, seed: int, stop: threading.Event) -> None:
        self._acks, self._found, self._stop = acks, found, stop
        self._chance = random.Random(seed * 1000 + number)
        self._number = number
        token = self._chance.choice(product.ground.tokens)
        self._callers = {"comment": Caller(product.http_port, token), "config": Caller(product.http_port, chief)}
        self._callers["user"] = Caller(product.http_port)
        options = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.min_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200)]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{product.grpc_port}", options)
        self._comments = CommentServiceStub(self._channel)
        self._bearer = ("authorization", f"Bearer {token}")

    def run(self) -> None:
        """Until told to stop; the last call is repeated until it is answered."""
        turns = itertools.count()
        while not self._stop.is_set():
            self.make(self._chance.choice(KINDS), f"k{self._number}.{next(turns)}")
        self.close()

    def make(self, kind: str, key: str) -> None:
        """Makes one thing, and notes what came back."""
        # One in ten clients dies before it hears the answer; one in ten was told, and asks again all the same.
        deaf, doubting = self._chance.random() < 0.1, self._chance.random() < 0.1
        by_grpc = kind == "comment" and self._chance.random() < 0.5
        times = 0
        while True:
            try:
                made = self._by_grpc(key) if by_grpc else self._by_http(kind, key, deaf and times == 0)
            except Broken:
                self._found.count("asked again")
                times += 1
                time.sleep(0.02)
                continue
            if made is None:
                return
            self._acks.note(kind, key, made)
            if not doubting:
                return
            doubting = False

    def close(self) -> None:
        """Hangs up at both doors."""
        self._channel.close()
        for caller in self._callers.values():
            caller.close()

    def _by_http(self, kind: str, key: str, deaf: bool) -> str | None:
        caller = self._callers[kind]
        if kind == "comment":
            told = caller.ask("POST", "/comments", {"context": "kill", "context_id": key, "content": key}, key=key, deaf=deaf)
        elif kind == "user":
            user = {"username": key, "email": f"{key}@example.com", "password": "password of " + key}
            told = caller.ask("POST", "/users", user, key=key, deaf=deaf)
        else:
            config = {"name": key, "value": key, "public_read": True}
            told = caller.ask("POST", "/configs", config, key=key, deaf=deaf)
        if not self._found.check(told.status in (200, 201), _refused(kind, told)):
            return None
        return str(told.json()["name" if kind == "config" else "id"])

    def _by_grpc(self, key: str) -> str | None:
        comment = comments_pb2.Comment(context="kill", context_id=key, content=key)
        try:
            request = comments_pb2.CreateCommentRequest(comment=comment)
            made = self._comments.CreateComment(request, metadata=(self._bearer, ("idempotency-key", key)), timeout=30)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise Broken(str(error)) from error
            self._found.check(False, f"a comment over gRPC: {error.code()}")
            return None
        return str(made.comment.id)


def _refused(kind: str, told: Reply) -> str:
    return f"a {kind}: {told.status} {told.body[:200].decode(errors='replace')}"


def prove(seconds: float, seed: int, kinds: tuple[str, ...] = ("sqlite", "postgresql")) -> Found:
    """`seconds` of load on each database, a kill every second or so."""
    found = Found()
    for kind in kinds:
        with ground(kind) as on:
            killed(found, on, seconds, seed)
    return found


def killed(found: Found, on: Ground, seconds: float, seed: int, least: int = 1) -> None:
    """Loads a database's server and kills it again and again, at least so often; then looks at what is there."""
    chance, stop = random.Random(seed), threading.Event()
    product, acks = Product(on), Acks(on.folder / "acks")
    product.start()
    chief = product.chief()
    writers = [Writer(product, acks, found, chief, number, seed, stop) for number in range(WRITERS)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        began, kills = time.monotonic(), 0
        while time.monotonic() - began < seconds or kills < least:
            time.sleep(chance.uniform(0.1, 0.8))
            product.kill()
            kills += 1
            product.start()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        product.stop()
    found.count(f"{on.kind}: kills", kills)
    told = acks.all()
    found.count(f"{on.kind}: acknowledged", len({(kind, key) for kind, key, _ in told}))
    books.audit(found, on.url, told)
    found.check(not product.bugs(), f"{on.kind}: {product.bugs()[:1]}")


if __name__ == "__main__":
    main("kill", BAR, prove, 20)

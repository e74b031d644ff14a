"""A process that is stopped for longer than its leases and goes on: what it began counts for nothing, for another has taken over."""

import asyncio
import os
import signal
import threading
import time
from collections import defaultdict
from typing import Any

import asyncpg

from bench.servers import HOST
from prove.caller import Caller
from prove.ground import Ground, ground
from prove.product import Product, served
from prove.proof import Found, main
from prove.webhooks import Events, a_webhook, until

BAR = "a server stopped for 2 leases and more: of 200 posts that another has taken over 0 end as it says, and each repeat has the same id"
WAVE, LEASE = 10, 0.3
SETTINGS: dict[str, Any] = {
    "GAMEHALL_EGRESS_ALLOW": "127.0.0.0/8",
    "GAMEHALL_POST_LEASE_SECONDS": str(LEASE),
    "GAMEHALL_POST_PAUSES": ",".join(["0.2"] * 60),
}


class Holding:
    """A receiver that leaves the first post of each id unanswered until it is told to answer."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = defaultdict(int)
        self._held: list[asyncio.StreamWriter] = []
        self._open: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()))

    def __enter__(self) -> "Holding":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        server = await asyncio.start_server(self._serve, HOST, 0)
        self.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}/hold"
        self._ready.set()
        await self._over.wait()
        server.close()
        for writer in self._open:
            writer.close()
        # Those that wait for a request learn of the end.
        await asyncio.sleep(0.1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.append(writer)
        while head := await _head(reader):
            await reader.readexactly(int(head["content-length"]))
            id = head["webhook-id"]
            self.seen[id] += 1
            if self.seen[id] == 1:
                self._held.append(writer)
            else:
                _answer(writer, b"second")
        writer.close()

    def let_go(self) -> None:
        """Answers those that were left unanswered."""
        self._loop.call_soon_threadsafe(self._answer_all)

    def _answer_all(self) -> None:
        for writer in self._held:
            _answer(writer, b"first")
        self._held.clear()


async def _head(reader: asyncio.StreamReader) -> dict[str, str]:
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
    except (asyncio.IncompleteReadError, ConnectionError):
        return {}
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}


def _answer(writer: asyncio.StreamWriter, told: bytes) -> None:
    if not writer.is_closing():
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))


def prove(seconds: float, seed: int) -> Found:
    """As many waves as give 200 trials, on PostgreSQL: a SQLite file has one process."""
    found = Found()
    with ground("postgresql") as on:
        stopped(found, on, 200)
    return found


def stopped(found: Found, on: Ground, trials: int) -> None:
    """A server claims; it is stopped while it waits for answers; a worker takes over; the server goes on."""
    worker = Product(on, **SETTINGS)
    with Holding() as receiver, served(on, **SETTINGS) as product:
        chief = product.chief()
        events = Events(product, chief, WAVE)
        webhook = a_webhook(product, chief, receiver.url)
        process = worker.work()
        try:
            for wave in range(-(-trials // WAVE)):
                events.fire(wave * WAVE, WAVE)
                found.check(until(lambda wave=wave: len(receiver.seen) >= (wave + 1) * WAVE), "first tries did not come")  # type: ignore[misc]
                os.kill(product.pid, signal.SIGSTOP)
                time.sleep(2 * LEASE)
                until(lambda: min(receiver.seen.values()) >= 2)
                receiver.let_go()
                time.sleep(LEASE)
                os.kill(product.pid, signal.SIGCONT)
                with Caller(product.http_port, chief) as caller:
                    until(lambda caller=caller: _ended(caller, webhook))  # type: ignore[misc]
        finally:
            os.kill(product.pid, signal.SIGCONT)
            process.terminate()
            process.wait()
        time.sleep(1)
    rows = asyncio.run(_rows(on.url))
    repeated = sum(number > 1 for number in receiver.seen.values())
    found.count("trials", repeated)
    found.check(repeated >= trials, f"{repeated} trials")
    found.zero("ended as the stopped one says", sum(row["response"] != "second" or row["fence"] < 2 for row in rows))
    found.zero("ids beyond those of the events", len(receiver.seen.keys() - {row["message_id"] for row in rows}))
    found.zero("not ended", sum(row["due"] is not None for row in rows))


def _ended(caller: Caller, webhook: int) -> bool:
    logs = caller.ask("GET", f"/bre/logs/forward-log?filter_webhook={webhook}&size=1000").json()["content"]
    return all(not log["retryable"] for log in logs)


async def _rows(url: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        rows: list[Any] = await connection.fetch("SELECT message_id, response, fence, due FROM forward")
        return rows
    finally:
        await connection.close()


if __name__ == "__main__":
    main("zombies", BAR, prove, 0)

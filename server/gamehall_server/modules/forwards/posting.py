"""The loop that sends: claims what is due in each lane, posts it, and writes how it ended, at least once, in order within a key.

What fails is tried again after the pauses that Standard Webhooks recommends, each made longer by chance, or as late as Retry-After asks.
Each lane has a window of its own, so that one that hangs or is dead holds up nobody else.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec

from gamehall_server.kit import clock
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.egress import Egress, Refused, Unanswered
from gamehall_server.kit.storage import Database, Handle
from gamehall_server.kit.turns import Turns
from gamehall_server.modules.forwards import tables
from gamehall_server.modules.forwards.kinds import GONE, Job, Kind, Post, Result
from gamehall_server.modules.forwards.windows import Window

log = logging.getLogger("gamehall.forwards")
# Of an answer the log keeps so many bytes; of the tries of a post the last.
MOST_KEPT, MOST_ATTEMPTS = 2048, 20
LATEST: Micros = 24 * 3600 * SECOND
SLOW_DOWN = (429, 503)


class Terms(NamedTuple):
    """pauses:  seconds before each further try; after the last one a post is given up.
    seconds: how long an answer may take. lease: seconds after which another process takes over what this one does not end."""

    pauses: tuple[float, ...] = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    seconds: float = 15.0
    lease: float = 60.0


class _Ready(NamedTuple):
    job: Job
    post: Post | str


class Posting(Turns[_Ready, Result]):
    """The loop of one process. `kinds` are all that there are."""

    def __init__(
        self,
        database: Database,
        egress: Egress,
        kinds: Sequence[Kind],
        terms: Terms,
        *,
        now: Callable[[], Micros] = clock.real_micros,
        look_seconds: float = 1.0,
    ) -> None:
        super().__init__("forwards", look_seconds)
        self._database = database
        self._egress = egress
        self._kinds = {kind.name: kind for kind in kinds}
        self._terms = terms
        self._now = now
        self._windows: dict[str, Window] = {}
        database.listeners.append(self._hear)

    def _hear(self, news: Any) -> None:
        if news == tables.WOKEN:
            for window in self._windows.values():
                window.stirred()
            self.woken.set()

    async def claim(self) -> list[_Ready]:
        """Writes how tries ended, and in the same transaction claims what may be sent now."""
        ended, reader = list(self.ended), self._database.reader()
        if not ended and not await self._due(reader):
            return []

        async def turn(db: Handle) -> list[Any]:
            await self._end_all(db, ended)
            ids, now = await self._due(db), self._now()
            return await tables.claim(db, ids, now, now + int(self._terms.lease * SECOND)) if ids else []

        rows = await self._database.write(turn)
        self.ended = self.ended[len(ended) :]
        return await self._prepared(reader, [_job(row) for row in rows])

    async def _due(self, db: Handle) -> list[int]:
        """What may be sent now, as much as each lane takes."""
        now = self._now()
        ids: list[int] = []
        flying = Counter(job.lane for job, _ in self.tries.values())
        for lane in await tables.lanes(db, now):
            kind, window = self._kinds.get(lane.partition("/")[0]), self._window(lane)
            free = window.free(now, flying[lane])
            if kind is not None and free and kind.open(lane):
                found = await tables.ready(db, lane, window.after, now, free)
                window.looked(now, found)
                ids += found
        return ids

    async def _prepared(self, reader: Handle, jobs: list[Job]) -> list[_Ready]:
        found: dict[int, Post | str] = {}
        for name in {job.kind for job in jobs}:
            found |= await self._kinds[name].prepare(reader, [job for job in jobs if job.kind == name])
        return [_Ready(job, found.get(job.id, "nobody knows where to")) for job in jobs]

    def _window(self, lane: str) -> Window:
        return self._windows.setdefault(lane, Window())

    async def attempt(self, work: _Ready) -> Result:
        """Sends one. A bug counts as a try that failed."""
        job, post = work
        began = self._now()
        url, status, body, error, wait = "", 0, b"", "", 0
        dead = isinstance(post, str)
        try:
            if isinstance(post, str):
                error = post
            else:
                url = post.url
                seconds = min(self._terms.seconds, self._terms.lease * 0.75)
                answer = await self._egress.fetch(
                    "POST",
                    url,
                    body=post.body,
                    headers={"Content-Type": self._kinds[job.kind].content_type, **post.headers},
                    seconds=seconds,
                    largest=MOST_KEPT,
                    cut=True,
                    keep=True,
                )
                status, body = answer.status, answer.body
                wait = _wait_in(answer.headers.get("Retry-After", ""), began)
                error = "" if 200 <= status < 300 else f"the answer was {status}"
                dead = status == GONE
        except (Refused, Unanswered) as problem:
            error = str(problem)
        except Exception:
            log.exception("bug while forward %s was sent", job.id)
            error = "it could not be sent"
        # What PostgreSQL takes for no text is no text to us.
        response = body.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        dead = dead or job.tries >= len(self._terms.pauses)
        return self._learned(Result(job, url, began, self._now(), status, response, error[:500], dead, wait))

    def _learned(self, each: Result) -> Result:
        window = self._window(each.job.lane)
        if each.status:
            window.answered()
        elif each.url:
            window.unanswered(each.began, each.ended)
        if each.wait and each.status in SLOW_DOWN:
            window.hold(each.ended, each.wait)
        return each

    async def settle(self) -> None:
        """Writes how tries ended, all together."""
        ended = list(self.ended)
        if ended:
            await self._database.write(lambda db: self._end_all(db, ended))
            self.ended = self.ended[len(ended) :]

    async def _end_all(self, db: Handle, ended: Sequence[Result]) -> None:
        for each in ended:
            self._end(db, each)
        for name in {each.job.kind for each in ended}:
            await self._kinds[name].settle(db, [each for each in ended if each.job.kind == name])

    def _end(self, db: Handle, each: Result) -> None:
        job, tries = each.job, each.job.tries + 1
        due = None
        if not each.success and not each.dead:
            pause = int(self._terms.pauses[job.tries] * SECOND * (1 + clock.chance() / 5))
            due = each.ended + max(pause, min(each.wait, LATEST))
        elif each.dead:
            log.warning("forward %s in %s was given up after try %s: %s", job.id, job.lane, tries, each.error)
        attempts = [*msgspec.json.decode(job.attempts), [each.began, each.ended, each.status, each.error]][-MOST_ATTEMPTS:]
        values = {"end_date": each.ended, "tries": tries, "http_status_code": each.status, "response": each.response}
        values |= {"error_msg": each.error, "success": each.success, "attempts": msgspec.json.encode(attempts).decode()}
        tables.end(db, job.id, job.fence, due, each.url or job.url, values)

    async def release(self, broken: Sequence[_Ready]) -> None:
        """Lets anybody send them at once."""
        now = self._now()

        async def release(db: Handle) -> None:
            for job, _ in broken:
                tables.put_back(db, job.id, job.fence, now)

        await self._database.write(release)


def _job(row: Any) -> Job:
    id, fence, lane, key, message_id, payload, url, at, tries, attempts = row
    return Job(id, fence, lane, key, message_id or f"fwd_{id}", payload, url, at, tries, attempts)


def _wait_in(told: str, now: Micros) -> Micros:
    """What Retry-After says (RFC 9110, section 10.2.3), in microseconds; 0 for nothing, the past, or what is neither seconds nor a date."""
    if told.isascii() and told.isdecimal() and len(told) < 12:
        return int(told) * SECOND
    try:
        return max(0, int(parsedate_to_datetime(told).timestamp()) * SECOND - now)
    except (ValueError, OverflowError, OSError):
        return 0

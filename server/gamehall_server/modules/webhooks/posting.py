"""What is posted to webhooks: each event once for each that wants it, signed anew for each try."""

import logging
from collections.abc import Callable, Sequence

from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.events import announced
from gamehall_server.kit.outbox import Outbox
from gamehall_server.kit.secrets import Secrets, Unreadable
from gamehall_server.kit.storage import Handle
from gamehall_server.kit.within import Happened
from gamehall_server.modules.forwards import GONE, WEBHOOK, Forward, Job, Kind, Post, Result, end_lane, lane_of, message, messages
from gamehall_server.modules.forwards.tables import WOKEN, add
from gamehall_server.modules.webhooks import tables
from gamehall_server.modules.webhooks.known import Webhooks, read
from gamehall_server.modules.webhooks.signing import Signer

log = logging.getLogger("gamehall.webhooks")
CONSUMER = "webhooks"
PURPOSE = "webhook secret"


def message_id(event: int) -> str:
    """The webhook-id of an event, to whatever webhook."""
    return f"evt_{event}"


def to(webhook: int, event: int, name: str, key: str, at: Micros, told: object, request: str | None) -> Forward:
    """An event on its way to a webhook."""
    return Forward(WEBHOOK, str(webhook), key, message(name, at, told), at, message_id=message_id(event), request=request)


class FanOut:
    """Takes events of the outbox, and keeps a post for each webhook that wants them, in one transaction."""

    async def take(self, db: Handle, events: list[Happened]) -> None:
        """Some events, in their order."""
        wanting = (await read(db)).values()
        # A replay may have been faster.
        there = await messages(db, [message_id(event.id) for event in events])
        for event in events:
            for each in wanting:
                if each.wants(event.name) and (lane_of(WEBHOOK, each.id), message_id(event.id)) not in there:
                    add(db, to(each.id, event.id, event.name, event.key, event.at, event.parameters, event.request))
        db.tell(WOKEN)


class ToWebhooks(Kind):
    """How webhooks are posted to. `patience`: one whose every try fails for so long is disabled."""

    name = WEBHOOK

    def __init__(self, known: Webhooks, secrets: Secrets, outbox: Outbox, now: Callable[[], Micros], patience: Micros) -> None:
        self._known = known
        self._secrets = secrets
        self._outbox = outbox
        self._now = now
        self._patience = patience
        self._signers: dict[int, Signer] = {}

    def open(self, lane: str) -> bool:
        """Not while it is paused or disabled. One that this process does not know yet is open."""
        known = self._known.get(_number(lane))
        return known is None or not (known.paused or known.disabled)

    async def prepare(self, db: Handle, jobs: Sequence[Job]) -> dict[int, Post | str]:
        """The message, signed with each secret that is good now."""
        now = self._now()
        found: dict[int, tuple[str, bool, list[Signer]]] = {}
        for webhook, url, asymmetric, number, sealed in await tables.signing(db, sorted({_number(job.lane) for job in jobs}), now):
            signers = found.setdefault(webhook, (url, bool(asymmetric), []))[2]
            try:
                if number not in self._signers:
                    self._signers[number] = Signer(self._secrets.open(PURPOSE, number, sealed))
                signers.append(self._signers[number])
            except Unreadable as problem:
                # The other webhooks of this turn are none the worse for it.
                log.warning("webhook %s: %s", webhook, problem)
        return {job.id: self._signed(job, found.get(_number(job.lane)), now // SECOND) for job in jobs}

    def _signed(self, job: Job, there: tuple[str, bool, list[Signer]] | None, seconds: int) -> Post | str:
        if there is None:
            return "the webhook is gone"
        url, asymmetric, signers = there
        if not signers:
            return "its secret cannot be read any more: make another"
        made = [text for signer in signers for text in signer.signatures(job.message_id, seconds, job.payload, asymmetric=asymmetric)]
        headers = {"webhook-id": job.message_id, "webhook-timestamp": str(seconds), "webhook-signature": " ".join(made)}
        return Post(url, job.payload.encode(), headers)

    async def settle(self, db: Handle, results: Sequence[Result]) -> None:
        """Notes since when a webhook fails; disables one that is gone, or has failed for too long."""
        changed = False
        for lane in {each.job.lane for each in results}:
            number, ended = _number(lane), [each for each in results if each.job.lane == lane]
            known = self._known.get(number)
            since = None if known is None else known.failing_since
            if any(each.status == GONE for each in ended):
                changed |= await self._disable(db, number, "its server answered that it is gone (410)")
            elif any(each.success for each in ended):
                if since is not None:
                    tables.works(db, number)
                    changed = True
            elif since is None:
                tables.fails(db, number, self._now())
                changed = True
            elif self._now() - since >= self._patience:
                changed |= await self._disable(db, number, f"every try has failed for {self._patience // (24 * 3600 * SECOND)} days")
        if changed:
            await self._known.changed(db)

    async def _disable(self, db: Handle, webhook: int, reason: str) -> bool:
        if not await tables.disable(db, webhook, reason):
            return False
        end_lane(db, lane_of(WEBHOOK, webhook), f"the webhook was disabled: {reason}")
        await self._outbox.keep(db, self._now(), [announced("webhook_disabled", {"webhook": webhook, "reason": reason})])
        return True


def _number(lane: str) -> int:
    return int(lane.partition("/")[2])

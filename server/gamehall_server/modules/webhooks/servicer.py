"""Webhooks as administrators deal with them."""

from typing import Any

import msgspec
from gamehall.webhooks.v1 import webhooks_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND
from gamehall_server.kit.egress import Egress, Refused
from gamehall_server.kit.errors import Invalid, Violation
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.secrets import Secrets
from gamehall_server.kit.storage import Query, lock
from gamehall_server.kit.verbs import Create, Delete, Get, List, Update
from gamehall_server.modules.events.tables import trigger_named
from gamehall_server.modules.forwards import WEBHOOK, drop_lane, forward, lane_of, message, send_again
from gamehall_server.modules.forwards.tables import Forward, add, messages_of
from gamehall_server.modules.webhooks import tables
from gamehall_server.modules.webhooks.known import Known, Webhooks, read
from gamehall_server.modules.webhooks.posting import CONSUMER, PURPOSE, message_id, to
from gamehall_server.modules.webhooks.signing import Signer, new_secret

TEST = "webhook_test"
OVERLAP = 24 * 3600
webhooks = Resource(tables.WebhookRow, pb.Webhook, defaults={"paused": False})


class WebhookService:
    """gamehall.webhooks.v1.WebhookService."""

    service = pb.DESCRIPTOR.services_by_name["WebhookService"]

    GetWebhook = Get(webhooks)
    ListWebhooks = List(webhooks)

    def __init__(self, known: Webhooks, egress: Egress, secrets: Secrets) -> None:
        methods = self.service.methods_by_name
        self._known, self._egress, self._secrets = known, egress, secrets
        self._create: Any = Create(webhooks).bound_to(methods["CreateWebhook"])
        self._update: Any = Update(webhooks).bound_to(methods["UpdateWebhook"])
        self._delete: Any = Delete(webhooks).bound_to(methods["DeleteWebhook"])

    async def CreateWebhook(self, request: pb.CreateWebhookRequest, call: Call) -> pb.CreateWebhookResponse:
        await self._check(request.webhook, call)
        answer: pb.CreateWebhookResponse = await self._create(request, call)
        await self._renew_secret(answer.webhook.id, call, 0)
        await self._known.changed(call.db)
        return answer

    async def UpdateWebhook(self, request: pb.UpdateWebhookRequest, call: Call) -> pb.UpdateWebhookResponse:
        await self._check(request.webhook, call)
        answer: pb.UpdateWebhookResponse = await self._update(request, call)
        await self._known.changed(call.db)
        return answer

    async def DeleteWebhook(self, request: pb.DeleteWebhookRequest, call: Call) -> pb.DeleteWebhookResponse:
        drop_lane(call.db, lane_of(WEBHOOK, request.id))
        answer: pb.DeleteWebhookResponse = await self._delete(request, call)
        await self._known.changed(call.db)
        return answer

    async def GetWebhookSecret(self, request: pb.GetWebhookSecretRequest, call: Call) -> pb.GetWebhookSecretResponse:
        await webhooks.load(call, request.id)
        number, sealed = await tables.current_secret(call.db, request.id)
        secret = self._secrets.open(PURPOSE, number, sealed)
        return pb.GetWebhookSecretResponse(secret=pb.WebhookSecret(secret=secret, public_key=Signer(secret).public_key))

    async def RotateWebhookSecret(self, request: pb.RotateWebhookSecretRequest, call: Call) -> pb.RotateWebhookSecretResponse:
        await webhooks.load(call, request.id, lock=True)
        overlap = request.overlap_seconds if request.HasField("overlap_seconds") else OVERLAP
        secret = await self._renew_secret(request.id, call, overlap)
        call.changed(f"webhook:{request.id}", None, {"secret": "changed"})
        return pb.RotateWebhookSecretResponse(secret=pb.WebhookSecret(secret=secret, public_key=Signer(secret).public_key))

    async def PauseWebhook(self, request: pb.PauseWebhookRequest, call: Call) -> pb.PauseWebhookResponse:
        return pb.PauseWebhookResponse(webhook=await self._set(request.id, call, tables.pause))

    async def ResumeWebhook(self, request: pb.ResumeWebhookRequest, call: Call) -> pb.ResumeWebhookResponse:
        return pb.ResumeWebhookResponse(webhook=await self._set(request.id, call, tables.resume))

    async def TestWebhook(self, request: pb.TestWebhookRequest, call: Call) -> pb.TestWebhookResponse:
        row: Any = await webhooks.load(call, request.id)
        if row.paused or row.disabled_reason is not None:
            raise Invalid("nothing is sent to it: resume it first", field="id")
        payload = message(TEST, call.now, {"webhook": request.id})
        await forward(call.db, Forward(WEBHOOK, str(request.id), TEST, payload, call.now, url=row.url, request=call.arrival.request_id))
        return pb.TestWebhookResponse()

    async def ReplayWebhook(self, request: pb.ReplayWebhookRequest, call: Call) -> pb.ReplayWebhookResponse:
        start, end = request.HasField("start_date"), request.HasField("end_date")
        if start != end or request.end_date < request.start_date:
            raise Invalid("both a start and an end that is not before it, or neither", field="end_date")
        await webhooks.load(call, request.id, lock=True)
        lane = lane_of(WEBHOOK, request.id)
        if not start:
            return pb.ReplayWebhookResponse(count=await send_again(call.db, lane))
        since, before = request.start_date * SECOND, request.end_date * SECOND
        # Nobody else adds events meanwhile.
        await lock(call.db, f"within:{CONSUMER}")
        there = await messages_of(call.db, lane, since, before)
        number = await send_again(call.db, lane, since=since, before=before)
        known: Known = (await read(call.db))[request.id]
        for id, name, key, at, body, from_request in await call.db.scan(tables.happened, since=since, before=before):
            if (not known.names or name in known.names) and message_id(id) not in there:
                add(call.db, to(request.id, id, name, key, at, msgspec.json.decode(body), from_request))
                number += 1
        return pb.ReplayWebhookResponse(count=number)

    async def _check(self, webhook: pb.Webhook, call: Call) -> None:
        """Raises Invalid with all that is wrong."""
        wrong = []
        try:
            self._egress.checked(webhook.url)
        except Refused as problem:
            wrong.append(Violation("webhook.url", str(problem)))
        for at, name in enumerate(webhook.event_names):
            if await trigger_named(call.db, name) is None:
                wrong.append(Violation(f"webhook.event_names[{at}]", "there is no such trigger"))
        if wrong:
            raise Invalid(violations=tuple(wrong))

    async def _renew_secret(self, webhook: int, call: Call, overlap_seconds: int) -> str:
        secret, id = new_secret(), await call.db.new_id(tables.secrets.name)
        await tables.keep_secret(call.db, webhook, id, self._secrets.seal(PURPOSE, id, secret), call.now, overlap_seconds * SECOND)
        return secret

    async def _set(self, id: int, call: Call, statement: Query[Any]) -> pb.Webhook:
        await webhooks.load(call, id, lock=True)
        await call.db.run(statement, this=id)
        await self._known.changed(call.db)
        shown = pb.Webhook()
        await webhooks.find(call, id, shown)
        return shown

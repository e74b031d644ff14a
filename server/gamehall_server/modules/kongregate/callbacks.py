"""Callbacks to games' servers: what is posted, and how. When and how often is modules/forwards' business.

`invalidate_user_inventory` is a form with the fields of the vendor's page in its order, and the same once more as `signed_request`, which
another page of the vendor's says callbacks have (docs/decisions/0040).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, Micros
from gamehall_server.kit.secrets import Unreadable
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.forwards import Forward, Job, Kind, Post, forward
from gamehall_server.modules.kongregate import tables
from gamehall_server.modules.kongregate.secrets import GameSecrets
from gamehall_server.modules.kongregate.signed import sign

KIND = "kongregate"
INVALIDATE = "invalidate_user_inventory"


class Told(msgspec.Struct):
    """What is kept of a callback until it is posted. Administrators read it: it holds no secret. `player` is the user in the game."""

    event: str
    game_id: int
    user_id: int
    player: int


async def invalidate_inventory(call: Call, secrets: GameSecrets, game_id: int, user_id: int) -> None:
    """Has a game told, after the commit, that a user's inventory was changed. Both are there, and the game has a callback URL."""
    player = await secrets.player(call.db, game_id, user_id)
    payload = msgspec.json.encode(Told(INVALIDATE, game_id, user_id, player.id)).decode()
    about = {"lane": f"game:{game_id}", "key": f"user:{user_id}"}
    await forward(call.db, Forward(kind=KIND, payload=payload, at=call.now, request=call.arrival.request_id, **about))


class Callbacks(Kind):
    """The kind of posts that goes to games."""

    name = KIND
    content_type = "application/x-www-form-urlencoded"

    def __init__(self, secrets: GameSecrets) -> None:
        self._secrets = secrets

    async def prepare(self, db: Handle, jobs: Sequence[Job]) -> dict[int, Post | str]:
        """What to post for each job, with the keys, tokens and names of this moment; or why it is given up."""
        told = {job.id: msgspec.json.decode(job.payload, type=Told) for job in jobs}
        there = await tables.to_call_back(db, list({each.player for each in told.values()}))
        return {job.id: self._post(job, told[job.id], there.get(told[job.id].player)) for job in jobs}

    def _post(self, job: Job, told: Told, there: tables.CalledBack | None) -> Post | str:
        if there is None:
            return "the game or the user is gone"
        if not there.callback_url:
            return "the game has no callback URL"
        try:
            key = self._secrets.key(there.game_id, there.sealed_key)
            token = self._secrets.token(there.player, there.sealed_token)
        except Unreadable:
            return "the game's key or the user's token cannot be read any more: rotate it"
        fields = {
            "event": told.event,
            "api_key": key,
            "time": moment(job.at),
            "user_id": there.user_id,
            "username": there.username,
            "game_auth_token": token,
        }
        return Post(there.callback_url, urlencode({**fields, "signed_request": sign(fields, key)}).encode(), {})


def moment(at: Micros) -> str:
    """A moment as callbacks tell it, in whole seconds of UTC: 2016-04-10 13:20:59 +0000."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S %z")

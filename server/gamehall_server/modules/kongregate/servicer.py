"""Games as their owners and administrators deal with them, and users' tokens for them."""

from typing import Any

from gamehall.kongregate.v1 import games_pb2 as pb
from gamehall.kongregate.v1 import tokens_pb2

from gamehall_server.kit.call import Call, Scope
from gamehall_server.kit.clock import SECOND, random_uuid
from gamehall_server.kit.egress import Egress, Refused
from gamehall_server.kit.errors import Forbidden, Invalid, NotFound
from gamehall_server.kit.mapping import Embed
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.secrets import Unreadable
from gamehall_server.kit.verbs import Delete, Get, List
from gamehall_server.modules import users
from gamehall_server.modules.kongregate import callbacks, tables
from gamehall_server.modules.kongregate.secrets import GameSecrets, Player

ADMIN = "KONGREGATE_ADMIN"
OVERLAP_SECONDS = 24 * 3600

games = Resource(
    tables.GameRow, pb.Game, owner="owner_id", embeds={"owner": Embed("owner_id", users.summary)}, unstored=frozenset({"api_key"})
)


class Games:
    """gamehall.kongregate.v1.GameService."""

    service = pb.DESCRIPTOR.services_by_name["GameService"]

    def __init__(self, secrets: GameSecrets, egress: Egress) -> None:
        self._secrets = secrets
        self._egress = egress

    ListGames = List(games)
    GetGame = Get(games)
    DeleteGame = Delete(games)

    async def CreateGame(self, request: pb.CreateGameRequest, call: Call) -> pb.CreateGameResponse:
        game, answer = request.game, pb.CreateGameResponse()
        values = await self._values(call, game, call.user_id)
        id, key = await call.db.new_id("game"), random_uuid()
        sealed, mark = self._secrets.kept_key(id, key)
        row = await games.add(call, {**values, "id": id, "sealed_key": sealed})
        tables.add_key(call.db, id, mark)
        call.emit("game_created", game=id, user=values["owner_id"])
        await games.show(call, row, answer.game)
        answer.game.api_key = key
        return answer

    async def UpdateGame(self, request: pb.UpdateGameRequest, call: Call) -> pb.UpdateGameResponse:
        row, answer = await games.load(call, request.id, lock=True), pb.UpdateGameResponse()
        values = await self._values(call, request.game, row.owner_id)
        await games.change(call, row, **values)
        call.emit("game_updated", game=row.id, user=row.owner_id)
        await games.find(call, row.id, answer.game)
        return answer

    async def ShowKey(self, request: pb.ShowKeyRequest, call: Call) -> pb.ShowKeyResponse:
        row = await games.load(call, request.id)
        try:
            key = self._secrets.key(row.id, row.sealed_key)
        except Unreadable:
            raise NotFound("The key of this game cannot be read any more: rotate it.", field="id") from None
        call.changed(f"game:{row.id}", None, {"api_key": "shown"})
        return pb.ShowKeyResponse(api_key=key)

    async def RotateKey(self, request: pb.RotateKeyRequest, call: Call) -> pb.RotateKeyResponse:
        row = await games.load(call, request.id, lock=True)
        overlap = request.overlap_seconds if request.HasField("overlap_seconds") else OVERLAP_SECONDS
        ends = call.now + overlap * SECOND
        await tables.end_keys(call.db, row.id, call.now, ends)
        key = random_uuid()
        sealed, mark = self._secrets.kept_key(row.id, key)
        tables.seal_key(call.db, row.id, sealed)
        tables.add_key(call.db, row.id, mark)
        call.changed(f"game:{row.id}", None, {"api_key": "changed", "overlap_seconds": overlap})
        call.emit("game_key_rotated", game=row.id, user=row.owner_id)
        return pb.RotateKeyResponse(api_key=key, former_until=ends // SECOND if overlap else None)

    async def InvalidateInventory(self, request: pb.InvalidateInventoryRequest, call: Call) -> pb.InvalidateInventoryResponse:
        row = await games.load(call, request.id)
        if not row.callback_url:
            raise Invalid("this game has no callback URL", field="id")
        if await users.summary_of(call.db, request.user_id) is None:
            raise Invalid("no user has this id", field="user_id")
        await callbacks.invalidate_inventory(call, self._secrets, row.id, request.user_id)
        return pb.InvalidateInventoryResponse()

    async def _values(self, call: Call, game: pb.Game, owner: int | None) -> dict[str, Any]:
        """Column values of what a caller told; `owner` is whose it is where they do not say. Raises Invalid, and Forbidden for an owner
        who is not theirs to name."""
        if game.callback_url:
            try:
                self._egress.checked(game.callback_url)
            except Refused as refusal:
                raise Invalid(str(refusal), field="game.callback_url") from None
        if game.HasField("owner") and game.owner.id != owner:
            if not call.may(ADMIN):
                raise Forbidden(f"Another owner needs the permission {ADMIN}.", field="game.owner")
            if await users.summary_of(call.db, game.owner.id) is None:
                raise Invalid("no user has this id", field="game.owner.id")
            owner = game.owner.id
        return {"name": game.name, "callback_url": game.callback_url, "owner_id": owner}


class GameTokens:
    """gamehall.kongregate.v1.GameTokenService."""

    service = tokens_pb2.DESCRIPTOR.services_by_name["GameTokenService"]

    def __init__(self, secrets: GameSecrets) -> None:
        self._secrets = secrets

    async def GetGameToken(self, request: tokens_pb2.GetGameTokenRequest, call: Call) -> tokens_pb2.GetGameTokenResponse:
        player = await self._secrets.player(call.db, *await _asked(call, request))
        return tokens_pb2.GetGameTokenResponse(game_auth_token=player.token)

    async def RotateGameToken(self, request: tokens_pb2.RotateGameTokenRequest, call: Call) -> tokens_pb2.RotateGameTokenResponse:
        game_id, user_id = await _asked(call, request)
        player: Player = await self._secrets.replace(call.db, game_id, user_id)
        call.changed(f"game_player:{player.id}", None, {"game": game_id, "user": user_id, "game_auth_token": "changed"})
        return tokens_pb2.RotateGameTokenResponse(game_auth_token=player.token)


async def _asked(call: Call, request: Any) -> tuple[int, int]:
    """The game and the user of a request: the caller, for tokens are nobody else's. Raises NotFound."""
    # No policy gives more.
    assert call.scope is Scope.OWN
    user_id = int(request.user_id)
    if user_id != call.user_id:
        raise NotFound("No user with this id.", field="user_id")
    if not await tables.is_game(call.db, request.id):
        raise NotFound("No game with this id.", field="id")
    return request.id, user_id

"""The secrets between games and this server: a key for each game, a token for each user and game. Each is sealed to be shown again, and
marked (an HMAC with the root key) to be recognised: a stolen database tells neither, and a look-up takes as long whatever is asked."""

import logging
from typing import NamedTuple

from gamehall_server.kit.clock import Micros, random_bytes
from gamehall_server.kit.secrets import FORM, Secrets, Unreadable
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.kongregate import tables

log = logging.getLogger("gamehall.kongregate")
# What keys and tokens are sealed and marked for.
KEY, TOKEN = "game key", "game token"
TOKEN_BYTES = 32


class Player(NamedTuple):
    """A user who has a token for a game. `id` is the number of the two together."""

    id: int
    token: str


class GameSecrets:
    """Keys and tokens of a deployment's games."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    # Keys.

    def kept_key(self, game_id: int, key: str) -> tuple[str, str]:
        """An api_key of a game as it is kept: sealed, and its mark."""
        return self._secrets.seal(KEY, game_id, key), self._secrets.mark(KEY, key.encode())

    def key(self, game_id: int, sealed: str) -> str:
        """The api_key of a game. Raises Unreadable."""
        return self._secrets.open(KEY, game_id, sealed)

    async def game_of(self, db: Handle, api_key: str, now: Micros) -> int | None:
        """The game that an api_key belongs to: its own, or a former one that is still good."""
        return await tables.game_with(db, self._secrets.every_mark(KEY, api_key.encode(errors="replace")), now)

    # Tokens.

    async def player(self, db: Handle, game_id: int, user_id: int) -> Player:
        """A user's token for a game that there is, made where there is none that can be read."""
        found = await self._player(db, game_id, user_id)
        if found is None:
            await tables.hold_user(db, user_id)
            found = await self._player(db, game_id, user_id) or await self._replace(db, game_id, user_id)
        return found

    async def replace(self, db: Handle, game_id: int, user_id: int) -> Player:
        """Gives a user another token for a game that there is."""
        await tables.hold_user(db, user_id)
        return await self._replace(db, game_id, user_id)

    async def replace_all(self, db: Handle, user_id: int) -> None:
        """Gives a user another token for every game, as another password does."""
        await tables.hold_user(db, user_id)
        for id in await tables.players_of(db, user_id):
            tables.set_token(db, id, *self._kept(id, _new_token()))

    async def verifies(self, db: Handle, game_id: int, user_id: int, token: str) -> bool:
        """Whether this is the user's token for this game."""
        row = await tables.player(db, game_id, user_id)
        return row is not None and self._secrets.marks(TOKEN, _marked(row.id, token), row.token_mark)

    def token(self, id: int, sealed: str) -> str:
        """The token of a player. Raises Unreadable."""
        return self._secrets.open(TOKEN, id, sealed)

    async def _player(self, db: Handle, game_id: int, user_id: int) -> Player | None:
        row = await tables.player(db, game_id, user_id)
        try:
            return None if row is None else Player(row.id, self.token(row.id, row.sealed_token))
        except Unreadable as problem:
            log.warning("a new one is made: %s", problem)
            return None

    async def _replace(self, db: Handle, game_id: int, user_id: int) -> Player:
        row, token = await tables.player(db, game_id, user_id), _new_token()
        if row is not None:
            tables.set_token(db, row.id, *self._kept(row.id, token))
            return Player(row.id, token)
        id = await db.new_id("game_player")
        tables.add_player(db, id, game_id, user_id, *self._kept(id, token))
        return Player(id, token)

    def _kept(self, id: int, token: str) -> tuple[str, str]:
        return self._secrets.seal(TOKEN, id, token), self._secrets.mark(TOKEN, _marked(id, token))

    # The root key.

    async def settle(self, db: Handle) -> None:
        """Seals and marks with today's root key. What no key opens stays as it is: a key counts as none, a token is made anew."""
        current = f"{FORM}.{self._secrets.name}.%"
        for game_id, sealed in await tables.sealed_keys(db, current):
            try:
                key = self.key(game_id, sealed)
            except Unreadable as problem:
                log.warning("the game is called back no more until its key is changed: %s", problem)
                continue
            box, mark = self.kept_key(game_id, key)
            tables.seal_key(db, game_id, box)
            tables.mark_key(db, game_id, mark)
        for id, sealed in await tables.sealed_tokens(db, current):
            try:
                tables.set_token(db, id, *self._kept(id, self.token(id, sealed)))
            except Unreadable:
                continue


def _new_token() -> str:
    return random_bytes(TOKEN_BYTES).hex()


def _marked(id: int, token: str) -> bytes:
    return f"{id}\0{token}".encode(errors="replace")

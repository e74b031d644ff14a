"""What is kept of games: their keys, by which they are found, and their players' tokens."""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Index, UniqueConstraint, bindparam, delete, insert, not_, or_, select, update
from sqlmodel import Field, SQLModel

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.kit.storage import Handle, Query, any_of, table_of
from gamehall_server.modules.users.tables import UserRow


class GameRow(NumberedRow, table=True):
    """A game. Its api_key is sealed (kit/secrets.py)."""

    __tablename__ = "game"
    __table_args__ = (Index("ix_game_owner", "owner_id", "id"),)

    name: str = Field(nullable=False)
    owner_id: int | None = Field(default=None, foreign_key="user.id", sa_type=BigInteger)
    callback_url: str = Field(nullable=False)
    sealed_key: str = Field(nullable=False)
    created_date: int = Field(sa_type=Moment, nullable=False)
    updated_date: int = Field(sa_type=Moment, nullable=False)


class GameKeyRow(SQLModel, table=True):
    """By which keys a game is known: the mark of each, and until when it is good; null for the one that is good until it is changed."""

    __tablename__ = "game_key"

    mark: str = Field(primary_key=True)
    game_id: int = Field(foreign_key="game.id", sa_type=BigInteger, nullable=False, index=True, ondelete="CASCADE")
    until: int | None = Field(default=None, sa_type=Moment)


class GamePlayerRow(NumberedRow, table=True):
    """A user who has a token for a game: the token sealed, and its mark."""

    __tablename__ = "game_player"
    __table_args__ = (UniqueConstraint("game_id", "user_id"),)

    game_id: int = Field(foreign_key="game.id", sa_type=BigInteger, nullable=False, ondelete="CASCADE")
    user_id: int = Field(foreign_key="user.id", sa_type=BigInteger, nullable=False, index=True)
    sealed_token: str = Field(nullable=False)
    token_mark: str = Field(nullable=False)


games, keys, players = table_of(GameRow), table_of(GameKeyRow), table_of(GamePlayerRow)
_g, _k, _p, _u = games.table, keys.table, players.table, table_of(UserRow).table
_big = BigInteger
_game: Any = bindparam("game", type_=_big)
_user: Any = bindparam("user", type_=_big)
_this: Any = bindparam("this", type_=_big)
_now: Any = bindparam("now", type_=_big)
_there = Query(select(_g.c.id).where(_g.c.id == _game))
_add_key = Query(insert(_k))
_by_mark = Query(select(_k.c.game_id).where(any_of(_k.c.mark, "marks"), or_(_k.c.until.is_(None), _k.c.until > _now)))
_end_key = Query(update(_k).where(_k.c.game_id == _game, _k.c.until.is_(None)).values(until=bindparam("ends", type_=_big)))
_drop_keys = Query(delete(_k).where(_k.c.game_id == _game, _k.c.until <= _now))
_drop_all_keys = Query(delete(_k).where(_k.c.game_id == _game))
# Rows that refer to a user may be written meanwhile (FOR NO KEY UPDATE), or two calls could wait for each other.
_hold = Query(select(_u.c.id).where(_u.c.id == _user).with_for_update(key_share=True))
_player = Query(select(_p).where(_p.c.game_id == _game, _p.c.user_id == _user), players.Row)
_numbers = Query(select(_p.c.id).where(_p.c.user_id == _user))
_add_player = Query(insert(_p))
_set_token = Query(update(_p).where(_p.c.id == _this).values(sealed_token=bindparam("box"), token_mark=bindparam("its_mark")))
_to_call_back = Query(
    select(_p.c.id, _p.c.sealed_token, _g.c.id, _g.c.callback_url, _g.c.sealed_key, _u.c.id, _u.c.username)
    .join(_g, _g.c.id == _p.c.game_id)
    .join(_u, _u.c.id == _p.c.user_id)
    .where(any_of(_p.c.id, "players"))
)
_sealed_keys = Query(select(_g.c.id, _g.c.sealed_key).where(not_(_g.c.sealed_key.like(bindparam("current")))))
_seal_key = Query(update(_g).where(_g.c.id == _this).values(sealed_key=bindparam("box")))
_mark_key = Query(update(_k).where(_k.c.game_id == _this, _k.c.until.is_(None)).values(mark=bindparam("its_mark")))
_sealed_tokens = Query(select(_p.c.id, _p.c.sealed_token).where(not_(_p.c.sealed_token.like(bindparam("current")))))


class CalledBack(NamedTuple):
    """What a callback is made of."""

    player: int
    sealed_token: str
    game_id: int
    callback_url: str
    sealed_key: str
    user_id: int
    username: str


async def is_game(db: Handle, game_id: int) -> bool:
    """Whether there is such a game."""
    return await db.value(_there, game=game_id) is not None


def add_key(db: Handle, game_id: int, mark: str) -> None:
    """A game is known by the key with this mark, until that is ended."""
    db.later(_add_key, mark=mark, game_id=game_id, until=None)


async def end_keys(db: Handle, game_id: int, now: Micros, ends: Micros) -> None:
    """The key of a game is good until `ends`; where that is now, neither it nor any former one is good any more."""
    if ends <= now:
        await db.run(_drop_all_keys, game=game_id)
        return
    await db.run(_drop_keys, game=game_id, now=now)
    await db.run(_end_key, game=game_id, ends=ends)


async def game_with(db: Handle, marks: list[str], now: Micros) -> int | None:
    """The game that is known by a key with one of these marks."""
    found: int | None = await db.value(_by_mark, marks=marks, now=now)
    return found


async def hold_user(db: Handle, user_id: int) -> None:
    """From here to the end of the transaction nobody else changes this user's tokens, nor their password."""
    await db.one(_hold, user=user_id)


async def player(db: Handle, game_id: int, user_id: int) -> Any:
    """The row of a user's token for a game, or None."""
    return await db.one(_player, game=game_id, user=user_id)


async def players_of(db: Handle, user_id: int) -> list[int]:
    """The numbers of a user's tokens."""
    return [row[0] for row in await db.all(_numbers, user=user_id)]


def add_player(db: Handle, id: int, game_id: int, user_id: int, sealed: str, mark: str) -> None:
    """A user has this token for a game."""
    db.later(_add_player, id=id, game_id=game_id, user_id=user_id, sealed_token=sealed, token_mark=mark)


def set_token(db: Handle, id: int, sealed: str, mark: str) -> None:
    """A user's token for a game is this one from now on."""
    db.later(_set_token, this=id, box=sealed, its_mark=mark)


async def to_call_back(db: Handle, ids: list[int]) -> dict[int, CalledBack]:
    """Those of these players that there are."""
    return {row[0]: CalledBack(*row) for row in await db.all(_to_call_back, players=ids)}


async def sealed_keys(db: Handle, current: str) -> list[Any]:
    """(game, sealed key) of those that are sealed otherwise than `current`, a pattern of LIKE."""
    return await db.all(_sealed_keys, current=current)


def seal_key(db: Handle, game_id: int, sealed: str) -> None:
    """A game is called back with this key."""
    db.later(_seal_key, this=game_id, box=sealed)


def mark_key(db: Handle, game_id: int, mark: str) -> None:
    """The mark of a game's key, as another root key makes it."""
    db.later(_mark_key, this=game_id, its_mark=mark)


async def sealed_tokens(db: Handle, current: str) -> list[Any]:
    """(player, sealed token) of those that are sealed otherwise than `current`, a pattern of LIKE."""
    return await db.all(_sealed_tokens, current=current)

"""The comments API as the documentation of FastAPI and SQLModel teaches it, asynchronous: models, dependencies, one session per request.

Kinder than the tutorial where the tutorial is slow: no query for the user of a token on reads, no refresh after a commit, authors by a
join, uvloop and httptools, no access log.
"""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, status
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, PlainSerializer, computed_field
from sqlalchemy import BigInteger, event, func
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import joinedload
from sqlmodel import Field, Relationship, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bench.references import command_line
from bench.references.summary import summary_of
from bench.tokens import ALGORITHM, SECRET

Seconds = Annotated[int, PlainSerializer(lambda micros: micros // 1_000_000, return_type=int)]


class UserPublic(SQLModel):
    id: int
    username: str
    display_name: str
    avatar_url: str | None = None


class User(SQLModel, table=True):
    id: int = Field(primary_key=True)
    username: str
    display_name: str
    avatar_url: str | None = None


class CommentCreate(SQLModel):
    context: str = Field(min_length=1, max_length=100)
    context_id: str = Field(min_length=1, max_length=100)
    content: str = Field(min_length=1, max_length=10_000)


class Comment(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    context: str
    context_id: str
    content: str
    user_id: int | None = Field(default=None, foreign_key="user.id")
    created_date: int = Field(sa_type=BigInteger)
    updated_date: int = Field(sa_type=BigInteger)
    user: User | None = Relationship()


class CommentPublic(SQLModel):
    id: int
    context: str
    context_id: str
    content: str
    created_date: Seconds
    updated_date: Seconds
    user: UserPublic | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def summary(self) -> str:
        return summary_of(self.content)


class CommentPage(BaseModel):
    content: list[CommentPublic]
    last: bool
    total_pages: int
    total_elements: int
    first: bool
    sort: None = None
    number_of_elements: int
    size: int
    number: int


def engine_of(url: str) -> AsyncEngine:
    """The engine. The sizes of its pools measured fastest with 64 requests at once: larger ones only fight for the interpreter."""
    if url.startswith("postgresql:"):
        return create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:", 1), pool_size=8, max_overflow=0)
    engine = create_async_engine(url.replace("sqlite:", "sqlite+aiosqlite:", 1), pool_size=3, max_overflow=0, connect_args={"timeout": 30})

    @event.listens_for(engine.sync_engine, "connect")
    def durable(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


engine = engine_of(command_line.database_url())
app = FastAPI()
bearer = OAuth2PasswordBearer(tokenUrl="token")


async def get_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


async def get_user_id(token: Annotated[str, Depends(bearer)]) -> int:
    try:
        return int(jwt.decode(token, SECRET, algorithms=[ALGORITHM])["sub"])
    except jwt.InvalidTokenError:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Could not validate credentials", {"WWW-Authenticate": "Bearer"}) from None


SessionDep = Annotated[AsyncSession, Depends(get_session)]
UserDep = Annotated[int, Depends(get_user_id)]


@app.post("/comments", response_model=CommentPublic)
async def create_comment(data: CommentCreate, session: SessionDep, user_id: UserDep) -> Comment:
    now = time.time_ns() // 1000
    user = await session.get(User, user_id)
    if user is None:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Could not validate credentials")
    comment = Comment.model_validate(data, update={"user_id": user_id, "created_date": now, "updated_date": now})
    comment.user = user
    session.add(comment)
    await session.commit()
    return comment


@app.get("/comments/{comment_id}", response_model=CommentPublic)
async def get_comment(comment_id: int, session: SessionDep, user_id: UserDep) -> Comment:
    comment = await session.get(Comment, comment_id, options=[joinedload(Comment.user)])  # type: ignore[arg-type]
    if comment is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Comment not found")
    return comment


@app.get("/comments", response_model=CommentPage)
async def list_comments(
    session: SessionDep,
    user_id: UserDep,
    context: str,
    context_id: str,
    size: Annotated[int, Query(ge=1, le=1000)] = 25,
    page: Annotated[int, Query(ge=1)] = 1,
) -> dict[str, Any]:
    about = (Comment.context == context, Comment.context_id == context_id)
    total = (await session.exec(select(func.count()).select_from(Comment).where(*about))).one()
    ordered = select(Comment).where(*about).options(joinedload(Comment.user)).order_by(Comment.created_date, Comment.id)  # type: ignore[arg-type]
    comments = (await session.exec(ordered.offset((page - 1) * size).limit(size))).all()
    pages = -(-total // size)
    return {
        "content": comments,
        "last": page >= pages,
        "total_pages": pages,
        "total_elements": total,
        "first": page == 1,
        "number_of_elements": len(comments),
        "size": size,
        "number": page - 1,
    }


if __name__ == "__main__":
    command_line.serve(app)  # type: ignore[arg-type]

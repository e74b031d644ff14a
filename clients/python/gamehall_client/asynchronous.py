"""The client for asyncio."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import grpc
from gamehall.auth.v1.tokens_pb2 import CreateTokenRequest
from gamehall.auth.v1.tokens_pb2_grpc import TokenServiceStub

from gamehall_client.attempts import Attempts
from gamehall_client.session import REFUSED, Session, Tokens, client_grant, password_grant


class AsyncClient:
    """As Client, with coroutines; make it in the event loop that calls it."""

    def __init__(self, target: str, *, secure: bool | grpc.ChannelCredentials = True, options: Sequence[tuple[str, Any]] = ()) -> None:
        self._session = Session()
        self._renewing = asyncio.Lock()
        calls = (_Unary(self._session, self._renew), _Streaming(self._session, self._renew))
        if secure is False:
            self.channel = grpc.aio.insecure_channel(target, options, interceptors=calls)
        else:
            credentials = grpc.ssl_channel_credentials() if secure is True else secure
            self.channel = grpc.aio.secure_channel(target, credentials, options, interceptors=calls)
        self._tokens = TokenServiceStub(self.channel)

    async def login(self, username: str, password: str, client_id: str = "web") -> None:
        """Signs a user in."""
        await self._take(password_grant(username, password, client_id))

    async def login_client(self, client_id: str, client_secret: str) -> None:
        """Signs a client in by its secret, and in again whenever its token ends."""
        await self._take(client_grant(client_id, client_secret))

    async def refresh(self) -> None:
        """Replaces the access token now."""
        await self._renew(self._session.access)

    @property
    def tokens(self) -> Tokens | None:
        """The session; set it to go on with one that was kept, or to None to call as nobody."""
        return self._session.tokens

    @tokens.setter
    def tokens(self, tokens: Tokens | None) -> None:
        self._session.restore(tokens)

    async def close(self) -> None:
        """Closes the channel."""
        await self.channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.close()

    async def _take(self, request: CreateTokenRequest) -> None:
        self._session.keep(request, await self._tokens.CreateToken(request))

    async def _renew(self, stale: str | None) -> None:
        """Replaces an access token once, however many calls find it worn at the same time."""
        async with self._renewing:
            request = self._session.renewal(stale)
            if request is None:
                return
            try:
                await self._take(request)
            except grpc.RpcError as error:
                if error.code() not in REFUSED:
                    raise
                self._session.end()


class _Calls:
    def __init__(self, session: Session, renew: Callable[[str | None], Awaitable[None]]) -> None:
        self._session = session
        self._renew = renew

    async def _access(self, call: Attempts) -> str | None:
        if not call.signs:
            return None
        stale = self._session.due()
        if stale is not None:
            await self._renew(stale)
        return self._session.access


class _Unary(_Calls, grpc.aio.UnaryUnaryClientInterceptor):
    """What happens to every call: a token, a key, a repeat."""

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        call = Attempts(details)
        while True:
            access = await self._access(call)
            ended = await continuation(_next(call, access), request)
            code = await ended.code()
            if call.renewable(code, access):
                await self._renew(access)
                if self._session.access != access:
                    continue
            wait = call.wait(code, await ended.trailing_metadata())
            if wait is None:
                return ended
            await asyncio.sleep(wait)


class _Streaming(_Calls, grpc.aio.UnaryStreamClientInterceptor):
    """A stream gets a token, and no repeat."""

    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        call = Attempts(details)
        return await continuation(_next(call, await self._access(call)), request)


def _next(call: Attempts, access: str | None) -> Any:
    details = call.next(access)
    return details._replace(metadata=grpc.aio.Metadata(*details.metadata))

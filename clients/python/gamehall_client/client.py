"""The client for threads."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Self

import grpc
from gamehall.auth.v1.tokens_pb2 import CreateTokenRequest
from gamehall.auth.v1.tokens_pb2_grpc import TokenServiceStub

from gamehall_client.attempts import Attempts
from gamehall_client.session import REFUSED, Session, Tokens, client_grant, password_grant


class Client:
    """A channel to a Gamehall server; make generated stubs on `channel`. Threads may share it.

    `target` is a gRPC target such as "play.example.com:443"; `secure` is True for TLS with the system's roots, False for plain text, or
    channel credentials. Every method raises grpc.RpcError when the server refuses.
    """

    def __init__(self, target: str, *, secure: bool | grpc.ChannelCredentials = True, options: Sequence[tuple[str, Any]] = ()) -> None:
        if secure is False:
            channel = grpc.insecure_channel(target, options)
        else:
            channel = grpc.secure_channel(target, grpc.ssl_channel_credentials() if secure is True else secure, options)
        self._channel = channel
        self._session = Session()
        self._renewing = threading.Lock()
        self.channel: grpc.Channel = grpc.intercept_channel(channel, _Calls(self._session, self._renew))
        self._tokens = TokenServiceStub(self.channel)

    def login(self, username: str, password: str, client_id: str = "web") -> None:
        """Signs a user in."""
        self._take(password_grant(username, password, client_id))

    def login_client(self, client_id: str, client_secret: str) -> None:
        """Signs a client in by its secret, and in again whenever its token ends."""
        self._take(client_grant(client_id, client_secret))

    def refresh(self) -> None:
        """Replaces the access token now."""
        self._renew(self._session.access)

    @property
    def tokens(self) -> Tokens | None:
        """The session; set it to go on with one that was kept, or to None to call as nobody."""
        return self._session.tokens

    @tokens.setter
    def tokens(self, tokens: Tokens | None) -> None:
        self._session.restore(tokens)

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def _take(self, request: CreateTokenRequest) -> None:
        self._session.keep(request, self._tokens.CreateToken(request))

    def _renew(self, stale: str | None) -> None:
        """Replaces an access token once, however many calls find it worn at the same time."""
        with self._renewing:
            request = self._session.renewal(stale)
            if request is None:
                return
            try:
                self._take(request)
            except grpc.RpcError as error:
                if error.code() not in REFUSED:
                    raise
                self._session.end()


class _Calls(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """What happens to every call: a token, a key, a repeat. A future made with `.future()` is waited for."""

    def __init__(self, session: Session, renew: Callable[[str | None], None]) -> None:
        self._session = session
        self._renew = renew

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        call = Attempts(details)
        while True:
            access = self._access(call)
            ended = continuation(call.next(access), request)
            code = ended.code()
            if call.renewable(code, access):
                self._renew(access)
                if self._session.access != access:
                    continue
            wait = call.wait(code, ended.trailing_metadata())
            if wait is None:
                return ended
            time.sleep(wait)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        call = Attempts(details)
        return continuation(call.next(self._access(call)), request)

    def _access(self, call: Attempts) -> str | None:
        if not call.signs:
            return None
        stale = self._session.due()
        if stale is not None:
            self._renew(stale)
        return self._session.access

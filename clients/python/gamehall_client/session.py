"""Who a channel speaks for. Shared by the two clients: nothing here waits."""

import time
from typing import NamedTuple

import grpc
from gamehall.auth.v1.tokens_pb2 import CreateTokenRequest, CreateTokenResponse

# A token is renewed when this part of its time is over.
WORN = 0.9
# How a server refuses to renew for good; anything else passes.
REFUSED = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAUTHENTICATED)


class Tokens(NamedTuple):
    """A session that can be kept and given back. From `renew_at`, in unix seconds, the access token is replaced."""

    access: str
    refresh: str | None
    renew_at: float
    client_id: str


class Session:
    """The tokens of one channel and how to get the next ones."""

    def __init__(self) -> None:
        self.tokens: Tokens | None = None
        self._credentials: CreateTokenRequest | None = None

    def keep(self, request: CreateTokenRequest, answer: CreateTokenResponse) -> None:
        """Takes a token. A client's secret is kept for the next one, a password never."""
        refresh = answer.refresh_token if answer.HasField("refresh_token") else None
        self.tokens = Tokens(answer.access_token, refresh, time.time() + WORN * answer.expires_in, request.client_id)
        self._credentials = request if request.grant_type == "client_credentials" else None

    def restore(self, tokens: Tokens | None) -> None:
        """Goes on with tokens that were kept; None signs out."""
        self.tokens, self._credentials = tokens, None

    def due(self) -> str | None:
        """The access token that needs renewing now, if it can be."""
        tokens = self.tokens
        return tokens.access if tokens and time.time() >= tokens.renew_at and self.renewal(tokens.access) else None

    def renewal(self, stale: str | None) -> CreateTokenRequest | None:
        """What to ask for in place of an access token; None when it was replaced meanwhile or nothing can replace it."""
        tokens = self.tokens
        if tokens is None or tokens.access != stale:
            return None
        if self._credentials is not None:
            return self._credentials
        if tokens.refresh is None:
            return None
        return CreateTokenRequest(grant_type="refresh_token", client_id=tokens.client_id, refresh_token=tokens.refresh)

    def end(self) -> None:
        """The server refused to renew: calls go on with the old token, and the server tells what is wrong with it."""
        self._credentials = None
        if self.tokens is not None:
            self.tokens = self.tokens._replace(refresh=None)

    @property
    def access(self) -> str | None:
        """The access token."""
        return self.tokens.access if self.tokens else None


def password_grant(username: str, password: str, client_id: str) -> CreateTokenRequest:
    """A sign-in of a user."""
    return CreateTokenRequest(grant_type="password", client_id=client_id, username=username, password=password)


def client_grant(client_id: str, client_secret: str) -> CreateTokenRequest:
    """A sign-in of a client."""
    return CreateTokenRequest(grant_type="client_credentials", client_id=client_id, client_secret=client_secret)

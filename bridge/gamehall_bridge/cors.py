"""CORS: which browsers may call. Tokens travel in headers, never in cookies, so credentials mode is never offered."""

Headers = list[tuple[bytes, bytes]]
ANY = "*"
# What a browser may send and read.
_ALLOW_HEADERS = (
    b"access-control-allow-headers",
    b"authorization, content-type, idempotency-key, traceparent, tracestate, "
    b"connect-protocol-version, connect-timeout-ms, grpc-timeout, x-grpc-web, x-user-agent",
)
_EXPOSE = (
    b"access-control-expose-headers",
    b"x-request-id, idempotent-replayed, retry-after, www-authenticate, grpc-status, grpc-message, grpc-status-details-bin",
)
_MAX_AGE = (b"access-control-max-age", b"600")
_VARY = (b"vary", b"origin")


class Cors:
    """The origins of the deployment's setting."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._any = ANY in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, origin: bytes | None) -> Headers:
        """What lets the page of `origin` read an answer; nothing for an origin that is not listed."""
        if self._any:
            return [(b"access-control-allow-origin", b"*"), _EXPOSE] if origin is not None else []
        if origin is not None and origin in self._origins:
            return [(b"access-control-allow-origin", origin), _EXPOSE, _VARY]
        return [_VARY]

    @property
    def withheld(self) -> Headers:
        """What stands on an answer that no page may read."""
        return [_VARY]

    def preflight(self, origin: bytes | None, verbs: tuple[str, ...]) -> Headers:
        """What a browser asks before it sends a call that is not simple."""
        headers = self.headers(origin)
        if origin is None or len(headers) < 2:
            return headers
        return [*headers, (b"access-control-allow-methods", ", ".join(verbs).encode()), _ALLOW_HEADERS, _MAX_AGE]

"""The head of a request: the headers that decide something here, out of all that came."""

_FIELDS = {
    b"access-control-request-method": "preflight_for",
    b"authorization": "authorization",
    b"content-encoding": "content_encoding",
    b"content-length": "content_length",
    b"content-type": "content_type",
    b"idempotency-key": "key",
    b"origin": "origin",
    b"traceparent": "trace",
}
_FORWARDED = b"x-forwarded-for"


class Head:
    """What the headers say, as it came; of a header that came twice the last. `size` counts all of them in bytes."""

    __slots__ = ("forwarded", "headers", "size", *_FIELDS.values())

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.headers = headers
        self.authorization: bytes | None = None
        self.forwarded: bytes | None = None
        self.key: bytes | None = None
        self.origin: bytes | None = None
        self.preflight_for: bytes | None = None
        self.trace: bytes | None = None
        self.content_type = b""
        self.content_encoding = b""
        self.content_length = b""
        # With the colon, the space and the line's end of each.
        size = 4 * len(headers)
        for name, value in headers:
            size += len(name) + len(value)
            field = _FIELDS.get(name)
            if field is not None:
                setattr(self, field, value)
            elif name == _FORWARDED:
                self.forwarded = value if self.forwarded is None else self.forwarded + b"," + value
        self.size = size

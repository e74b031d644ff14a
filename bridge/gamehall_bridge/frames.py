"""Frames of gRPC-Web and of Connect's streams: a byte of flags, four of length, and a message (PROTOCOL-WEB.md of grpc)."""

import base64
import binascii

from gamehall_server.kit.errors import Malformed

from gamehall_bridge.errors import Refused

COMPRESSED, END_STREAM, TRAILERS = 0x01, 0x02, 0x80
_HEAD = 5


def frame(flags: int, content: bytes) -> bytes:
    """One frame."""
    return bytes([flags]) + len(content).to_bytes(4, "big") + content


def one_message(body: bytes) -> bytes:
    """The message of a body that is one frame. Raises Malformed for another, Refused for a compressed one."""
    flags, length = body[:1], int.from_bytes(body[1:_HEAD], "big")
    if flags == bytes([COMPRESSED]):
        raise Refused(Malformed("The message must not be compressed."), 415)
    if flags != b"\0" or len(body) != _HEAD + length:
        raise Malformed("The body is not one frame with one message.")
    return body[_HEAD:]


def from_text(body: bytes) -> bytes:
    """The bytes of a body in base64. Each part of it may have been written, and padded, alone."""
    try:
        return b"".join(base64.b64decode(part + b"=" * (-len(part) % 4), validate=True) for part in body.split(b"=") if part)
    except (binascii.Error, ValueError):
        raise Malformed("The body is not base64.") from None

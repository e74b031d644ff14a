"""Scope words (RFC 6749 section 3.3): what a token opens of what its holder may do. `read` is every call that changes nothing, `write` all
others. Both together are everything, as every token of the published API has them, in its order."""

from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.kit.errors import Invalid

WORDS = ("write", "read")
FULL = " ".join(WORDS)


def granted(asked: str, most: str = FULL) -> str:
    """The scope of a token when this was asked for: all there is when nothing was. Raises Invalid (invalid_scope) for more than `most`."""
    wanted, there = asked.split(), most.split()
    if not set(wanted) <= set(there):
        told = "read, write or both" if most == FULL else f"at most {most}"
        raise Invalid(f"scope: {told}", reason=ErrorReason.ERROR_REASON_OAUTH_INVALID_SCOPE, field="scope")
    return " ".join(word for word in there if word in wanted) or most


def limits(scope: object) -> frozenset[str] | None:
    """What a token of this scope is limited to; None where it opens everything, as tokens do that say nothing."""
    if scope in (FULL, None):
        return None
    return frozenset(scope.split()) if isinstance(scope, str) else frozenset()

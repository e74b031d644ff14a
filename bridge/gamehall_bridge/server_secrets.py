"""Which requests carry a secret of a server: their answers are never shared with a browser."""

from collections.abc import Callable
from typing import Any

from gamehall_server.kit.validation import rules_of
from google.protobuf.descriptor import Descriptor

Carries = Callable[[Any], bool]


def carrier(descriptor: Descriptor, around: frozenset[str] = frozenset()) -> Carries | None:
    """A function that tells whether a message, or one inside it, sets a field marked `server_only`; None where there is none.

    `around`: the types that this one stands in. A type inside itself is not looked at again."""
    if descriptor.full_name in around:
        return None
    around |= {descriptor.full_name}
    looks = [look for field in descriptor.fields if (look := _look(field, around)) is not None]
    if not looks:
        return None
    return lambda message: any(look(message) for look in looks)


def _look(field: Any, around: frozenset[str]) -> Carries | None:
    name = field.name
    if rules_of(field).server_only:
        if field.has_presence:
            return lambda message: bool(message.HasField(name))
        return lambda message: bool(getattr(message, name))
    if field.message_type is None or field.message_type.GetOptions().map_entry:
        return None
    inside = carrier(field.message_type, around)
    if inside is None:
        return None
    if field.is_repeated:
        return lambda message: any(inside(item) for item in getattr(message, name))
    return lambda message: bool(message.HasField(name)) and inside(getattr(message, name))

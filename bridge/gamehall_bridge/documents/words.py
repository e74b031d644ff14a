"""What the contract says of a thing in words: its comment, and what its rules mean to a caller."""

from typing import Any

from gamehall.options.v1 import options_pb2
from gamehall_server.kit.comments import comment
from gamehall_server.kit.validation import behavior, rules_of
from google.api import field_behavior_pb2

from gamehall_bridge.scalars import words_of

_IMMUTABLE = field_behavior_pb2.FieldBehavior.Value("IMMUTABLE")


def told_of(field: Any) -> str:
    """A field's comment and what its rules mean."""
    rules = rules_of(field)
    words = [comment(field.full_name)]
    if rules.user_id:
        words.append('A user id, or "me" for the caller.')
    if rules.HasField("decimal"):
        words.append(f"An exact decimal number, at most {rules.decimal.scale} digits after the point.")
    if _IMMUTABLE in behavior(field):
        words.append("Never changes.")
    if rules.private:
        words.append("Shown only to the owner and to who may see all records.")
    if rules.server_only:
        words.append("For servers: the answer to a call that carries it is not shared with browsers.")
    if field.enum_type is not None:
        words += [f"{word}: {told}" for word, told in enum_words(field.enum_type).items() if told]
    return " ".join(word for word in words if word)


def enum_words(enum: Any) -> dict[str, str]:
    """The published words of an enum and their comments. The value 0 has a word only where the contract gives it one."""
    words = words_of(enum)
    return {
        words[value.number]: comment(f"{enum.full_name}.{value.name}")
        for value in enum.values
        if value.number or value.GetOptions().Extensions[options_pb2.enum_value].name
    }


def permissions(rules: Any) -> tuple[str, dict[str, Any]]:
    """Who may call a method: in words, and as the extension `x-permissions`."""
    policy = rules.policy
    if policy.open:
        return "**Permissions Needed:** none. A token that is sent must be valid.", {"open": True}
    everyone = "any signed-in user or client"
    parts = [" or ".join(everyone if name == "*" else name for name in policy.any)] if policy.any else []
    if policy.own:
        parts.append(" or ".join("any signed-in user" if name == "*" else name for name in policy.own) + " for the caller's own records")
    extension = {"any": list(policy.any), "own": list(policy.own)}
    text = f"**Permissions Needed:** {', or '.join(parts)}."
    if rules.also:
        text += f" More is shown or allowed with {' or '.join(rules.also)}."
        extension["also"] = list(rules.also)
    return text, extension

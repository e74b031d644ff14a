"""Examples of what callers send, put together from the examples that the contract gives its fields (`FieldRules.example`)."""

import json
from typing import Any

from gamehall_server.kit.validation import output_only, rules_of
from gamehall_server.kit.variants import variants_of

from gamehall_bridge.encode import FREE
from gamehall_bridge.scalars import is_text


def example_of(field: Any) -> Any:
    """The example of a field: its own, or one of its message's fields; None without one."""
    text = rules_of(field).example
    if text:
        as_is = not field.is_repeated and (is_text(field) or (field.enum_type is not None))
        return text if as_is else json.loads(text)
    return None


def example_within(field: Any, around: frozenset[str] = frozenset()) -> Any:
    """The same, and where the field has none, one made of the fields inside it."""
    found, kind = example_of(field), field.message_type
    if found is not None or kind is None or kind.GetOptions().map_entry or kind.full_name in FREE:
        return found
    inside = example_object(kind, around)
    if not inside:
        return None
    return [inside] if field.is_repeated else inside


def example_object(descriptor: Any, around: frozenset[str] = frozenset(), without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A JSON object as a caller may send it; of a polymorphic message the first kind that has an example. `around`: the types it
    stands in, which it does not hold again; `without`: fields that are not the object's to say."""
    if descriptor.full_name in around:
        return {}
    around |= {descriptor.full_name}
    found = _own(descriptor, around, without)
    variants = variants_of(descriptor)
    if variants is None or variants.key in found:
        return found
    kinds = []
    for word, variant in variants.by_word.items():
        own = [_own(arm.message_type, around, frozenset()) for arm in variant.arms]
        kinds.append({name: value for fields in own for name, value in fields.items()} | {variants.key: word})
    some = [kind for kind in kinds if len(kind) > 1]
    if some or (found and not variants.open):
        found |= (some or kinds)[0]
    return found


def _own(descriptor: Any, around: frozenset[str], without: frozenset[str]) -> dict[str, Any]:
    """The examples of the fields that a message has whatever its kind."""
    variants = variants_of(descriptor)
    found: dict[str, Any] = {}
    for field in descriptor.fields:
        if output_only(field) or field.name in without or (variants is not None and field.name in variants.by_arm):
            continue
        if rules_of(field).inline:
            found |= example_object(field.message_type, around)
        elif (value := example_within(field, around)) is not None:
            found[field.name] = value
    return found

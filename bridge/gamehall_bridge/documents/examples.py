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
    variants = variants_of(descriptor)
    arms = () if variants is None else variants.by_arm
    found: dict[str, Any] = {}
    for field in descriptor.fields:
        if output_only(field) or field.name in arms or field.name in without:
            continue
        value = example_object(field.message_type, around) if rules_of(field).inline else example_within(field, around)
        if rules_of(field).inline:
            found |= value
        elif value is not None:
            found[field.name] = value
    if variants is not None and variants.key not in found:
        found |= _kind(variants, around)
    return found


def _kind(variants: Any, around: frozenset[str]) -> dict[str, Any]:
    kinds = []
    for word, variant in variants.by_word.items():
        own: dict[str, Any] = {variants.key: word}
        for arm in variant.arms:
            inner = variants_of(arm.message_type)
            own |= {**example_object(arm.message_type, around, frozenset(inner.by_arm) if inner else frozenset()), variants.key: word}
        kinds.append(own)
    return next((kind for kind in kinds if len(kind) > 1), kinds[0])

"""Polymorphic messages: one oneof of messages, and the JSON key whose word tells which arm an object is (`MessageRules.discriminator`)."""

from functools import cache
from typing import Any, NamedTuple

from gamehall.options.v1 import options_pb2
from google.protobuf.descriptor import Descriptor


class Malformed(Exception):
    """A discriminator of the contract that cannot work. The server does not start."""


class Variant(NamedTuple):
    """One kind of object: its word, and the arms that lead to it, the outermost first."""

    word: str
    arms: tuple[Any, ...]


class Variants(NamedTuple):
    """What a polymorphic message may be. `open`: any other word is taken too, and kept in the text field of the key's name."""

    key: str
    oneof: str
    open: bool
    by_word: dict[str, Variant]
    by_arm: dict[str, str | None]

    @property
    def known(self) -> str:
        """The words, as a violation lists them."""
        return ", ".join(self.by_word)


@cache
def variants_of(descriptor: Descriptor) -> Variants | None:
    """The kinds of a message; None for one that is not polymorphic."""
    key = descriptor.GetOptions().Extensions[options_pb2.message].discriminator
    if not key:
        return None
    # Of `optional` fields the compiler makes a oneof of one.
    oneofs = [oneof for oneof in descriptor.oneofs if [f"_{field.name}" for field in oneof.fields] != [oneof.name]]
    if len(oneofs) != 1:
        raise Malformed(f"{descriptor.full_name} has a discriminator and needs exactly one oneof")
    by_word: dict[str, Variant] = {}
    by_arm: dict[str, str | None] = {}
    base: set[str] = set()
    for field in descriptor.fields:
        if field.containing_oneof is not oneofs[0]:
            base |= _names(field.message_type) if field.GetOptions().Extensions[options_pb2.field].inline else {field.name}
    for arm in oneofs[0].fields:
        if arm.message_type is None:
            raise Malformed(f"{descriptor.full_name}.{arm.name} is an arm and must be a message")
        inner = variants_of(arm.message_type)
        passes_on = inner is not None and inner.key == key
        word = arm.GetOptions().Extensions[options_pb2.field].word or arm.name
        by_arm[arm.name] = None if passes_on else word
        found = [Variant(word, (arm,))]
        if inner is not None and passes_on:
            found = [Variant(variant.word, (arm, *variant.arms)) for variant in inner.by_word.values()]
        for variant in found:
            if variant.word in by_word:
                raise Malformed(f"{descriptor.full_name}: {variant.word} is the word of two arms")
            by_word[variant.word] = variant
        clash = (base | {key}).intersection(_names(arm.message_type)) - ({key} if passes_on else set())
        if clash:
            raise Malformed(f"{descriptor.full_name}: {min(clash)} stands beside the arm {arm.name} and in it")
    return Variants(key, oneofs[0].name, key in base, by_word, by_arm)


def _names(descriptor: Any) -> set[str]:
    """The keys that a message brings to the JSON object it stands in."""
    variants = variants_of(descriptor)
    names = set() if variants is None else {variants.key}
    for field in descriptor.fields:
        inside = field.GetOptions().Extensions[options_pb2.field].inline or (variants is not None and field.name in variants.by_arm)
        names |= _names(field.message_type) if inside else {field.name}
    return names

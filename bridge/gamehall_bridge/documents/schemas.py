"""Messages as schemas, in the dialect of OpenAPI 3.1 (JSON Schema) or of Swagger 2.0.

A polymorphic message is in 3.1 a oneOf of whole objects, told apart by the discriminator; in 2.0 a base with subtypes by allOf, as
swagger-codegen knows them.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from gamehall.options.v1 import options_pb2
from gamehall_server.kit.comments import comment
from gamehall_server.kit.validation import behavior, output_only, rules_of
from gamehall_server.kit.variants import Variants, variants_of
from google.api import field_behavior_pb2
from google.protobuf.descriptor import FieldDescriptor

from gamehall_bridge.documents.examples import example_object, example_of
from gamehall_bridge.documents.words import enum_words, told_of
from gamehall_bridge.encode import FREE
from gamehall_bridge.scalars import words_of

Schema = dict[str, Any]
_REQUIRED = field_behavior_pb2.FieldBehavior.Value("REQUIRED")
_INPUT_ONLY = field_behavior_pb2.FieldBehavior.Value("INPUT_ONLY")
_FREE: dict[str, Schema] = {"Value": {}, "Struct": {"type": "object"}, "ListValue": {"type": "array", "items": {}}}
_SCALARS: dict[int, Schema] = {
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_INT64: {"type": "integer", "format": "int64"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "integer", "minimum": 0},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
}


def required(field: Any) -> bool:
    """Whether a caller must send the field."""
    return _REQUIRED in behavior(field)


def published(descriptor: Any) -> str:
    """A message's published model name, or nothing."""
    return str(descriptor.GetOptions().Extensions[options_pb2.message].published)


def always_shown(field: Any) -> bool:
    """Whether answers have the field for everyone who may see the record."""
    return not rules_of(field).private and _INPUT_ONLY not in behavior(field)


def fields_of(descriptor: Any) -> Iterator[Any]:
    """The fields that stand in a message's JSON object whatever its kind: those of inlined messages too, no arms."""
    variants = variants_of(descriptor)
    for field in descriptor.fields:
        if variants is not None and field.name in variants.by_arm:
            continue
        if rules_of(field).inline:
            yield from fields_of(field.message_type)
        else:
            yield field


def _identity(descriptor: Any) -> Any:
    """What is one model: a message, or all that have one published name and the same fields, as the pages of two lists do."""
    model = published(descriptor)
    if not model:
        return descriptor.full_name
    return model, tuple(
        (field.name, field.type, field.is_repeated, field.message_type and field.message_type.full_name) for field in descriptor.fields
    )


class Schemas:
    """The schemas of one document. `made` has those that have a name, once they were referred to."""

    def __init__(self, modern: bool, roots: Iterable[Any]) -> None:
        self.modern = modern
        self.made: dict[str, Schema] = {}
        self._place = "#/components/schemas/" if modern else "#/definitions/"
        self._names: dict[Any, str] = {}
        # A published name belongs to the message that has it, whichever is met first.
        self._reserved = {published(descriptor) for descriptor in _reachable(roots)} - {""}

    def pointer(self, name: str) -> Schema:
        """A reference to the schema of this name."""
        return {"$ref": self._place + name}

    def of_message(self, descriptor: Any, without: frozenset[str] = frozenset()) -> Schema:
        """A reference to the schema of a message; `without` names fields that do not stand in it."""
        if descriptor.full_name in FREE:
            return dict(_FREE[descriptor.name])
        key = (_identity(descriptor), without)
        name = self._names.get(key)
        if name is None:
            name = self._name(key, published(descriptor), descriptor.name, descriptor.full_name)
            variants = variants_of(descriptor)
            if variants is None:
                self.made[name] = self._object(fields_of(descriptor), without)
            elif self.modern:
                self.made[name] = self._union(name, descriptor, variants, without)
            else:
                self.made[name] = self._base(name, descriptor, variants, without)
            # In 3.1 the example stands at the request's body, so that answers are shown whole.
            example = None if self.modern else example_object(descriptor, without=without)
            self._tell(self.made[name], comment(descriptor.full_name), example)
        return self.pointer(name)

    def of_field(self, field: Any) -> Schema:
        """The schema of a field where it stands in an object, with everything the contract says of it."""
        schema = self.of_value(field)
        rules = rules_of(field)
        if field.enum_type is not None and not field.has_presence and not field.is_repeated and not required(field):
            # Such a field is always written, also when nobody set it.
            schema["enum"] = [word for word in words_of(field.enum_type).values() if word not in schema["enum"]] + schema["enum"]
        if rules.null_if_unset:
            schema = self._nullable(schema)
        self._tell(schema, told_of(field), example_of(field))
        if output_only(field):
            schema["readOnly"] = True
        elif _INPUT_ONLY in behavior(field) and self.modern:
            schema["writeOnly"] = True
        return schema

    def of_value(self, field: Any) -> Schema:
        """The schema of a field's value: its type and its limits."""
        rules = rules_of(field)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            schema: Schema = {"type": "object", "additionalProperties": self._single(field.message_type.fields_by_name["value"])}
            longest = "maxProperties"
        elif field.is_repeated:
            schema = {"type": "array", "items": self._single(field)}
            longest = "maxItems"
            if required(field):
                schema["minItems"] = 1
        else:
            return self._single(field)
        if rules.max_length:
            schema[longest] = rules.max_length
        return schema

    def _single(self, field: Any) -> Schema:
        rules = rules_of(field)
        if field.message_type is not None:
            return self.of_message(field.message_type)
        if field.enum_type is not None:
            words = enum_words(field.enum_type)
            return {"type": "string", "enum": list(words)}
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", **({"contentEncoding": "base64"} if self.modern else {"format": "byte"})}
        if field.type == FieldDescriptor.TYPE_STRING and not rules.HasField("decimal"):
            return self._text(field, rules)
        schema = {"type": "number", "format": "decimal"} if rules.HasField("decimal") else dict(_SCALARS[field.cpp_type])
        if not field.is_repeated or rules.HasField("decimal"):
            schema |= {name: getattr(rules, name) for name in ("minimum", "maximum") if rules.HasField(name)}
        return schema

    def _text(self, field: Any, rules: Any) -> Schema:
        schema: Schema = {"type": "string"}
        if rules.secret:
            schema["format"] = "password"
        if rules.user_id:
            schema["pattern"] = "^(me|[0-9]{1,18})$"
        if not field.is_repeated:
            shortest = max(rules.min_length, 1 if required(field) else 0)
            schema |= {name: value for name, value in (("minLength", shortest), ("maxLength", rules.max_length)) if value}
        return schema

    def _nullable(self, schema: Schema) -> Schema:
        if not self.modern:
            return {**schema, "x-nullable": True}
        return {**schema, "type": [schema["type"], "null"]} if "type" in schema else {"anyOf": [schema, {"type": "null"}]}

    def _tell(self, schema: Schema, text: str, example: Any) -> None:
        if text:
            schema["description"] = text
        if example is not None and example != {}:
            schema |= {"examples": [example]} if self.modern else {"example": example}

    def _object(self, fields: Iterable[Any], without: frozenset[str] = frozenset()) -> Schema:
        fields = [field for field in fields if field.name not in without]
        schema: Schema = {"type": "object", "properties": {field.name: self.of_field(field) for field in fields}}
        # One model stands for requests and answers. What not every answer has is required where a request refers to the model.
        needed = [field.name for field in fields if required(field) and (always_shown(field) or not self.modern)]
        return schema | ({"required": needed} if needed else {})

    def _union(self, name: str, descriptor: Any, variants: Variants, without: frozenset[str]) -> Schema:
        """3.1: each kind is a whole object; where any word goes, one more is what is none of them."""
        base = list(fields_of(descriptor))
        kinds: dict[str, Schema] = {}
        for word, variant in variants.by_word.items():
            kind = self._name((descriptor.full_name, without, word), published(variant.arms[-1].message_type), name + _title(word))
            fields = [*base, *(field for arm in variant.arms for field in fields_of(arm.message_type))]
            self.made[kind] = self._with_key(self._object(fields, without), variants.key, {"type": "string", "enum": [word]}, True)
            self._tell(self.made[kind], comment(variant.arms[-1].message_type.full_name), None)
            kinds[word] = self.pointer(kind)
        mapping = {word: kind["$ref"] for word, kind in kinds.items()}
        choices = list(kinds.values())
        if variants.open:
            other = self._name((descriptor.full_name, without, None), "", name + "Other")
            rest: Schema = {"type": "string", "not": {"enum": list(kinds)}}
            self.made[other] = self._with_key(self._object(base, without), variants.key, rest, False)
            choices.append(self.pointer(other))
            # A discriminator knows no other words than those it maps.
            return {"oneOf": choices}
        return {"oneOf": choices, "discriminator": {"propertyName": variants.key, "mapping": mapping}}

    def _base(self, name: str, descriptor: Any, variants: Variants, without: frozenset[str]) -> Schema:
        """2.0: what all kinds have; a kind is this and its own fields. Swagger 2.0 knows a kind by its model's name alone, so the word
        stands in an extension."""
        schema = self._object(fields_of(descriptor), without)
        words: Schema = {"type": "string"} if variants.open else {"type": "string", "enum": list(variants.by_word)}
        self._with_key(schema, variants.key, words, True)
        for word, variant in variants.by_word.items():
            parent = name
            for depth, arm in enumerate(variant.arms, 1):
                key = (descriptor.full_name, without, *(arm.name for arm in variant.arms[:depth]))
                if key not in self._names:
                    last = depth == len(variant.arms)
                    kind = self._name(key, published(arm.message_type), name + _title(word if last else arm.name))
                    own = self._object(fields_of(arm.message_type))
                    self.made[kind] = {"allOf": [self.pointer(parent), own]} | ({"x-discriminator-value": word} if last else {})
                    self._tell(self.made[kind], comment(arm.message_type.full_name), None)
                parent = self._names[key]
        return schema | {"discriminator": variants.key}

    def _with_key(self, schema: Schema, key: str, word: Schema, needed: bool) -> Schema:
        schema["properties"] = {
            **schema["properties"],
            key: word | {k: v for k, v in schema["properties"].get(key, {}).items() if k not in word},
        }
        if needed:
            schema["required"] = [key, *(name for name in schema.get("required", ()) if name != key)]
        return schema

    def _name(self, key: Any, wanted: str, plain: str, whole: str = "") -> str:
        """A name that no other schema has: the published one, else the message's own, else its full one."""
        taken = self.made.keys() | (set() if wanted else self._reserved)
        choices = (wanted, plain, whole, *(f"{plain}{number}" for number in range(2, len(taken) + 3)))
        name = next(choice for choice in choices if choice and choice not in taken)
        self._names[key] = name
        self.made[name] = {}
        return name


def _title(word: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in word.split("_"))


def _reachable(roots: Iterable[Any]) -> list[Any]:
    found: dict[str, Any] = {}
    waiting = list(roots)
    while waiting:
        descriptor = waiting.pop()
        if descriptor.full_name not in found:
            found[descriptor.full_name] = descriptor
            waiting += [field.message_type for field in descriptor.fields if field.message_type is not None]
    return list(found.values())

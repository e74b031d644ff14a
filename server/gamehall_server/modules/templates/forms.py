"""The types of properties as forms: which fields a definition and a value of each type have, read from the contract."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from gamehall.common.v1.property_definition_pb2 import PropertyDefinition, PropertyField, PropertyFieldList
from gamehall.common.v1.property_pb2 import Property
from google.protobuf.descriptor import FieldDescriptor

from gamehall_server.kit.comments import comment
from gamehall_server.kit.properties import GROUPS, KINDS
from gamehall_server.kit.validation import behavior, output_only

TYPE = "type"
_WORDS = {
    FieldDescriptor.CPPTYPE_INT32: "integer",
    FieldDescriptor.CPPTYPE_INT64: "integer",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
    FieldDescriptor.CPPTYPE_BOOL: "bool",
    FieldDescriptor.CPPTYPE_STRING: "string",
}


class Forms(Mapping[str, Any]):
    """By the word of a type; made when they are first asked for."""

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {kind: _form(kind) for kind in KINDS}

    def __getitem__(self, kind: str) -> Any:
        return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(KINDS)

    def __len__(self) -> int:
        return len(KINDS)


FORMS = Forms()


def _form(kind: str) -> PropertyFieldList:
    form = PropertyFieldList(property_type=kind)
    word = PropertyField(name=TYPE, type="enumeration", required=True, valid_values=[kind])
    form.property_definition_fields.append(word)
    form.property_fields.append(word)
    shared: Any = [f for f in PropertyDefinition.DESCRIPTOR.fields if f.containing_oneof is None or f.containing_oneof.name != "kind"]
    limits: Any = PropertyDefinition.DESCRIPTOR.fields_by_name[kind].message_type
    form.property_definition_fields.extend(_field(each, kind) for each in (*shared, *limits.fields) if not output_only(each))
    value: Any = Property.DESCRIPTOR.fields_by_name[kind].message_type
    form.property_fields.extend(_field(each, kind) for each in value.fields)
    return form


def _field(field: Any, kind: str) -> PropertyField:
    made = PropertyField(name=field.name, required=bool(behavior(field)), description=comment(field.full_name))
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        made.type = "object"
    elif field.is_repeated:
        made.type, made.inner_type = "list", _word(field)
        if kind in GROUPS:
            file: Any = Property.DESCRIPTOR.fields_by_name["file"].message_type
            made.inner_type_fields.extend(_field(each, "file") for each in file.fields)
            made.inner_type_fields.add(name=TYPE, type="enumeration", required=True).valid_values.extend(("file", GROUPS[kind]))
    else:
        made.type = _word(field)
    return made


def _word(field: Any) -> str:
    if field.message_type is PropertyDefinition.DESCRIPTOR:
        return "definition"
    return "object" if field.message_type is not None else _WORDS[field.cpp_type]

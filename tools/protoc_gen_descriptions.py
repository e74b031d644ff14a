"""protoc-gen-descriptions: the comments of the contract as one JSON file, because Python's generated descriptors have none.

Reads a CodeGeneratorRequest on stdin and writes a CodeGeneratorResponse on stdout, as every protoc plugin does. The file maps the full
name of every service, method, message, field, enum and enum value (`package.Enum.VALUE`) of ours to its comment, one in a line.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import Edition

FILE = "gamehall/descriptions.json"
# Where descriptor.proto keeps the parts of a file, a message, an enum and a service: field number, and what the parts have inside.
PARTS: dict[str, tuple[tuple[int, str, str], ...]] = {
    "file": ((4, "message_type", "message"), (5, "enum_type", "enum"), (6, "service", "service")),
    "message": ((2, "field", ""), (3, "nested_type", "message"), (4, "enum_type", "enum")),
    "enum": ((2, "value", ""),),
    "service": ((2, "method", ""),),
    "": (),
}


def named(part: Any, kind: str, path: tuple[int, ...], name: str) -> Iterator[tuple[tuple[int, ...], str]]:
    """(path in the file, full name) of everything in a part that a comment can stand before."""
    for number, attribute, inside in PARTS[kind]:
        for index, item in enumerate(getattr(part, attribute)):
            at, full = (*path, number, index), f"{name}.{item.name}"
            yield at, full
            yield from named(item, inside, at, full)


def main() -> None:
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    ours = set(request.file_to_generate)
    found = {}
    for file in request.proto_file:
        if file.name in ours and file.package.startswith("gamehall."):
            comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
            for path, name in named(file, "file", (), file.package):
                found[name] = " ".join(comments.get(path, "").split())
    response = plugin_pb2.CodeGeneratorResponse(
        supported_features=3, minimum_edition=Edition.EDITION_PROTO2, maximum_edition=Edition.EDITION_2023
    )
    told = {name: text for name, text in sorted(found.items()) if text}
    response.file.add(name=FILE, content=json.dumps(told, indent=0, ensure_ascii=False) + "\n")
    sys.stdout.buffer.write(response.SerializeToString())


if __name__ == "__main__":
    main()

"""protoc-gen-grpc_python: the gRPC stub generator, which exists only inside grpcio-tools, as a plugin that buf can call.

Reads a CodeGeneratorRequest on stdin and writes a CodeGeneratorResponse on stdout, as every protoc plugin does.
"""

import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import Edition, FileDescriptorSet
from grpc_tools import protoc


def main() -> None:
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    response = plugin_pb2.CodeGeneratorResponse(
        supported_features=3, minimum_edition=Edition.EDITION_PROTO2, maximum_edition=Edition.EDITION_2023
    )
    with tempfile.TemporaryDirectory() as folder:
        descriptors = Path(folder, "contract.binpb")
        descriptors.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        out = Path(folder, "out")
        out.mkdir()
        arguments = ["protoc", f"--descriptor_set_in={descriptors}", f"--grpc_python_out={out}", *request.file_to_generate]
        if protoc.main(arguments) != 0:
            response.error = "grpc_tools.protoc refused the contract"
        for path in sorted(out.rglob("*.py")):
            response.file.add(name=str(path.relative_to(out)), content=path.read_text())
    sys.stdout.buffer.write(response.SerializeToString())


if __name__ == "__main__":
    main()

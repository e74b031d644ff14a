"""The rest of the product, as far as its start can tell: for each published operation that is not written yet, the modules that will be
there one day, made from the table of published facts.

Messages and services are modules of protoc's own making. Each tag has a servicer, and a table and a resource for each record it shows;
what a verb can do is bound to one, and the rest are methods with a statement of their own.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from gamehall.options.v1 import options_pb2
from gamehall_server.servicers import SERVICERS
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from bench.published import Operation, files_of, models, operations, service_of

PACKAGE = "standin_modules"
COLUMNS = {"int32": "int", "int64": "int", "string": "str", "boolean": "bool", "double": "float", "decimal": "str"}
LIST_FIELDS = {"size", "page", "order"}
HEAD = '''\
"""{tag}."""

from sqlalchemy import BigInteger, Index, bindparam, select
from sqlmodel import Field

from gamehall_server.kit.columns import Moment, NumberedRow
from gamehall_server.kit.mapping import Computed
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.storage import Query
from gamehall_server.kit.verbs import Create, Delete, Get, List, Update
from standin import models_pb2 as models
from standin import {file}_pb2 as pb
'''
START = f"""\
import sys

from sqlalchemy import create_engine
from sqlmodel import SQLModel

from gamehall_server import cli, servicers
from {PACKAGE} import SERVICERS

servicers.SERVICERS.update(SERVICERS)
if sys.argv[1] == "tables":
    SQLModel.metadata.create_all(create_engine(sys.argv[2]))
else:
    cli.app()
"""


def unwritten() -> list[Operation]:
    """The operations of the published API that the product does not serve yet."""
    methods = [method for servicer in SERVICERS for method in servicer.service.methods]
    served = [method.GetOptions().Extensions[options_pb2.method].published for method in methods]
    names = {f"{published.tag}.{published.operation}" for published in served}
    return [operation for operation in operations() if not operation.until and operation.name not in names]


def write(folder: Path) -> Path:
    """Writes the modules into an empty folder, and the script that is the command `gamehall` with them; gives the script."""
    wanted = unwritten()
    _generate(files_of(wanted), folder)
    package = folder / PACKAGE
    package.mkdir()
    tags: dict[str, list[Operation]] = {}
    for operation in wanted:
        tags.setdefault(operation.tag, []).append(operation)
    shown: set[str] = set()
    for tag, members in tags.items():
        (package / f"{tag.lower()}.py").write_text(
            "\n".join([HEAD.format(tag=tag, file=tag.lower()), *_module(tag, members, shown)]) + "\n"
        )
    imports = [f"from {PACKAGE}.{tag.lower()} import {_class(tag)}" for tag in tags]
    entries = ", ".join(f"{_class(tag)}: lambda _: {_class(tag)}()" for tag in tags)
    (package / "__init__.py").write_text("\n".join([*imports, f"SERVICERS = {{{entries}}}", ""]))
    script = folder / "start.py"
    script.write_text(START)
    return script


def _generate(files: list[FileDescriptorProto], folder: Path) -> None:
    found = FileDescriptorSet()
    _depend(found, {file.name for file in files}, (name for file in files for name in file.dependency))
    found.file.extend(files)
    path = folder / "standin.binpb"
    path.write_bytes(found.SerializeToString())
    if protoc.main(["protoc", f"--descriptor_set_in={path}", f"--python_out={folder}", *(file.name for file in files)]):
        raise RuntimeError("protoc refused the contract of the published facts")


def _depend(found: FileDescriptorSet, seen: set[str], names: Iterable[str]) -> None:
    """Adds files and what they need, each after what it needs."""
    for name in names:
        if name not in seen:
            seen.add(name)
            file = FileDescriptorProto()
            descriptor_pool.Default().FindFileByName(name).CopyToProto(file)
            _depend(found, seen, file.dependency)
            found.file.append(file)


def _class(tag: str) -> str:
    return f"{tag.replace('_', '')}Servicer"


def _module(tag: str, members: list[Operation], shown: set[str]) -> Iterator[str]:
    """The lines of a module. `shown`: the records that have a table already."""
    records = dict.fromkeys(
        kind for operation in members for kind in (operation.page_of, operation.model) if "id" in models().get(kind, {})
    )
    own = [record for record in records if record not in shown]
    shown.update(own)
    for record in own:
        yield from _table(record)
    service = service_of(tag).rpartition(".")[2]
    verbs = {operation: _verb(operation, own) for operation in members}
    for operation, verb in verbs.items():
        if not verb and own:
            yield f"q_{operation.operation} = Query(select({own[0]}Row.__table__).where({own[0]}Row.__table__.c.id == bindparam('id')))"
    yield f"class {_class(tag)}:"
    yield f"    service = pb.DESCRIPTOR.services_by_name[{service!r}]"
    for operation, verb in verbs.items():
        name = operation.operation[0].upper() + operation.operation[1:]
        yield f"    {name} = {verb}" if verb else f"    async def {name}(self, request, call):\n        return pb.{name}Response()"


def _table(record: str) -> Iterator[str]:
    fields = models()[record]
    yield f"class {record}Row(NumberedRow, table=True):"
    yield f"    __tablename__ = 'standin_{record.lower()}'"
    yield f"    __table_args__ = (Index('ix_standin_{record.lower()}', 'id'),)"
    for name, kind in fields.items():
        if kind in COLUMNS and name != "id":
            more = "sa_type=Moment, " if name.endswith("_date") else "sa_type=BigInteger, " if kind == "int64" else ""
            yield f"    {name}: {COLUMNS[kind]} = Field({more}nullable=False)"
    computed = ", ".join(f"{name!r}: Computed('id', str)" for name, kind in fields.items() if kind not in COLUMNS)
    yield f"r_{record} = Resource({record}Row, models.{record}, computed={{{computed}}})"


def _verb(operation: Operation, own: list[str]) -> str:
    """The verb that can serve an operation, as its servicer writes it; empty where none can."""
    query = {part.partition(":")[0] for part in operation.query.split(",") if part}
    if operation.method == "GET" and operation.page_of in own and query == LIST_FIELDS and not operation.variables:
        return f"List(r_{operation.page_of})"
    by_id = list(operation.kinds) == ["id"] and not query
    if operation.method == "GET" and operation.model in own and by_id:
        return f"Get(r_{operation.model})"
    if operation.method == "DELETE" and own and by_id and not operation.body and not operation.model:
        return f"Delete(r_{own[0]})"
    record = operation.body
    if record in own and operation.model in ("", record) and set(models()[record].values()) <= COLUMNS.keys() and not query:
        if operation.method == "POST" and not operation.variables:
            return f"Create(r_{record})"
        if operation.method == "PUT" and by_id:
            return f"Update(r_{record})"
    return ""

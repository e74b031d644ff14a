"""The contract as a whole: what must hold of every RPC, list, error and route, and what was published years ago."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from gamehall.options.v1 import errors_pb2, options_pb2
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_bridge.errors import HTTP_STATUS
from gamehall_server.contract import bindings
from gamehall_server.kit.errors import Cancelled, Fault
from gamehall_server.kit.storage import Query
from gamehall_server.modules.access.bootstrap import permissions
from gamehall_server.modules.access.roles import ROLE_ADMIN, ROLE_USER, role_permissions
from gamehall_server.servicers import SERVICERS, for_sandbox
from google import api
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodOptions
from grpc_tools import protoc
from sqlalchemy import bindparam, select

from bench.published import operations
from tests.contract.doors import rules_of

ROOT = Path(__file__).parents[2]
SERVICES = [servicer.service for servicer in SERVICERS]
METHODS = {method.full_name: method for service in SERVICES for method in service.methods}
ROUTES = bindings(SERVICES)
LISTS = [name for name, method in METHODS.items() if method.output_type.fields_by_name.get("page_info") is not None]
REASONS = [value for value in ErrorReason.DESCRIPTOR.values if value.number]
PUBLISHED = {operation.name: operation for operation in operations()}
# Without those of the application's own.
held = Query(
    select(role_permissions.c.permission)
    .join(permissions, permissions.c.permission == role_permissions.c.permission)
    .where(role_permissions.c.role == bindparam("role"), permissions.c.locked)
)
SERVED = {
    name: f"{rules_of(method).published.tag}.{rules_of(method).published.operation}"
    for name, method in METHODS.items()
    if rules_of(method).HasField("published")
}


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """The contract with its comments, as protoc reads it."""
    out = tmp_path_factory.mktemp("contract") / "contract.binpb"
    files = [str(path) for path in (ROOT / "protos/gamehall").rglob("*.proto")]
    includes = [f"-I{ROOT / 'protos'}", f"-I{ROOT / 'protos/vendor'}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
    assert protoc.main(["protoc", *includes, "--include_source_info", f"--descriptor_set_out={out}", *files]) == 0
    return FileDescriptorSet.FromString(out.read_bytes())


def verbs_of(name):
    return {route.verb for route in ROUTES if route.rpc == name}


def is_read(name):
    return METHODS[name].GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS


def test_every_method_says_who_may_call():
    policies = {name: rules_of(method).policy for name, method in METHODS.items()}

    assert [name for name, method in METHODS.items() if not rules_of(method).HasField("policy")] == []
    assert [name for name, policy in policies.items() if not (policy.open or policy.any or policy.own)] == []
    # Open to everyone, and yet it names permissions.
    assert [name for name, policy in policies.items() if policy.open and (policy.any or policy.own)] == []


def test_every_method_has_a_route():
    rules = {name: method.GetOptions().Extensions[annotations_pb2.http] for name, method in METHODS.items()}

    assert [name for name, rule in rules.items() if not rule.WhichOneof("pattern")] == []


def test_reads_are_gets_and_writes_are_not():
    assert [name for name in METHODS if is_read(name) and verbs_of(name) != {"GET"}] == []
    assert [name for name in METHODS if not is_read(name) and "GET" in verbs_of(name)] == []


def test_a_get_has_no_body():
    # One DELETE was published with one: the word that says what becomes of what refers to the record.
    bodies = {(route.rpc, route.body) for route in ROUTES if route.verb in ("GET", "DELETE") and route.body}

    assert bodies == {("gamehall.templates.v1.TemplateService.DeleteTemplateOfKind", "cascade")}


def test_what_is_kept_and_audited_is_a_write():
    assert [name for name, method in METHODS.items() if is_read(name) and (rules_of(method).keyed or rules_of(method).audit)] == []


def test_path_variables_are_fields_of_the_request():
    for route in ROUTES:
        takes, gives = METHODS[route.rpc].input_type.fields_by_name, METHODS[route.rpc].output_type.fields_by_name
        variables = [segment.strip("{}").partition("=")[0] for segment in route.path.split("/") if segment.startswith("{")]
        assert [variable for variable in variables if variable not in takes] == [], route.rpc
        assert route.body in ("", "*") or route.body in takes, route.rpc
        assert route.response_body == "" or route.response_body in gives, route.rpc


def test_the_comments_travel_with_the_generated_code(described):
    """The documents tell them; Python's own descriptors have none."""
    told = json.loads((ROOT / "generated/gamehall/descriptions.json").read_text())
    wanted = {}
    for file in described.file:
        if file.package.startswith("gamehall."):
            comments = {tuple(place.path): " ".join(place.leading_comments.split()) for place in file.source_code_info.location}
            wanted |= {f"{file.package}.{name}": comments[path] for path, name in _named(file)}

    assert {name: told.get(name) for name in wanted} == wanted


def test_everything_has_a_comment(described):
    """Every service, method, message, field, enum and enum value of ours."""
    missing = []
    for file in described.file:
        if file.package.startswith("gamehall."):
            told = {tuple(place.path) for place in file.source_code_info.location if place.leading_comments.strip()}
            missing += [f"{file.name}: {name}" for path, name in _named(file) if path not in told]

    assert missing == []


def test_no_two_routes_collide():
    shapes = Counter(
        (route.verb, "/".join("{}" if segment.startswith("{") else segment for segment in route.path.split("/"))) for route in ROUTES
    )

    assert [shape for shape, count in shapes.items() if count > 1] == []


def test_there_are_lists():
    assert "gamehall.comments.v1.CommentService.ListComments" in LISTS


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_asked_for_in_the_same_words(name):
    wanted = {"size": (1, "int32", 1, 1000), "page": (2, "int32", 1, None), "order": (3, "string", None, None)}

    fields = METHODS[name].input_type.fields_by_name

    assert {word: _shape(fields[word]) for word in wanted} == wanted
    texts = [field for field in fields.values() if field.type == field.TYPE_STRING]
    assert [field.name for field in texts if not field.GetOptions().Extensions[options_pb2.field].max_length] == []
    assert METHODS[name].output_type.fields_by_name["content"].is_repeated
    assert METHODS[name].output_type.fields_by_name["page_info"].message_type.full_name == "gamehall.common.v1.PageInfo"


def test_what_answers_with_many_records_of_ours_is_a_page_or_a_whole_list():
    """A list that is not a page is reference data, or the few words on one record, in one answer."""
    whole = {name for name, method in METHODS.items() if method.name.startswith("List")} - set(LISTS)

    assert whole == {
        "gamehall.rules.v1.ActionService.ListActions",
        "gamehall.rules.v1.ExpressionService.ListExpressions",
        "gamehall.rules.v1.ExpressionService.ListLookups",
        "gamehall.events.v1.VariableService.ListVariableTypes",
        "gamehall.groups.v1.GroupService.ListAncestors",
        "gamehall.groups.v1.GroupService.ListGroupsOfUser",
        "gamehall.locations.v1.LocationService.ListCountries",
        "gamehall.locations.v1.LocationService.ListStates",
        "gamehall.platform.v1.PlatformService.ListErrorCodes",
        "gamehall.webhooks.v1.ForwardLogService.ListForwardAttempts",
        "gamehall.social.v1.IdentityService.ListIdentities",
        "gamehall.templates.v1.PropertyTypeService.ListPropertyTypes",
        "gamehall.users.v1.UserService.ListUserTags",
    }


def test_vendored_files_are_those_of_the_wheel():
    wheel = Path(next(iter(api.__path__))).parents[1]
    vendor = ROOT / "protos/vendor"

    paths = [path.relative_to(vendor) for path in vendor.rglob("*") if path.is_file()]

    assert paths
    assert [str(path) for path in paths if (vendor / path).read_bytes() != (wheel / path).read_bytes()] == []


MADE = {
    "routes_lock": "protos/routes.lock",
    "errors_page": "docs/errors.md",
    "modules_page": "docs/modules.md",
    "rules_page": "docs/rules.md",
}


@pytest.mark.parametrize("tool, made", MADE.items())
def test_what_is_made_from_the_contract_is_fresh(tool, made):
    path = os.pathsep.join(str(ROOT / folder) for folder in ("server", "bridge", "generated"))

    printed = subprocess.check_output([sys.executable, ROOT / f"tools/{tool}.py"], env={**os.environ, "PYTHONPATH": path}, text=True)

    assert printed == (ROOT / made).read_text()


@pytest.mark.parametrize("sandbox", [False, True], ids=["ordinary", "sandbox"])
def test_the_locked_roles_hold_what_the_contract_names(world, sandbox_of, sandbox):
    deployment = sandbox_of(world) if sandbox else world
    services = [servicer.service for servicer in SERVICERS if sandbox or not for_sandbox(servicer)]
    named = {name for service in services for method in service.methods for name in _permissions(method)}

    assert held_by(deployment, ROLE_ADMIN) == named
    assert held_by(deployment, ROLE_USER) == {name for name in named if name.endswith("_USER")}


@pytest.mark.parametrize("value", REASONS, ids=lambda value: value.name.removeprefix("ERROR_REASON_"))
def test_every_error_has_a_meaning_and_an_example(value):
    told = value.GetOptions().Extensions[errors_pb2.error]

    assert told.meaning.endswith(".")
    assert told.example
    assert told.http


def faults(kind=Fault):
    """Every fault that somebody is told of: nobody waits for the answer of a cancelled call."""
    return [kind, *(below for inner in kind.__subclasses__() if inner is not Cancelled for below in faults(inner))]


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.__name__)
def test_an_error_comes_with_the_statuses_that_the_contract_tells(fault):
    told = ErrorReason.DESCRIPTOR.values_by_number[fault.default_reason].GetOptions().Extensions[errors_pb2.error]

    assert told.grpc == fault.status.name
    assert HTTP_STATUS[fault.status] in told.http


def test_no_two_errors_mean_the_same():
    meanings = Counter(value.GetOptions().Extensions[errors_pb2.error].meaning for value in REASONS)

    assert [meaning for meaning, count in meanings.items() if count > 1] == []


def test_no_operation_is_published_twice():
    names = Counter(SERVED.values())

    assert [name for name, count in names.items() if count > 1] == []
    assert names.keys() - PUBLISHED.keys() == set()


def test_an_operation_is_served_where_it_was_published():
    for name, published in SERVED.items():
        operation, method = PUBLISHED[published], METHODS[name]
        assert (operation.method, operation.path) in [(route.verb, route.path) for route in ROUTES if route.rpc == name], name
        assert (rules_of(method).status or (200 if method.output_type.fields else 204)) == operation.success, name


def held_by(world, role):
    """The permissions of a role, as the database has them."""

    async def read():
        return {row[0] for row in await world.server.product.database.reader().all(held, role=role)}

    return world.inside(read)


def _permissions(method):
    rules = rules_of(method)
    return {*rules.policy.any, *rules.policy.own, *rules.also} - {"*"}


def _shape(field):
    rules = field.GetOptions().Extensions[options_pb2.field]
    kinds = {field.TYPE_INT32: "int32", field.TYPE_STRING: "string"}
    bounds = [getattr(rules, name) if rules.HasField(name) else None for name in ("minimum", "maximum")]
    return (field.number, kinds[field.type], *bounds)


def _named(file):
    """(path in the file, name) of everything that a comment can stand before; the numbers are those of descriptor.proto."""
    for index, service in enumerate(file.service):
        yield (6, index), service.name
        yield from (((6, index, 2, at), f"{service.name}.{method.name}") for at, method in enumerate(service.method))
    for index, message in enumerate(file.message_type):
        yield (4, index), message.name
        yield from (((4, index, 2, at), f"{message.name}.{field.name}") for at, field in enumerate(message.field))
    for index, enum in enumerate(file.enum_type):
        yield (5, index), enum.name
        yield from (((5, index, 2, at), f"{enum.name}.{value.name}") for at, value in enumerate(enum.value))

"""Every list of the contract speaks one grammar: what is wrong with size, page, order or a filter is refused by its name, at both doors."""

import grpc
import pytest
from gamehall.options.v1 import options_pb2 as options
from gamehall_server.main import SERVICERS
from google.protobuf import message_factory
from google.rpc import error_details_pb2, status_pb2

from tests.contract.doors import addressed, http, published_refusal, request_of

METHODS = [method for servicer in SERVICERS for method in servicer.service.methods]
LISTS = {method.full_name: method for method in METHODS if method.output_type.fields_by_name.get("page_info") is not None}
each_list = pytest.mark.parametrize("method", LISTS.values(), ids=list(LISTS))
WRONG = [
    ("size", -1),
    ("size", 1001),
    ("page", -1),
    ("order", "nobody_sorts_by_this:ASC"),
    ("order", "id:SIDEWAYS"),
    ("order", "id:ASC,,"),
]
# What no value of a filter can be, for each way to match that refuses anything.
WRONG_FILTERS = {options.MATCH_COMPARE: "NE,1", options.MATCH_ANY_OF: ",", options.MATCH_NONE_OF: ","}


def wrong_of(method):
    """(field, value) pairs that the list must refuse."""
    filters = [(field.name, field.GetOptions().Extensions[options.field].filter.match) for field in method.input_type.fields]
    return WRONG + [(name, WRONG_FILTERS[match]) for name, match in filters if match in WRONG_FILTERS]


@each_list
def test_a_wrong_word_is_refused_by_its_name_over_http(world, cast, method):
    token = cast(world).callers[3].token
    for name, value in wrong_of(method):
        answer = http.request(**addressed(world, method, request_of(method, **{name: value}), token))

        assert published_refusal(answer) == ("INVALID_ARGUMENT", "INVALID_VALUE"), (name, value)
        assert [result["field"] for result in answer.json()["result"]] == [name], (name, value)


@each_list
def test_and_over_grpc(world, cast, method):
    token = cast(world).callers[3].token
    path = f"/{method.containing_service.full_name}/{method.name}"
    answer = message_factory.GetMessageClass(method.output_type)
    for name, value in wrong_of(method):
        request = request_of(method, **{name: value})
        call = world.channel.unary_unary(path, type(request).SerializeToString, answer.FromString)
        with pytest.raises(grpc.RpcError) as refusal:
            call(request, metadata=[("authorization", f"Bearer {token}")])

        assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert _fields(refusal.value) == [name], (name, value)


def _fields(refusal):
    told = status_pb2.Status.FromString(dict(refusal.trailing_metadata())["grpc-status-details-bin"])
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in told.details)
    return [violation.field for violation in bad.field_violations]


@each_list
def test_everything_shown_that_can_be_sorted_by_sorts(world, cast, method):
    """Whatever a list sorts by, a page far beyond its end is empty and tells the same total."""
    token = cast(world).callers[3].token
    first = http.request(**addressed(world, method, request_of(method), token)).json()
    refusal = http.request(**addressed(world, method, request_of(method, order="nobody"), token)).json()
    sortable = refusal["result"][0]["message"].partition("sortable: ")[2].split(", ")

    assert sortable
    for order in [f"{name}:{way}" for name in sortable for way in ("ASC", "DESC")]:
        page = http.request(**addressed(world, method, request_of(method, order=order, size=1000, page=2**31 - 1), token)).json()
        assert (page["content"], page["last"], page["total_elements"]) == ([], True, first["total_elements"]), order

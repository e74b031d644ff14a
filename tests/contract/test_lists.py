"""Every list of the contract keeps the same promises: its pages are parts of one whole in every order, it shows what its reader may get,
and what is wrong with size, page, order or a filter is refused by its name, at both doors."""

import asyncio
from itertools import count

import grpc
import pytest
from gamehall.options.v1 import options_pb2 as options
from gamehall_server.main import SERVICERS
from google.protobuf import message_factory
from google.rpc import error_details_pb2, status_pb2
from people import fresh

from tests.contract.doors import DOORS, OK, addressed, http, published_refusal, request_of
from tests.databases import seen_from_outside

METHODS = [method for servicer in SERVICERS for method in servicer.service.methods]
LISTS = {method.full_name: method for method in METHODS if method.output_type.fields_by_name.get("page_info") is not None}
each_list = pytest.mark.parametrize("method", LISTS.values(), ids=list(LISTS))
# The administrator of a cast, who reaches everything.
ADMIN = 3


def some_comments(cast):
    subject = {"context": "video", "context_id": fresh("thing")}
    for number, content in enumerate(["b", "B", "a", "é", "b"]):
        person = (cast.owner, cast.admin)[number % 2]
        assert person.post("/comments", {**subject, "content": content}).status_code == 200
    return subject


def some_configs(cast):
    word = fresh("word")
    for number, name in enumerate(["b", "B", "a", "é", "_b"]):
        config = {"name": f"{name}.{word}", "value": "same", "description": "Ab"[number % 2], "public_read": number > 2}
        assert cast.admin.post("/configs", config).status_code == 201
    return {"filter_search": word}


def some_providers(cast):
    issuer = f"https://{fresh('p')}.example.com"
    for number in range(5):
        provider = {"name": fresh("p"), "issuer": issuer, "client_id": f"client-{number % 2}"}
        assert cast.admin.post("/auth/providers", provider).status_code == 201
    return {"filter_issuer": issuer}


# How to make five records for a list, of which some may be hidden from some. Gives what the list must be asked to show just these.
MADE = {
    "gamehall.comments.v1.CommentService.ListComments": some_comments,
    "gamehall.configs.v1.ConfigService.ListConfigs": some_configs,
    "gamehall.social.v1.ProviderService.ListProviders": some_providers,
}
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
    token = cast(world).callers[ADMIN].token
    for name, value in wrong_of(method):
        answer = http.request(**addressed(world, method, request_of(method, **{name: value}), token))

        assert published_refusal(answer) == ("INVALID_ARGUMENT", "INVALID_VALUE"), (name, value)
        assert [result["field"] for result in answer.json()["result"]] == [name], (name, value)


@each_list
def test_and_over_grpc(world, cast, method):
    token = cast(world).callers[ADMIN].token
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


def page_of(world, cast, method, **fields):
    """A page as the administrator sees it."""
    answer = http.request(**addressed(world, method, request_of(method, **fields), cast(world).callers[ADMIN].token))
    assert answer.status_code == 200, answer.text
    return answer.json()


def sortable_of(world, cast, method):
    """By what a list can be sorted, as it tells who asks for something else."""
    request = request_of(method, order="nobody")
    refusal = http.request(**addressed(world, method, request, cast(world).callers[ADMIN].token)).json()
    return refusal["result"][0]["message"].partition("sortable: ")[2].split(", ")


def test_every_list_is_among_those_that_are_filled_here():
    assert MADE.keys() == LISTS.keys(), "say in MADE how to make five records for a list"


@each_list
def test_pages_are_parts_of_the_whole_in_every_order(world, cast, method):
    made = MADE[method.full_name](cast(world))
    for name in sortable_of(world, cast, method):
        rising, falling = (page_of(world, cast, method, **made, size=1000, order=f"{name}:{way}")["content"] for way in ("ASC", "DESC"))
        assert len(rising) == 5
        assert falling == rising[::-1], name
        if isinstance(rising[0][name], str):
            assert [each[name] for each in rising] == sorted((each[name] for each in rising), key=str.encode), name
        for size in (1, 2, 5, 6):
            whole, pages = [], -(-5 // size)
            for number in count(1):
                page = page_of(world, cast, method, **made, size=size, page=number, order=name)
                content = page.pop("content")
                whole += content
                assert page == {
                    "size": size,
                    "number": number - 1,
                    "number_of_elements": len(content),
                    "total_elements": 5,
                    "total_pages": pages,
                    "first": number == 1,
                    "last": number == pages,
                    "sort": None,
                }
                if page["last"]:
                    break
            assert whole == rising, (name, size)


@each_list
def test_a_list_shows_what_its_reader_may_get_and_nothing_else(world, cast, method):
    """For everybody who may call both."""
    record = method.output_type.fields_by_name["content"].message_type
    get = method.containing_service.methods_by_name[f"Get{record.name}"]
    made = MADE[method.full_name](cast(world))
    everything = page_of(world, cast, method, **made)["content"]
    for caller in cast(world).callers:
        answer = http.request(**addressed(world, method, request_of(method, **made), caller.token))
        if answer.status_code in (401, 403):
            continue
        listed = answer.json()
        got = []
        for each in everything:
            request = request_of(get, **{field.name: each[field.name] for field in get.input_type.fields})
            if all(DOORS[door](world, get, request, caller.token) == OK for door in DOORS):
                got.append(each)
        assert listed["content"] == got, caller.name
        assert listed["total_elements"] == len(got), caller.name


def test_on_postgresql_every_text_stands_in_the_order_of_its_bytes(world):
    """Whatever language the database was made for; SQLite knows no other order."""
    url = world.settings.database_url
    if url.startswith("postgresql"):
        sql = """SELECT DISTINCT c.collname FROM information_schema.columns t JOIN pg_attribute a
            ON a.attrelid = format('%I.%I', t.table_schema, t.table_name)::regclass AND a.attname = t.column_name
            JOIN pg_collation c ON c.oid = a.attcollation WHERE t.table_schema = 'public' AND t.table_name <> 'alembic_version'"""
    else:
        sql = "SELECT 'C' WHERE NOT EXISTS (SELECT 1 FROM sqlite_master WHERE sql LIKE '%COLLATE%')"

    assert asyncio.run(seen_from_outside(url, sql)) == [("C",)]


@each_list
def test_everything_shown_that_can_be_sorted_by_sorts(world, cast, method):
    """Whatever a list sorts by, a page far beyond its end is empty and tells the same total."""
    first = page_of(world, cast, method)
    for order in [f"{name}:{way}" for name in sortable_of(world, cast, method) for way in ("ASC", "DESC")]:
        page = page_of(world, cast, method, order=order, size=1000, page=2**31 - 1)
        assert (page["content"], page["last"], page["total_elements"]) == ([], True, first["total_elements"]), order

"""Every list of the contract keeps the same promises: its pages are parts of one whole in every order, it shows what its reader may get,
and what is wrong with size, page, order or a filter is refused by its name, at both doors."""

import asyncio
from itertools import count

import grpc
import pytest
from gamehall.options.v1 import options_pb2 as options
from gamehall_server.migrate import migrate
from gamehall_server.servicers import SERVICERS
from google.protobuf import message_factory
from google.rpc import error_details_pb2, status_pb2

from tests.contract.doors import DOORS, OK, addressed, http, published_refusal, request_of, rules_of
from tests.contract.filled import GIVEN, MADE
from tests.contract.test_access_matrix import concerned
from tests.databases import seen_from_outside, shared_postgres

METHODS = [method for servicer in SERVICERS for method in servicer.service.methods]


def lists_records(method):
    """A list of words is no list of records: tests/modules/test_tags.py."""
    fields = method.output_type.fields_by_name
    return "page_info" in fields and fields["content"].message_type is not None


LISTS = {method.full_name: method for method in METHODS if lists_records(method)}
each_list = pytest.mark.parametrize("method", LISTS.values(), ids=list(LISTS))
# The administrator of a cast, who reaches everything.
ADMIN = 3
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


# What a request for a list must have beside what makes it wrong: a kind that there is.
NEEDED = {"type_hint": "user", "name": "user"}


# Lists of what is a part of something, which must be there.
PARTS = {name for name in MADE if name.startswith(("gamehall.media.v1.VideoTalk", "gamehall.groups.v1.GroupMember", "gamehall.objects"))}


def needed_of(world, cast, method):
    """What every request for a list must have."""
    if method.full_name in PARTS:
        return MADE[method.full_name](cast(world))
    return {name: value for name, value in NEEDED.items() if name in method.input_type.fields_by_name}


def wrong_of(method):
    """(field, value) pairs that the list must refuse."""
    filters = [(field.name, field.GetOptions().Extensions[options.field].filter.match) for field in method.input_type.fields]
    return WRONG + [(name, WRONG_FILTERS[match]) for name, match in filters if match in WRONG_FILTERS]


@each_list
def test_a_wrong_word_is_refused_by_its_name_over_http(world, cast, method):
    token = cast(world).callers[ADMIN].token
    needed = needed_of(world, cast, method)
    for name, value in wrong_of(method):
        answer = http.request(**addressed(world, method, request_of(method, **needed, **{name: value}), token))

        assert published_refusal(answer) == ("INVALID_ARGUMENT", "INVALID_VALUE"), (name, value)
        assert [result["field"] for result in answer.json()["result"]] == [name], (name, value)


@each_list
def test_and_over_grpc(world, cast, method):
    token = cast(world).callers[ADMIN].token
    path = f"/{method.containing_service.full_name}/{method.name}"
    answer = message_factory.GetMessageClass(method.output_type)
    needed = needed_of(world, cast, method)
    for name, value in wrong_of(method):
        request = request_of(method, **needed, **{name: value})
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
    request = request_of(method, **needed_of(world, cast, method), order="nobody")
    refusal = http.request(**addressed(world, method, request, cast(world).callers[ADMIN].token)).json()
    return refusal["result"][0]["message"].partition("sortable: ")[2].split(", ")


def test_every_list_is_among_those_that_are_filled_here():
    assert MADE.keys() == LISTS.keys(), "say in MADE of filled.py how to make five records for a list"


@each_list
def test_pages_are_parts_of_the_whole_in_every_order(world, cast, method):
    made, total = MADE[method.full_name](cast(world)), GIVEN.get(method.full_name, 5)
    for name in sortable_of(world, cast, method):
        rising, falling = (page_of(world, cast, method, **made, size=1000, order=f"{name}:{way}")["content"] for way in ("ASC", "DESC"))
        assert len(rising) == total
        assert falling == rising[::-1], name
        if all(isinstance(each.get(name), str) for each in rising):
            told = [each[name] for each in rising]
            # An id that is a number stands in the order of numbers, although it is told as text.
            assert told == sorted(told, key=int if name == "id" and all(map(str.isdigit, told)) else str.encode), name
        # Where a page ends has nothing to do with the order that the records stand in.
        for size in (1, 2, total, total + 1) if name == "id" else (2,):
            whole, pages = [], -(-total // size)
            for number in count(1):
                page = page_of(world, cast, method, **made, size=size, page=number, order=name)
                content = page.pop("content")
                whole += content
                assert page == {
                    "size": size,
                    "number": number - 1,
                    "number_of_elements": len(content),
                    "total_elements": total,
                    "total_pages": pages,
                    "first": number == 1,
                    "last": number == pages,
                    "sort": None,
                }
                if page["last"]:
                    break
            assert whole == rising, (name, size)


def _of_type(field, value):
    return str(value) if field.type == field.TYPE_STRING else value


def getter_of(service, record):
    """The method that gives one such record."""
    given = [method for method in service.methods if method.name.startswith("Get")]
    shown = {method: [field.message_type.name for field in method.output_type.fields if field.message_type] for method in given}
    return next((method for method in given if shown[method] == [record]), None)


WITHOUT_GETTER = ("LocationLogEntry", "UserReference", "Comment", "Disposition", "Flag", "VideoRelationship", "VariableValue")


@each_list
def test_a_list_shows_what_its_reader_may_get_and_nothing_else(world, cast, method):
    """For everybody who may call both."""
    record = method.output_type.fields_by_name["content"].message_type
    get = getter_of(method.containing_service, record.name.removesuffix("Base"))
    if get is None:
        # Nobody asks for one of these, and nothing of them is private: whoever may call sees all.
        assert record.name in WITHOUT_GETTER
        return
    private = {field.name for field in record.fields if field.GetOptions().Extensions[options.field].private}
    made = MADE[method.full_name](cast(world))
    everything = page_of(world, cast, method, **made)["content"]
    for caller in concerned(method, cast(world).callers, method.full_name, *rules_of(get).policy.any, *rules_of(get).policy.own):
        answer = http.request(**addressed(world, method, request_of(method, **made), caller.token))
        if answer.status_code in (401, 403, 404):
            continue
        listed = answer.json()
        got = []
        for each in everything:
            told = {"user_id": each.get("user", {}).get("id"), "object_id": each.get("id"), **made, **each}
            known = [field for field in get.input_type.fields if field.name in told]
            request = request_of(get, **{field.name: _of_type(field, told[field.name]) for field in known})
            ends = [DOORS[door](world, get, request, caller.token) for door in DOORS]
            if ends[0].code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
                break
            if all(end == OK for end in ends):
                hidden = private if caller.holds.isdisjoint(rules_of(method).also) else ()
                got.append({name: value for name, value in each.items() if name not in hidden})
        else:
            assert listed["content"] == got, caller.name
            assert listed["total_elements"] == len(got), caller.name


COLLATIONS = """SELECT DISTINCT CASE c.collname WHEN 'default' THEN d.datcollate ELSE c.collname END
    FROM information_schema.columns t JOIN pg_database d ON d.datname = current_database()
    JOIN pg_attribute a ON a.attrelid = format('%I.%I', t.table_schema, t.table_name)::regclass AND a.attname = t.column_name
    JOIN pg_collation c ON c.oid = a.attcollation WHERE t.table_schema = 'public' AND t.table_name <> 'alembic_version'"""


@pytest.mark.parametrize("options", ["", "LOCALE 'C.UTF-8'"])
def test_on_postgresql_every_text_stands_in_the_order_of_its_bytes(options):
    """Whatever language the database was made for; SQLite knows no other order."""
    url = shared_postgres().fresh(options)
    migrate(url)

    assert asyncio.run(seen_from_outside(url, COLLATIONS)) == [("C",)]


def test_on_sqlite_every_text_stands_in_the_order_of_its_bytes(tmp_path):
    url = f"sqlite:///{tmp_path}/gamehall.db"
    migrate(url)

    assert asyncio.run(seen_from_outside(url, "SELECT 1 FROM sqlite_master WHERE sql LIKE '%COLLATE%'")) == []


@each_list
def test_everything_shown_that_can_be_sorted_by_sorts(world, cast, method):
    """Whatever a list sorts by, a page far beyond its end is empty and tells the same total."""
    needed = needed_of(world, cast, method)
    first = page_of(world, cast, method, **needed)
    for order in [f"{name}:{way}" for name in sortable_of(world, cast, method) for way in ("ASC", "DESC")]:
        page = page_of(world, cast, method, **needed, order=order, size=1000, page=2**31 - 1)
        assert (page["content"], page["last"], page["total_elements"]) == ([], True, first["total_elements"]), order

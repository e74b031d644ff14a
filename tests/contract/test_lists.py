"""Every list of the contract keeps the same promises: its pages are parts of one whole in every order, it shows what its reader may get,
and what is wrong with size, page, order or a filter is refused by its name, at both doors."""

import asyncio
from itertools import count

import grpc
import pytest
from gamehall.options.v1 import options_pb2 as options
from gamehall_server.main import SERVICERS
from gamehall_server.migrate import migrate
from gamehall_server.modules.templates.families import NAMES
from google.protobuf import message_factory
from google.rpc import error_details_pb2, status_pb2
from people import CANARIES, PASSWORD, fresh
from worlds import ADMIN_PASSWORD

from tests.contract.doors import DOORS, OK, addressed, http, published_refusal, request_of, rules_of
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


def some_permissions(cast):
    word = fresh("MADE_")
    for name in ("b", "B", "a", "c", "_b"):
        assert cast.admin.post("/auth/permissions", {"permission": f"{word}.{name}", "name": name.lower()}).status_code == 200
    return {"filter_permission": word}


def some_roles(cast):
    word = fresh("ROLE_MADE_")
    for name in ("b", "B", "a", "c", "_b"):
        assert cast.admin.post("/auth/roles", {"role": f"{word}.{name}", "name": name.lower()}).status_code == 201
    return {"filter_role": word}


def some_clients(cast):
    word = fresh("made.")
    for name in ("b", "B", "a", "c", "_b"):
        body = {"client_key": f"{word}.{name}", "name": name.lower(), "is_public": name == "b"}
        told = cast.admin.post("/auth/clients", body)
        assert told.status_code == 200
        CANARIES.update([told.json()["secret"]] if name != "b" else [])
    return {"filter_client_key": word}


def some_sessions(cast, username=None, password=PASSWORD):
    key = fresh("made.")
    told = cast.admin.post("/auth/clients", {"client_key": key, "name": key}).json()
    CANARIES.add(told["secret"])
    assert cast.admin.put(f"/auth/clients/{key}/grant-types", ["password"]).status_code == 204
    form = {"grant_type": "password", "client_id": key, "client_secret": told["secret"], "password": password}
    for _ in range(5):
        assert http.post(cast.owner.url + "/oauth/token", data={**form, "username": username or cast.owner.username}).status_code == 200
    return {"filter_client_id": key}


def some_own_sessions(cast):
    key = some_sessions(cast, cast.admin.username, ADMIN_PASSWORD)["filter_client_id"]
    return {"user_id": "me", "filter_client_id": key}


def some_locations(cast):
    username = fresh("new")
    made = cast.owner.post("/users", {"username": username, "email": f"{username}@example.com", "password": PASSWORD})
    form = {"grant_type": "password", "client_id": "web", "username": username, "password": PASSWORD}
    for _ in range(5):
        assert http.post(cast.owner.url + "/oauth/token", data=form).status_code == 200
    return {"user_id": made.json()["id"]}


def some_users(cast):
    word = fresh("word")
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        user = {"username": f"{word}{number}", "email": f"{word}{number}@example.com", "password": PASSWORD}
        shown = {"display_name": f"{word}{name}", "avatar_url": f"https://example.com/{name}"}
        assert cast.admin.post("/users", {**user, **shown}).status_code == 200
    return {"filter_search": word}


def some_providers(cast):
    issuer = f"https://{fresh('p')}.example.com"
    for number in range(5):
        provider = {"name": fresh("p"), "issuer": issuer, "client_id": f"client-{number % 2}"}
        assert cast.admin.post("/auth/providers", provider).status_code == 201
    return {"filter_issuer": issuer}


def some_devices(cast):
    word = fresh("made.")
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        device = {
            "id": f"{word}{number}",
            "name": name,
            "make": word,
            "os": "Ab"[number % 2],
            "device_type": "mobile_device" if number else None,
        }
        assert (cast.owner, cast.admin)[number % 2].post("/devices", device).status_code == 201
    return {"filter_make": word}


def some_entries(cast):
    made = cast.owner.post("/users", {"username": (name := fresh("new")), "email": f"{name}@example.com", "password": PASSWORD}).json()
    for word in ("b", "c", "a", "é", "b"):
        entry = {"action_name": word, "action_description": "made", "user_id": made["id"], "details": {"of": word}}
        assert cast.admin.post("/audit/logs", entry).status_code == 200
    return {"filter_user": made["id"]}


def some_templates(kind):
    def make(cast):
        word = fresh("word")
        for name in ("b", "B", "a", "é", "b"):
            assert cast.admin.post(f"/templates/{kind}", {"name": f"{word}{name}"}).status_code == 201
        return {"filter_name": word}

    return make


def some_categories(cast):
    word = fresh("word")
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        category = {"name": f"{word}{name}", "active": number != 1, "additional_properties": {"a": {"type": "text", "value": name}}}
        assert cast.admin.post("/categories", category).status_code == 201
    return {"filter_search": word}


def some_articles(cast):
    word = fresh("word")
    assert cast.admin.post("/categories", {"id": word, "name": "made"}).status_code == 201
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        article = {"title": name, "body": "x", "category": {"id": word}, "active": number != 1, "tags": [name, "x"]}
        assert cast.admin.post("/content/articles", article).status_code == 201
    return {"filter_category": word}


def some_addresses(cast):
    made = cast.owner.post("/users", {"username": (name := fresh("new")), "email": f"{name}@example.com", "password": PASSWORD}).json()
    for word in ("b", "B", "a", "é", "b"):
        address = {"name": word, "first_name": "A", "last_name": "B", "address1": "1", "city": "Oranjestad", "country_code": "ABW"}
        assert cast.admin.post(f"/users/{made['id']}/addresses", address).status_code == 201
    return {"user_id": str(made["id"])}


def some_relationships(cast):
    for each in cast.admin.get("/users/relationships", params={"size": 1000}).json()["content"]:
        assert cast.admin.delete(f"/users/relationships/{each['id']}").status_code == 204
    for context in ("b", "B", "a", "é", "c"):
        told = {"parent": {"id": cast.owner.id}, "child": {"id": cast.admin.id}, "context": context}
        assert cast.admin.post("/users/relationships", told).status_code == 201
    return {}


def some_dispositions(cast):
    word = fresh("word")
    for name in ("b", "B", "a", "é", "c"):
        assert cast.owner.post("/dispositions", {"context": "thing", "context_id": word, "name": name}).status_code == 200
    return {"filter_context": f"thing:{word}"}


def befriended(cast, friends):
    """Somebody whom five others have asked to be a friend, or who has said yes to them."""
    made = cast.owner.post("/users", {"username": (name := fresh("new")), "email": f"{name}@example.com", "password": PASSWORD}).json()
    for _ in range(5):
        other = cast.owner.post("/users", {"username": (name := fresh("new")), "email": f"{name}@example.com", "password": PASSWORD}).json()
        assert cast.admin.post(f"/users/{other['id']}/friends/{made['id']}").status_code == 200
        if friends:
            assert cast.admin.post(f"/users/{made['id']}/friends/{other['id']}").status_code == 200
    return {"user_id": str(made["id"])}


# How to make five records for a list, of which some may be hidden from some. Gives what the list must be asked to show just these.
MADE = {
    **{f"gamehall.templates.v1.{name}TemplateService.List{name}Templates": some_templates(kind) for name, kind in NAMES.items()},
    "gamehall.templates.v1.TemplateService.ListTemplatesOfKind": lambda cast: {"type_hint": "user", **some_templates("user")(cast)},
    "gamehall.categories.v1.CategoryService.ListCategories": some_categories,
    "gamehall.content.v1.ArticleService.ListArticles": some_articles,
    "gamehall.dispositions.v1.DispositionService.ListDispositions": some_dispositions,
    "gamehall.users.v1.AddressService.ListAddresses": some_addresses,
    "gamehall.users.v1.FriendshipService.ListFriends": lambda cast: befriended(cast, friends=True),
    "gamehall.users.v1.FriendshipService.ListInvites": lambda cast: befriended(cast, friends=False),
    "gamehall.users.v1.RelationshipService.ListRelationships": some_relationships,
    "gamehall.access.v1.ClientService.ListClients": some_clients,
    "gamehall.access.v1.PermissionService.ListPermissions": some_permissions,
    "gamehall.access.v1.RoleService.ListRoles": some_roles,
    "gamehall.auth.v1.IssuedTokenService.ListIssuedTokens": some_sessions,
    "gamehall.auth.v1.LocationLogService.ListLocations": some_locations,
    "gamehall.auth.v1.SessionService.ListSessions": some_own_sessions,
    "gamehall.comments.v1.CommentService.ListComments": some_comments,
    "gamehall.configs.v1.ConfigService.ListConfigs": some_configs,
    "gamehall.devices.v1.DeviceService.ListDevices": some_devices,
    "gamehall.logs.v1.UserLogService.ListUserLogs": some_entries,
    "gamehall.users.v1.UserService.ListUsers": some_users,
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


# What a request for a list must have beside what makes it wrong: a kind that there is.
NEEDED = {"type_hint": "user"}


def asked(method, **fields):
    return request_of(method, **{name: value for name, value in NEEDED.items() if name in method.input_type.fields_by_name}, **fields)


def wrong_of(method):
    """(field, value) pairs that the list must refuse."""
    filters = [(field.name, field.GetOptions().Extensions[options.field].filter.match) for field in method.input_type.fields]
    return WRONG + [(name, WRONG_FILTERS[match]) for name, match in filters if match in WRONG_FILTERS]


@each_list
def test_a_wrong_word_is_refused_by_its_name_over_http(world, cast, method):
    token = cast(world).callers[ADMIN].token
    for name, value in wrong_of(method):
        answer = http.request(**addressed(world, method, asked(method, **{name: value}), token))

        assert published_refusal(answer) == ("INVALID_ARGUMENT", "INVALID_VALUE"), (name, value)
        assert [result["field"] for result in answer.json()["result"]] == [name], (name, value)


@each_list
def test_and_over_grpc(world, cast, method):
    token = cast(world).callers[ADMIN].token
    path = f"/{method.containing_service.full_name}/{method.name}"
    answer = message_factory.GetMessageClass(method.output_type)
    for name, value in wrong_of(method):
        request = asked(method, **{name: value})
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
    request = asked(method, order="nobody")
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
        if all(isinstance(each.get(name), str) for each in rising):
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


def _of_type(field, value):
    return str(value) if field.type == field.TYPE_STRING else value


def getter_of(service, record):
    """The method that gives one such record."""
    given = [method for method in service.methods if method.name.startswith("Get")]
    shown = {method: [field.message_type.name for field in method.output_type.fields if field.message_type] for method in given}
    return next((method for method in given if shown[method] == [record]), None)


@each_list
def test_a_list_shows_what_its_reader_may_get_and_nothing_else(world, cast, method):
    """For everybody who may call both."""
    record = method.output_type.fields_by_name["content"].message_type
    get = getter_of(method.containing_service, record.name.removesuffix("Base"))
    if get is None:
        # Of a log nobody asks for one entry, and a reference has nothing that is private: whoever may call sees all.
        assert record.name in ("LocationLogEntry", "UserReference")
        return
    private = {field.name for field in record.fields if field.GetOptions().Extensions[options.field].private}
    made = MADE[method.full_name](cast(world))
    everything = page_of(world, cast, method, **made)["content"]
    for caller in cast(world).callers:
        answer = http.request(**addressed(world, method, request_of(method, **made), caller.token))
        if answer.status_code in (401, 403, 404):
            continue
        listed = answer.json()
        got = []
        for each in everything:
            told = {**made, **each}
            request = request_of(get, **{field.name: _of_type(field, told[field.name]) for field in get.input_type.fields})
            if all(DOORS[door](world, get, request, caller.token) == OK for door in DOORS):
                hidden = private if caller.holds.isdisjoint(rules_of(method).also) else ()
                got.append({name: value for name, value in each.items() if name not in hidden})
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
    needed = {name: value for name, value in NEEDED.items() if name in method.input_type.fields_by_name}
    first = page_of(world, cast, method, **needed)
    for order in [f"{name}:{way}" for name in sortable_of(world, cast, method) for way in ("ASC", "DESC")]:
        page = page_of(world, cast, method, **needed, order=order, size=1000, page=2**31 - 1)
        assert (page["content"], page["last"], page["total_elements"]) == ([], True, first["total_elements"]), order

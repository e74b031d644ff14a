"""Configs, through both doors: whose they are, what is built in, and how lists are searched."""

import logging

import pytest
from gamehall.configs.v1.configs_pb2 import Config, CreateConfigRequest, DeleteConfigRequest, GetConfigRequest, ListConfigsRequest
from gamehall.configs.v1.configs_pb2 import UpdateConfigRequest as Update
from gamehall_server.kit.storage import Query
from gamehall_server.modules.configs.tables import table
from gamehall_server.servicers import BUILT_INS
from people import fresh
from sqlalchemy import update
from worlds import World, settings_for, sqlite_url

from tests.contract.doors import published_refusal
from tests.databases import shared_postgres

SECRET_KEY = "social.google.secret_key"
HOURS = "invoice.processing_expiration_hours"
COUNTRY = "location.default_country"


@pytest.fixture
def add(admin):
    """Adds a config of the application's own and gives it as it was answered."""

    def add(**given):
        answer = admin.post("/configs", {"name": fresh("game."), **given})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return add


def put(person, name, value, **more):
    return person.put(f"/configs/{name}", {"name": name, "value": value, **more})


def refusal_of(answer):
    """Status, and what each wrong field is told."""
    return answer.status_code, {result["field"]: result["message"] for result in answer.json()["result"]}


@pytest.fixture
def as_before(admin):
    """Leaves the built-in configs as they were."""
    yield
    for built_in in BUILT_INS:
        assert admin.delete(f"/configs/{built_in.name}").status_code == 204


def test_a_config_is_private_with_nothing_in_it_unless_told(admin):
    name = fresh("game.")

    answer = admin.post("/configs", {"name": name})

    assert (answer.status_code, answer.json()) == (201, {"name": name, "value": "", "description": "", "public_read": False})


def test_everybody_signed_in_reads_a_public_one_and_administrators_a_private_one(ann, admin, nobody, add, world):
    public, private = add(value="yes", public_read=True), add(value="no")

    assert ann.get(f"/configs/{public['name']}").json() == public
    assert world.client("ROLE_USER").get(f"/configs/{public['name']}").json() == public
    assert admin.get(f"/configs/{private['name']}").json() == private
    assert ann.get(f"/configs/{private['name']}").status_code == 404
    assert nobody.get(f"/configs/{public['name']}").status_code == 401


def test_a_private_one_and_none_are_the_same_answer(ann, add):
    answers = [refusal_of(ann.get(f"/configs/{name}")) for name in (add()["name"], "game.none")]

    assert answers[0] == answers[1] == (404, {"name": "No config with this name."})


def test_a_list_has_what_its_reader_may_read(ann, admin, add):
    word = fresh("word")
    public, private = add(description=f"{word} one", public_read=True), add(description=f"{word} two")

    pages = [person.get(f"/configs?filter_search={word}").json() for person in (ann, admin)]

    assert [page["content"] for page in pages] == [[public], [public, private]]
    assert [page["total_elements"] for page in pages] == [1, 2]


def test_a_search_finds_any_part_of_name_or_description_in_any_case(admin, add):
    word = fresh("Größe")
    found = [add(description=f"the {word.lower()} of it"), add(name=f"game.{word}.x", value="-")]
    add(value=word)

    for search in (word, word.lower(), word.removeprefix("Größe").upper()):
        listed = admin.get("/configs", params={"filter_search": search}).json()["content"]
        assert sorted(listed, key=found.index) == found


@pytest.mark.parametrize("letter", ["%", "_", "/", "\\", "'", '"', "*"])
def test_a_search_takes_every_letter_as_it_is(admin, add, letter):
    word = fresh("word")
    found, _ = add(description=f"{word}{letter}x"), add(description=f"{word}.x")

    assert admin.get("/configs", params={"filter_search": f"{word}{letter}"}).json()["content"] == [found]


def test_pages_stand_by_name_or_as_told(admin, add):
    word = fresh("word")
    configs = sorted((add(description=f"{word} {number}", value=str(-number)) for number in range(5)), key=lambda each: each["name"])
    path = f"/configs?filter_search={word}&size=2"

    pages = [admin.get(f"{path}&page={page}").json() for page in (1, 2, 3, 4)]

    assert [page["content"] for page in pages] == [configs[:2], configs[2:4], configs[4:], []]
    assert [(page["total_elements"], page["total_pages"], page["last"]) for page in pages] == [
        (5, 3, False),
        (5, 3, False),
        (5, 3, True),
        (5, 3, True),
    ]
    assert admin.get(f"{path}&order=name:DESC").json()["content"] == configs[:-3:-1]
    assert refusal_of(admin.get(f"{path}&order=secret"))[0] == 400


def test_a_name_may_hold_dots_slashes_spaces_and_any_letter(admin, add):
    name = f"{fresh('a.b')}/c d%?#é🎲"
    path = "/configs/" + "".join(f"%{byte:02X}" for byte in name.encode())
    added = add(name=name, value="1")

    assert admin.get(path).json() == added
    assert admin.put(path, {"name": name, "value": "2"}).status_code == 204
    assert admin.get(path).json()["value"] == "2"
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404


def test_a_name_is_taken_once(admin, add):
    for name in (add()["name"], HOURS):
        assert refusal_of(admin.post("/configs", {"name": name, "value": "1"})) == (400, {"name": "already taken"})
    assert admin.get(f"/configs/{HOURS}").json()["value"] == "24"


def test_a_change_replaces_all_but_the_name(admin, add):
    name = add(value="old", description="old", public_read=True)["name"]

    assert put(admin, name, "new").status_code == 204
    assert admin.get(f"/configs/{name}").json() == {"name": name, "value": "new", "description": "", "public_read": False}
    assert refusal_of(admin.put(f"/configs/{name}", {"name": "other", "value": "x"}))[1].keys() == {"name"}
    assert put(admin, "game.none", "x").status_code == 404
    assert admin.delete("/configs/game.none").status_code == 404


def test_built_in_configs_are_listed_with_what_they_are_for(admin):
    for built_in in BUILT_INS:
        # Tests of what they are for set some.
        assert admin.delete(f"/configs/{built_in.name}").status_code == 204
    listed = {config["name"]: config for config in admin.get("/configs?size=1000").json()["content"]}

    assert {each.name for each in BUILT_INS} >= {"social_login_auto_create", SECRET_KEY, "email.out_address", COUNTRY}
    for built_in in BUILT_INS:
        config = listed[built_in.name]
        assert (config["value"], config["public_read"]) == (built_in.default, False)
        assert built_in.purpose in config["description"]
        assert 20 < len(config["description"]) <= 255
        built_in.kind.read(built_in.default)


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize(
    "name, right, wrong",
    [
        ("social_login_auto_create", ["true", "false"], ["", "True", "1", "yes"]),
        (HOURS, ["1", "8760", "007"], ["", "0", "-1", "8761", "1.5", "٣", "9" * 5000]),
        (
            "social.google.redirect_url",
            ["", "https://a.example/x?y", "http://localhost:1"],
            ["a.example", "ftp://a", "https://", "https://a b"],
        ),
        ("email.out_address", ["", "game@example.com"], ["game", "a@b@c.de", "@example.com"]),
        ("text.out_number", ["", "+15550100", "22333"], ["+", "call me", "+1 555"]),
        (COUNTRY, ["", "FRA"], ["fra", "FR", "XXX"]),
        ("social.google.client_id", ["", "x"], []),
    ],
)
def test_a_built_in_config_takes_values_of_its_kind(admin, name, right, wrong):
    for value in wrong:
        before = admin.get(f"/configs/{name}").json()
        status, told = refusal_of(put(admin, name, value))
        assert (status, told.keys()) == (400, {"value"}), value
        assert told["value"].startswith("must be ")
        assert admin.get(f"/configs/{name}").json() == before
    for value in right:
        assert put(admin, name, value).status_code == 204, value
        assert admin.get(f"/configs/{name}").json()["value"] == value


@pytest.mark.usefixtures("as_before")
def test_a_built_in_config_keeps_its_description_and_comes_back_when_deleted(admin, ann):
    before = admin.get(f"/configs/{HOURS}").json()

    assert put(admin, HOURS, "48", public_read=True, description="mine").status_code == 204
    assert ann.get(f"/configs/{HOURS}").json() == {**before, "value": "48", "public_read": True}
    assert admin.delete(f"/configs/{HOURS}").status_code == 204
    assert admin.get(f"/configs/{HOURS}").json() == before
    assert ann.get(f"/configs/{HOURS}").status_code == 404


@pytest.mark.usefixtures("as_before")
def test_a_secret_is_never_public_and_never_logged(admin, caplog):
    caplog.set_level(logging.DEBUG)
    secret = fresh("hush")

    assert refusal_of(put(admin, SECRET_KEY, secret, public_read=True))[1].keys() == {"public_read"}
    assert put(admin, SECRET_KEY, secret).status_code == 204
    assert admin.get(f"/configs/{SECRET_KEY}").json()["value"] == "********"
    assert secret not in caplog.text


@pytest.mark.usefixtures("as_before")
def test_the_product_goes_by_what_is_set_at_once(admin, nobody):
    told = []
    for value in ("FRA", "", "JPN"):
        assert put(admin, COUNTRY, value).status_code == 204
        told.append(nobody.get("/location/geolocation/country").text)
    admin.delete(f"/configs/{COUNTRY}")

    assert (told[0], told[2]) == ("FRA", "JPN")
    assert nobody.get("/location/geolocation/country").text == "USA"


def test_a_repeated_key_adds_once(admin):
    body = {"name": fresh("game."), "value": "1"}

    first, again = (admin.post("/configs", body, headers={"Idempotency-Key": body["name"]}) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()


def test_grpc_does_the_same(admin, ann, refused):
    name = fresh("game.")
    stub = admin.grpc.configs
    added = stub.CreateConfig(CreateConfigRequest(config=Config(name=name, value="1", public_read=True))).config

    assert ann.grpc.configs.GetConfig(GetConfigRequest(name=name)).config == added
    stub.UpdateConfig(Update(name=name, config=Config(name=name, value="2")))
    assert [each.value for each in stub.ListConfigs(ListConfigsRequest(filter_search=name)).content] == ["2"]
    with refused("NOT_FOUND"):
        ann.grpc.configs.GetConfig(GetConfigRequest(name=name))
    with refused("INVALID_ARGUMENT") as refusal:
        stub.UpdateConfig(Update(name=HOURS, config=Config(name=HOURS, value="soon")))
    assert refusal[0].details() == "must be a whole number from 1 to 8760"
    with refused("ALREADY_EXISTS"):
        stub.CreateConfig(CreateConfigRequest(config=Config(name=name)))
    stub.DeleteConfig(DeleteConfigRequest(name=name))
    with refused("NOT_FOUND"):
        stub.GetConfig(GetConfigRequest(name=name))


@pytest.mark.parametrize("engine", ["native", "grpcio"])
def test_another_process_learns_of_a_change(engine):
    """Two processes on one PostgreSQL database. Until it has learnt, the other goes by the old value."""
    url = shared_postgres().fresh()
    worlds = [World(settings_for(url, engine)) for _ in range(2)]
    try:
        assert put(worlds[0].admin(), COUNTRY, "FRA").status_code == 204
        here, there = (world.nobody() for world in worlds)
        at_once = here.get("/location/geolocation/country").text
        told = next(text for text in iter(lambda: there.get("/location/geolocation/country").text, "") if text != "USA")
    finally:
        for world in worlds:
            world.close()

    assert (at_once, told) == ("FRA", "FRA")


def test_what_was_set_is_there_after_a_restart(tmp_path):
    """A value that this version's kind does not take is not used; it stays until somebody mends it."""
    settings = settings_for(sqlite_url(tmp_path), "native")
    told = []
    for change in (lambda world: put(world.admin(), COUNTRY, "FRA"), lambda world: stored(world, "an old one"), lambda world: None):
        world = World(settings)
        told.append(world.nobody().get("/location/geolocation/country").text)
        change(world)
        last = world.admin().get(f"/configs/{COUNTRY}").json()["value"]
        world.close()

    assert told == ["USA", "FRA", "USA"]
    assert last == "an old one"


def stored(world, value):
    """Writes past everything, as an older version may have."""
    database = world.server.product.database
    change = Query(update(table).where(table.c.name == COUNTRY).values(value=value))
    world.inside(lambda: database.write(lambda db: db.run(change)))


def test_refusals_have_the_published_shape(ann, admin):
    assert published_refusal(ann.post("/configs", {"name": "x"})) == ("PERMISSION_DENIED", "FORBIDDEN")
    assert published_refusal(admin.post("/configs", {"value": "x"})) == ("INVALID_ARGUMENT", "REQUIRED")

"""The log, as operators read it: which call a line speaks of, and that no secret is in it."""

import io
import json
import logging
from base64 import b64encode

import pytest
from gamehall.comments.v1 import comments_pb2 as pb
from gamehall_server import servicers
from gamehall_server.kit.logs import HIDDEN, JsonLines, Lines, Redactor, log_to
from gamehall_server.modules.auth.servicer import Tokens
from gamehall_server.modules.comments.servicer import Comments
from gamehall_server.modules.groups.search import in_group
from gamehall_server.modules.users.servicer import Users
from people import PASSWORD, fresh
from worlds import World, settings_for, sqlite_url

from tests.databases import shared_postgres

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


class CarelessUsers(Users):
    """Tells its log everything."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.CreateUser = self.tell

    async def tell(self, request, call):
        """Falls over with the request in its hands."""
        raise RuntimeError(f"what shall I do with {request!r} of {call.arrival!r}?")


class CarelessTokens(Tokens):
    """Tells its log everything."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.CreateToken = self.tell

    async def tell(self, request, call):
        """Falls over with the request in its hands, in Python's words and as it is."""
        raise RuntimeError(f"{request.client_secret} and {request.refresh_token!r} and {call.arrival.authorization}")


class CarelessComments(Comments):
    """Falls over."""

    async def ListComments(self, request, call):
        """Divides by nothing."""
        return 1 / 0


@pytest.fixture(scope="module", params=["sqlite-native", "postgresql-grpcio"])
def world(request, tmp_path_factory):
    """A deployment of careless servicers, in which every call is slow."""
    database, engine = request.param.split("-")
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path_factory.mktemp("world"))
    careless = {Comments: lambda _: CarelessComments()}
    careless[Users] = lambda parts: CarelessUsers(parts.hasher, parts.rules, in_group())
    careless[Tokens] = lambda parts: CarelessTokens(parts.keys, parts.tools)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(servicers, "SERVICERS", {servicer: careless.get(servicer, make) for servicer, make in servicers.SERVICERS.items()})
        world = World(settings_for(url, engine, slow_call_seconds=1e-9))
    yield world
    world.close()


@pytest.fixture
def written(world):
    """Lines of both formats while the test runs, whatever else the process logs."""
    root = logging.getLogger()
    streams = {"text": io.StringIO(), "json": io.StringIO()}
    handlers = []
    for form, stream in streams.items():
        handler = logging.StreamHandler(stream)
        handler.setFormatter((JsonLines if form == "json" else Lines)(Redactor(world.settings.secrets)))
        handlers.append(handler)
        root.addHandler(handler)
    yield streams
    for handler in handlers:
        root.removeHandler(handler)


def lines(written, logger):
    """The JSON lines of a logger."""
    told = [json.loads(line) for line in written["json"].getvalue().splitlines()]
    return [line for line in told if line["logger"] == logger]


def test_a_bug_is_told_with_its_call(written, nobody):
    answer = nobody.get("/comments?context=a&context_id=b", headers={"traceparent": TRACEPARENT})

    bug = lines(written, "gamehall.invoke")[0]
    assert bug["request_id"] == answer.json()["request_id"] == answer.headers["x-request-id"]
    assert bug["rpc_method"] == "gamehall.comments.v1.CommentService/ListComments"
    assert (bug["trace_id"], bug["parent_id"], bug["severity"]) == (TRACE, PARENT, "ERROR")
    assert "ZeroDivisionError" in bug["exception"]
    assert f"[trace_id={TRACE}]" in written["text"].getvalue()


def test_over_grpc_as_well(written, nobody, refused):
    with refused("INTERNAL") as refusals:
        request = pb.ListCommentsRequest(context="a", context_id="b")
        nobody.grpc.comments.ListComments(request, metadata=(("traceparent", TRACEPARENT),))

    bug = lines(written, "gamehall.invoke")[0]
    assert bug["request_id"] == dict(refusals[0].trailing_metadata())["x-request-id"]
    assert bug["trace_id"] == TRACE


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        "00-" + "0" * 32 + f"-{PARENT}-01",
        f"00-{TRACE}-" + "0" * 16 + "-01",
        f"ff-{TRACE}-{PARENT}-01",
        TRACEPARENT.upper(),
        f"00-{TRACE}-{PARENT}",
        TRACEPARENT + "-more",
        "9" * 3000,
    ],
)
def test_a_traceparent_that_is_none_is_passed_over(written, nobody, given):
    assert nobody.get("/comments?context=a&context_id=b", headers={"traceparent": given}).status_code == 500

    assert "trace_id" not in lines(written, "gamehall.invoke")[0]


def test_a_traceparent_of_a_later_version_is_read(written, nobody):
    nobody.get("/comments?context=a&context_id=b", headers={"traceparent": f"01-{TRACE}-{PARENT}-00-more"})

    assert lines(written, "gamehall.invoke")[0]["trace_id"] == TRACE


def test_a_slow_call_is_told(written, nobody, refused):
    answer = nobody.get("/location/countries", headers={"traceparent": TRACEPARENT})
    with refused("UNAUTHENTICATED"):
        nobody.grpc.comments.CreateComment(pb.CreateCommentRequest())

    by_http, by_grpc = lines(written, "gamehall.slow")
    assert (by_http["door"], by_http["code"], by_http["severity"]) == ("http", "OK", "WARNING")
    assert (by_http["request_id"], by_http["trace_id"]) == (answer.headers["x-request-id"], TRACE)
    assert by_http["rpc_method"] == "gamehall.locations.v1.LocationService/ListCountries"
    assert 0 < by_http["seconds"] < 30
    assert (by_grpc["door"], by_grpc["code"]) == ("grpc", "UNAUTHENTICATED")


SECRET = 'a "very" söcret\\ passphrase'


def test_what_the_contract_calls_a_secret_stays_out(written, world, nobody):
    """A bug quotes its whole request: password and token of the call are in it, in every way that Python and protobuf write them."""
    name = fresh("careless")
    nobody.post(
        "/users", {"username": name, "email": "e@example.com", "password": "ordinary-words"}, headers={"Authorization": "Bearer canary-1"}
    )
    nobody.post("/users", {"username": name, "email": "e@example.com", "password": "ordinary-words"})
    form = {"grant_type": "refresh_token", "client_id": "web", "client_secret": SECRET, "refresh_token": SECRET[::-1]}
    nobody.session.post(world.url + "/oauth/token", data=form)
    form = {"grant_type": "client_credentials"}
    nobody.session.post(world.url + "/oauth/token", data=form, auth=("web", "the-canary-of-basic"))

    assert [bug["rpc_method"].partition("/")[2] for bug in lines(written, "gamehall.invoke")] == [
        "CreateUser",
        "CreateToken",
        "CreateToken",
    ]
    basic = b64encode(b"web:the-canary-of-basic").decode()
    for stream in written.values():
        told = stream.getvalue()
        assert name in told
        assert HIDDEN in told
        for secret in (basic, "ordinary-words", SECRET, SECRET[::-1], repr(SECRET)[1:-1], "canary-of-basic"):
            assert secret not in told


def test_a_deployments_own_secrets_stay_out():
    url = "postgresql://gamehall:p%40ss-of-the-database@db/gamehall"
    settings = settings_for(url, "native", admin_password="chief-of-all")
    clean = Redactor(settings.secrets).clean

    assert clean(f"connecting to {url}") == f"connecting to postgresql://gamehall:{HIDDEN}@db/gamehall"
    assert clean("p@ss-of-the-database, p%40ss-of-the-database, chief-of-all") == f"{HIDDEN}, {HIDDEN}, {HIDDEN}"


SHAPES = {
    "password=hunter2": f"password={HIDDEN}",
    '{"password": "hun\\"ter2", "id": 1}': f'{{"password": {HIDDEN}, "id": 1}}',
    "{'client_secret': 'x y', 'id': 1}": f"{{'client_secret': {HIDDEN}, 'id': 1}}",
    "refresh_token=abc&grant_type=x": f"refresh_token={HIDDEN}&grant_type=x",
    "Authorization: Bearer abcdefgh12345": f"Authorization: {HIDDEN}",
    "sent Bearer abcdefgh12345": f"sent Bearer {HIDDEN}",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln was refused": f"{HIDDEN} was refused",
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA": HIDDEN,
    "-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----": HIDDEN,
    "redis://user:pw@host": f"redis://user:{HIDDEN}@host",
    # What is none stays.
    "the password is too short": "the password is too short",
    "see http://localhost:8080/users?page=2 and a@example.com": "see http://localhost:8080/users?page=2 and a@example.com",
}


@pytest.mark.parametrize("text", SHAPES)
def test_what_looks_like_a_secret_stays_out(text):
    assert Redactor().clean(text) == SHAPES[text]


def test_a_format_that_is_none_is_refused():
    with pytest.raises(ValueError, match="GAMEHALL_LOG_FORMAT must be one of text, json"):
        log_to(io.StringIO(), "xml")


def test_the_suites_own_net_catches(canaries, watched_log):
    """Every line that the suite logs goes through the product's formatters, and is read for every secret that the suite made."""
    canaries.add("caught-by-the-net")
    try:
        logging.getLogger("gamehall.tests").warning("here is caught-by-the-net")
        assert [caught for caught in watched_log.caught if "caught-by-the-net" in caught]
    finally:
        canaries.discard("caught-by-the-net")
        watched_log.caught.clear()
    assert PASSWORD in canaries

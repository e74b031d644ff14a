"""The requests that the published guide prints, replayed as curl would send them, and its printed answers."""

import http.client
import json
import re
import shlex
import time
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import requests
from people import PASSWORD, fresh

COUNTRIES = "curl -X GET --header 'Accept: application/json' 'http://app_url/location/countries'"
PASSWORD_GRANT = "POST /oauth/token?grant_type=password&client_id=web&username=jdoe&password=68a4sd3sd"
CLIENT_GRANT = "POST /oauth/token grant_type=client_credentials&client_id=server-client-id&client_secret=1s31dfas65d4f3sa651c3s54f"
NEW_COMMENT = """curl -X POST \\
  https://app_url/comments \\
  -H 'authorization: Bearer XXXCURRENTKNETIKCLOUDTOKENXXXX' \\
  -H 'content-type: application/json' \\
  -d '{
	"context": "video",
	"context_id": "37",
	"content": "This video was very funny, but I hated it anyways!"
}'"""
COMMENTS = """curl -X GET \\
  'https://app_url/comments?context=video&context_id=37&page=1&size=25&order=created_date:ASC'"""

RESPONSE_HEADERS = {
    "pragma": "no-cache",
    "date": "Thu, 23 Feb 2017 04:02:44 GMT",
    "x-content-type-options": "nosniff",
    "content-type": "application/json;charset=UTF-8",
    "cache-control": "no-cache, no-store, max-age=0, must-revalidate",
    "content-length": "11608",
    "x-xss-protection": "1; mode=block",
    "x-application-context": "KnetikCloud:remote",
    "expires": "0",
}
# Not printed by the guide: what a caller tells support.
OURS = {"x-request-id"}
TOKEN = {"access_token": "25a0659c-6f4a-40bd-950e-0ba4af7acf0f", "token_type": "bearer", "expires_in": 2145660769, "scope": "write read"}
COMMENT = {
    "id": 1246453,
    "context": "video",
    "context_id": "37",
    "content": "This video was very funny, but I hated it anyways!",
    "summary": "This video was very funny, but I",
    "created_date": 1500297679,
    "updated_date": 1500297679,
    "user": {
        "id": 686721,
        "username": "Bob12465",
        "display_name": "BobTheCommentor",
        "avatar_url": "http://i.imgur.com/1LmDmct.jpg",
    },
}
PAGE = {
    "content": [COMMENT],
    "last": True,
    "total_pages": 1,
    "total_elements": 1,
    "first": True,
    "sort": None,
    "number_of_elements": 1,
    "size": 25,
    "number": 0,
}


class Request(NamedTuple):
    """What goes over the wire, without the headers that curl adds."""

    verb: str
    url: str
    headers: dict[str, str]
    body: bytes | None


class Answer(NamedTuple):
    """What comes back; header names as they were written."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def curl(line: str) -> Request:
    """What curl makes of a command line: the few options that the guide uses."""
    words = iter(shlex.split(line.replace("\\\n", " "))[1:])
    verb, url, headers, body = "GET", "", {"user-agent": "curl/7.88.1", "accept": "*/*"}, None
    for word in words:
        if word == "-X":
            verb = next(words)
        elif word in ("-H", "--header"):
            name, _, value = next(words).partition(":")
            headers[name.lower()] = value.strip()
        elif word == "-d":
            body = next(words).encode()
            headers.setdefault("content-type", "application/x-www-form-urlencoded")
        else:
            url = word
    return Request(verb, url, headers, body)


def printed(line: str) -> Request:
    """What the guide prints as a request line, with a form after the path where there is one."""
    verb, path, *form = line.split(" ")
    type = {"content-type": "application/x-www-form-urlencoded"} if form else {}
    return Request(verb, "http://app_url" + path, type, form[0].encode() if form else None)


def sent(world, request: Request, *, absolute: bool = False) -> Answer:
    """The answer of a deployment that calls itself app_url."""
    parts = urlsplit(request.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(world.url.removeprefix("http://"), timeout=60)
    connection.putrequest(request.verb, request.url if absolute else path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", parts.netloc)
    for name, value in request.headers.items():
        connection.putheader(name, value)
    if request.body is not None:
        connection.putheader("Content-Length", str(len(request.body)))
    connection.endheaders(request.body)
    answer = connection.getresponse()
    told = Answer(answer.status, answer.getheaders(), answer.read())
    connection.close()
    return told


def outline(value: Any) -> Any:
    """A value without its content: the keys in their order, and what kind each value is of."""
    if isinstance(value, dict):
        return [(key, outline(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [outline(inner) for inner in value]
    return type(value)


@pytest.fixture
def jdoe(world):
    """A user as the guide has one."""
    username = fresh("jdoe")
    person = {"username": username, "email": f"{username}@example.com", "password": "68a4sd3sd"}
    assert requests.post(world.url + "/users", json=person).status_code == 200
    return username


@pytest.fixture
def author(world):
    """The author whom the guide prints."""
    user = {**COMMENT["user"], "username": fresh("Bob"), "password": PASSWORD}
    user = requests.post(world.url + "/users", json={**user, "email": f"{user['username']}@example.com"}).json()
    return world.signed_in(user["username"], PASSWORD, user["id"])


@pytest.mark.parametrize("absolute", [False, True], ids=["path", "absolute"])
def test_the_first_request(world, absolute):
    answer = sent(world, curl(COUNTRIES), absolute=absolute)

    assert answer.status == 200
    assert answer.json()[:2] == [
        {"name": "Afghanistan", "iso2": "AF", "iso3": "AFG"},
        {"name": "Albania", "iso2": "AL", "iso3": "ALB"},
    ]
    assert {tuple(country) for country in answer.json()} == {("name", "iso2", "iso3")}


def test_the_headers_of_an_answer(world):
    answer = sent(world, curl(COUNTRIES))

    headers = {name.lower(): value for name, value in answer.headers}
    assert len(headers) == len(answer.headers)
    assert headers.keys() == RESPONSE_HEADERS.keys() | OURS
    varying = {"date", "content-length", *OURS}
    assert {name: headers[name] for name in headers.keys() - varying} == {
        name: value for name, value in RESPONSE_HEADERS.items() if name not in varying
    }
    assert int(headers["content-length"]) == len(answer.body)
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers["date"])
    assert abs(parsedate_to_datetime(headers["date"]).timestamp() - time.time()) < 60


def test_the_password_grant_in_the_query(world, jdoe):
    answer = sent(world, printed(PASSWORD_GRANT.replace("jdoe", jdoe)))

    # The guide's example is older than refresh tokens.
    refresh_token = answer.json().pop("refresh_token")
    assert answer.status == 200
    assert refresh_token
    assert outline(answer.json())[:4] == outline(TOKEN)
    assert [name for name, _ in outline(answer.json())[4:]] == ["refresh_token"]
    assert {**answer.json(), **{name: TOKEN[name] for name in ("token_type", "scope")}} == answer.json()


def test_the_client_credentials_grant(world):
    server = world.client("ROLE_USER")
    line = CLIENT_GRANT.replace("server-client-id", server.username).replace("1s31dfas65d4f3sa651c3s54f", server.refresh_token)

    answer = sent(world, printed(line))

    assert answer.status == 200
    assert outline(answer.json()) == outline(TOKEN)


def test_a_token_is_sent_as_a_bearer(world, ann):
    answer = sent(world, curl(f"curl -H 'Authorization: Bearer {ann.token}' https://app_url/me"))

    assert answer.json()["user_id"] == ann.id


def about(line: str, author) -> str:
    """The line with an object that nobody else speaks of, and the author's token."""
    return re.sub(r'(context_id(?:=|": "))37', rf"\g<1>{author.id}", line).replace("XXXCURRENTKNETIKCLOUDTOKENXXXX", author.token)


def test_a_new_comment(world, author):
    answer = sent(world, curl(about(NEW_COMMENT, author)))

    said = answer.json()
    assert answer.status == 200
    assert outline(said) == outline(COMMENT)
    assert said == {
        **COMMENT,
        "id": said["id"],
        "context_id": str(author.id),
        "created_date": said["created_date"],
        "updated_date": said["created_date"],
        "user": {**COMMENT["user"], "id": author.id, "username": author.username},
    }


def test_a_comment_of_a_server_has_no_author(world, author):
    answer = sent(world, curl(about(NEW_COMMENT, author).replace(author.token, world.client("ROLE_USER").token)))

    assert answer.json()["user"] is None


@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_the_comments(world, author, order):
    said = sent(world, curl(about(NEW_COMMENT, author))).json()

    answer = sent(world, curl(about(COMMENTS, author).replace("ASC", order)))

    assert answer.status == 200
    assert outline(answer.json()) == outline(PAGE)
    assert answer.json() == {**PAGE, "content": [said]}

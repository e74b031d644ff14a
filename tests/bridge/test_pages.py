"""What is served beside the RPCs, as routes like any other: the documents and Swagger UI."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin
from zipfile import ZipFile

import pytest
import requests
from gamehall_bridge.app import Bridge
from gamehall_bridge.documents import build

from tests.bridge.http_contract import Echo, Operation, call, rpcs_of

PAGES = ("/swagger-doc", "/openapi.json", "/swagger-ui/", "/swagger-ui/swagger-ui-bundle.js")
each_page = pytest.mark.parametrize("path", PAGES)
ORIGIN = b"https://game.example"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def bridge():
    return Bridge(Echo(rpcs_of(Operation("GET /things"))), origins=(ORIGIN.decode(),))


class Addresses(HTMLParser):
    """Everything that a page refers to."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href")]


def test_the_wheels_have_everything_that_pages_are_made_of(tmp_path):
    for project in (ROOT, ROOT / "clients/python/contract"):
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
        subprocess.run(build, cwd=project, check=True, capture_output=True)
    packed = {name: ZipFile(wheel).read(name) for wheel in tmp_path.glob("*.whl") for name in ZipFile(wheel).namelist()}
    made_of = {f"gamehall_bridge/documents/ui/{path.name}": path for path in (ROOT / "bridge/gamehall_bridge/documents/ui").iterdir()}
    made_of["gamehall/descriptions.json"] = ROOT / "generated/gamehall/descriptions.json"

    assert [name for name, path in made_of.items() if packed[name] != path.read_bytes()] == []


def test_everything_the_page_refers_to_is_there(url):
    page = requests.get(f"{url}/swagger-ui/")
    start = requests.get(f"{url}/swagger-ui/start.js").text
    addresses = Addresses(page.text).found

    assert page.headers["content-type"] == "text/html;charset=UTF-8"
    assert {"swagger-ui-bundle.js", "start.js", "swagger-ui.css", "page.css", "favicon-32x32.png"} <= set(addresses)
    for address in addresses:
        assert requests.get(urljoin(page.url, address)).status_code == 200, address
    for document in re.findall(r"\?doc=([\w.-]+)", page.text):
        assert document in start
        assert requests.get(urljoin(page.url, f"../{document}")).json()["info"]["title"] == "Gamehall"


@pytest.mark.parametrize("path", ["/swagger-ui", "/swagger-ui.html"])
def test_other_addresses_lead_to_the_page(url, path):
    answer = requests.get(url + path)

    assert [each.status_code for each in answer.history] == [308]
    assert answer.url == f"{url}/swagger-ui/"


@pytest.mark.parametrize("path", ["/swagger-ui/", "/swagger-ui/start.js"])
def test_the_page_runs_nothing_but_its_own(url, path):
    policy = requests.get(url + path).headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


@each_page
def test_a_page_is_sent_once_and_then_asked_for_again(url, path):
    first = requests.get(url + path)
    again = requests.get(url + path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    other = requests.get(url + path, headers={"If-None-Match": '"other"'})

    assert first.status_code == other.status_code == 200
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert "no-store" not in first.headers["cache-control"]
    assert "pragma" not in first.headers


@each_page
def test_head_is_get_without_the_body(url, path):
    whole, head = requests.get(url + path), requests.head(url + path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.headers["x-content-type-options"] == "nosniff"
    assert head.headers["x-request-id"]


@each_page
def test_another_method_is_refused_as_everywhere(bridge, path):
    refused, options = call(bridge, "POST", path), call(bridge, "OPTIONS", path)

    assert (refused.status, refused.header("allow")) == (405, "GET, HEAD, OPTIONS")
    assert refused.json()["code"] == 22
    assert (options.status, options.header("allow")) == (204, "GET, HEAD, OPTIONS")


@each_page
def test_browsers_read_it_as_they_read_answers(bridge, path):
    listed = call(bridge, "GET", path, headers=[(b"origin", ORIGIN)])
    other = call(bridge, "GET", path, headers=[(b"origin", b"https://other.example")])

    assert listed.header("access-control-allow-origin") == ORIGIN.decode()
    assert other.header("access-control-allow-origin") is None


@pytest.mark.parametrize(
    "path", ["/swagger-ui/..", "/swagger-ui/README.md", "/swagger-ui/../pages.py", "/swagger-ui/%2e%2e/pages.py", "/swagger-doc/"]
)
def test_nothing_else_is_there(bridge, path):
    assert call(bridge, "GET", path).status == 404


@pytest.mark.parametrize(
    "host, told",
    [
        (b"play.example:8443", "http://play.example:8443/oauth/token"),
        (b"[::1]:8080", "http://[::1]:8080/oauth/token"),
        (b'evil","x":"', "http://localhost/oauth/token"),
        (b"", "http://localhost/oauth/token"),
    ],
)
def test_swagger_tells_the_token_endpoint_where_it_was_found(bridge, host, told):
    document = call(bridge, "GET", "/swagger-doc", headers=[(b"host", host)]).json()

    assert {flow["tokenUrl"] for flow in document["securityDefinitions"].values() if "tokenUrl" in flow} == {told}


def test_a_document_is_made_at_its_first_request_and_once(monkeypatch):
    made = []
    write = build.orjson.dumps

    class Counted:
        @staticmethod
        def dumps(value):
            made.append(value)
            return write(value)

    monkeypatch.setattr(build, "orjson", Counted)
    bridge = Bridge(Echo(rpcs_of(Operation("GET /things"))))
    assert made == []

    with ThreadPoolExecutor(4) as readers:
        answers = list(readers.map(lambda _: call(bridge, "GET", "/openapi.json"), range(8)))

    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == len(made) == 1

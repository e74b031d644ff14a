"""The login page in a real browser: by the keyboard alone, as a screen reader is told it, and as other sites try to use it."""

import shutil
import threading
from collections.abc import Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from people import CANARIES, PASSWORD
from worlds import ISSUER

from tests.modules.oauth_stage import Stage, challenge_of
from tests.sdk.test_node_clients import node

CHROMIUM = shutil.which("chromium")
DRIVER = Path(__file__).parent / "node_modules" / "playwright-core"
pytestmark = pytest.mark.skipif(CHROMIUM is None or not DRIVER.is_dir(), reason="needs chromium and `npm ci --prefix tests/sdk`")
VERIFIER = "a verifier of the application".replace(" ", "-") + "-" * 20


class Site:
    """The application's own address, and an attacker's: pages by path. The names 127.0.0.1 and localhost are two sites."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.pages.get(self.path, "<!DOCTYPE html><title>there</title><link rel=icon href=data:,>").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *told: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = self.server.server_port


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def seen(world, site):
    """What the browser saw."""
    stage = Stage(world)
    back = f"http://127.0.0.1:{site.port}/signed-in"
    asked = stage.request(redirect_uri=back, code_challenge=challenge_of(VERIFIER), scope="read")
    page = f"{world.url}/oauth/authorize?{urlencode(asked)}"
    fields = {**asked, "username": stage.ann.username, "password": PASSWORD, "decision": "allow"}
    hidden = "".join(f'<input type=hidden name="{name}" value="{escape(value)}">' for name, value in fields.items())
    icon = "<!DOCTYPE html><link rel=icon href=data:,>"
    site.pages["/"] = f'{icon}<form method=post action="{world.url}/oauth/authorize">{hidden}<button>Win</button></form>'
    site.pages["/framed"] = f'{icon}<iframe src="{escape(page)}"></iframe>'
    elsewhere = f"http://localhost:{site.port}/"
    saw = node("login_page.js", url=page, back=back, elsewhere=elsewhere, chromium=CHROMIUM, username=stage.ann.username, password=PASSWORD)
    return stage, back, saw


def test_the_login_page_in_a_browser(seen):
    """One start of Chromium, and everything that is to be seen there."""
    stage, back, saw = seen
    first = saw["signedIn"]

    # As a screen reader reads it: landmark, heading, labelled fields, buttons that say what they do.
    tree = first["tree"]
    name = f"The {stage.app}"
    for line in (
        "- main:", f'- heading "Sign in to go on to {name}" [level=1]', '- textbox "User name"', '- textbox "Password"',
        "- listitem: See what you can see here", f'- button "Sign in and allow {name}"', '- button "Cancel"',
    ):  # fmt: skip
        assert line in tree
    assert "Change and do" not in tree
    assert first["facts"] == {"language": "en", "title": f"Sign in - {name}", "wide": True, "styled": True}
    assert first["labels"] == ["username", "password"]
    assert first["order"] == ["username", "password", "allow", "deny"]

    # A mistake is announced, its field has the focus, and nothing secret is in the address.
    assert first["alert"] == "Wrong user name or password."
    again = first["again"]
    assert (again["focus"], again["name"], again["told"]) == ("password", stage.ann.username, "wrong")
    assert (again["address"], again["title"]) == (f"{stage.world.url}/oauth/authorize", f"Not signed in - {name}")

    # The way back, and what comes of it.
    told = {key: values[0] for key, values in parse_qs(urlsplit(first["went"]).query).items()}
    assert (set(told), told["state"], told["iss"]) == ({"code", "state", "iss"}, "af0 ifjsldkj/&=", ISSUER)
    CANARIES.add(told["code"])
    tokens = stage.exchange(told["code"], redirect_uri=back, code_verifier=VERIFIER).json()
    assert tokens["scope"] == "read"
    assert stage.opens(tokens["access_token"])
    assert parse_qs(urlsplit(saw["denied"]).query)["error"] == ["access_denied"]

    # Nothing was refused to the page itself, and nothing was left in the browser.
    assert saw["signedInComplaints"] == saw["deniedComplaints"] == []
    assert [saw[f"{part}Cookies"] for part in ("signedIn", "denied", "forged", "framed")] == [0, 0, 0, 0]

    # Other sites.
    assert saw["forged"] == {"told": "This form was sent by another site.", "address": f"{stage.world.url}/oauth/authorize"}
    assert saw["framed"] == 0
    assert any("frame-ancestors" in complaint for complaint in saw["framedComplaints"])

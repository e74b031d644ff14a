"""Mail: what leaves by SMTP, what a refusal does, and that nobody writes headers into it."""

import asyncio
import ssl
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from gamehall_server.kit.dispatch import GiveUp
from gamehall_server.modules.mail import Folder, Letter, Smtp, Templates
from hypothesis import given
from hypothesis import strategies as st

VALUES = {"id": "7", "code": "the-code", "link": "", "name": "Ann", "minutes": "30"}
LETTER = Letter("ann@example.com", "forgot_password", VALUES)


class Post:
    """What a server took, and what it answers."""

    def __init__(self):
        self.taken = []
        self.answer = "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.taken.append(envelope)
        return self.answer


class OnAnyPort(Controller):
    """A server on a free port. It looks whether it answers there before it says that it has started."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def post():
    handler = Post()
    controller = OnAnyPort(handler, hostname="127.0.0.1", port=0)
    controller.start()
    handler.port = controller.port
    yield handler
    controller.stop()


def send(way, letter=LETTER, templates=None):
    message = (templates or Templates()).message(letter, "game@example.com", "1.2")
    asyncio.run(way.send(message, "1.2"))


def test_a_letter_arrives(post):
    send(Smtp(f"smtp://127.0.0.1:{post.port}"))

    (envelope,) = post.taken
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("game@example.com", ["ann@example.com"])
    assert (message["Subject"], message["Message-ID"]) == ("Your code for a new password", "<1.2@example.com>")
    assert "    the-code" in message.get_content()


def test_a_refusal_for_good_is_given_up_and_one_for_now_is_not(post):
    way = Smtp(f"smtp://127.0.0.1:{post.port}")
    post.answer = "550 ann@example.com is not here"
    with pytest.raises(GiveUp):
        send(way)
    post.answer = "451 come back later, ann@example.com"
    with pytest.raises(ConnectionError) as refusal:
        send(way)

    # The address stays out of logs.
    assert "ann" not in str(refusal.value)


def test_a_password_goes_to_nobody_who_did_not_prove_who_they_are(post):
    seen = []
    post.auth = lambda *arguments: seen.append(arguments) or AuthResult(success=True)

    # It offers no TLS.
    with pytest.raises(Exception, match=r"(?i)tls"):
        send(Smtp(f"smtp://user:secret@127.0.0.1:{post.port}"))

    assert (seen, post.taken) == ([], [])


def test_a_server_that_is_not_there_is_tried_again_later(post):
    with pytest.raises((OSError, ssl.SSLError, Exception)) as refusal:
        send(Smtp("smtp://127.0.0.1:1"))

    assert not isinstance(refusal.value, GiveUp)


def test_without_a_server_mail_is_a_file_for_its_owner_alone(tmp_path):
    send(Folder(tmp_path / "mail"))
    send(Folder(tmp_path / "mail"))

    (file,) = (tmp_path / "mail").iterdir()
    assert (file.name, file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == ("1.2.eml", 0o600, 0o700)
    assert message_from_bytes(file.read_bytes(), policy=policy.default)["To"] == "ann@example.com"


@given(name=st.text(), sign=st.sampled_from(["\r\nBcc: eve@example.com", "\nBcc: eve@example.com", "\r", "\n\n", "\0", "\u2028", ""]))
def test_nobody_writes_headers_into_a_letter(tmp_path_factory, name, sign):
    folder = tmp_path_factory.mktemp("templates")
    (folder / "forgot_password.txt").write_text("Subject: Hello $name\n\n$code for $name\n")
    letter = Letter("ann@example.com", "forgot_password", {**VALUES, "name": name + sign + name})

    sent = message_from_bytes(bytes(Templates(str(folder)).message(letter, "game@example.com", "1.2")), policy=policy.default)

    assert sorted(set(sent.keys())) == sorted(
        ["From", "To", "Subject", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]
    )
    assert sent["Bcc"] is None
    assert sent["Subject"].startswith("Hello")


@pytest.mark.parametrize("address", ["ann@example.com\r\nBcc: eve@example.com", "ann@example.com, eve@example.com", "", "ann"])
def test_what_is_no_address_makes_no_letter(address):
    with pytest.raises((ValueError, IndexError, Exception)):
        Templates().message(LETTER._replace(to=address), "game@example.com", "1.2")["To"].addresses[1]


@pytest.mark.parametrize(
    "text", ["Hello\n\n$code", "Subject: a\nBcc: eve@example.com\n\n$code", "Subject: $\n\n", "Subject: a\n\n$password"]
)
def test_a_template_that_cannot_be_used_stops_the_start(tmp_path, text):
    (tmp_path / "forgot_password.txt").write_text(text)

    with pytest.raises(ValueError, match=r"forgot_password\.txt"):
        Templates(str(tmp_path))


@pytest.mark.parametrize("url", ["http://mail", "smtp://", "mail:25", "smtp://mail/folder", "smtp://mail?tls=1"])
def test_what_is_no_server_stops_the_start(url):
    with pytest.raises(ValueError, match="GAMEHALL_SMTP_URL"):
        Smtp(url)

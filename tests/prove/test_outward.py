"""The proofs of what goes out, and of texts that would be more, in their short form."""

import base64
import shutil
import socket
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from prove import escapes, payloads, signatures, ssrf
from prove.ground import ground
from prove.proof import Found, Missing
from prove.targets import OWN, PUBLIC, is_special, targets
from tests.databases import shared_postgres

NEEDS_NODE = pytest.mark.skipif(
    shutil.which("node") is None or not (signatures.SDK / "node_modules").is_dir(), reason="needs node and `npm ci --prefix tests/sdk`"
)


@pytest.fixture
def found():
    return Found()


def test_no_url_leads_inside(found):
    wanted = targets()
    assert len(wanted) >= ssrf.LEAST
    ssrf.asked(found, wanted[::6])
    ssrf.redirected(found, wanted[::12])

    assert not found.wrong
    assert found.counts["connections to public addresses seen"] == 4 * len(PUBLIC)
    assert found.counts["sockets to what is not public"] == found.counts["redirects followed"] == 0


def test_the_hook_would_see_a_socket_to_what_is_not_public(found):
    with ssrf.HOOK.watching() as seen, socket.socket() as made, socket.socket(type=socket.SOCK_DGRAM) as sent:
        with pytest.raises(ConnectionRefusedError):
            made.connect(("10.0.0.1", 80))
        with pytest.raises(ConnectionRefusedError):
            sent.sendto(b"", ("10.0.0.2", 53))

    assert seen == ["10.0.0.1", "10.0.0.2"]
    assert all(map(is_special, (*OWN, "fe80::1%1", "::ffff:10.0.0.1", "64:ff9b::a00:1")))
    assert not any(map(is_special, PUBLIC))


@NEEDS_NODE
def test_posts_are_believed_as_they_were_sent_and_not_otherwise(found):
    signatures.signed(found, 2, seed=1)

    assert not found.wrong
    assert found.counts["another byte of the body: posts"] > 500


@NEEDS_NODE
def test_every_judge_tells_good_from_bad(found):
    """A post that anybody may believe: each judge does, but the one whose key it was not signed with."""
    secret = "whsec_" + base64.b64encode(bytes(32)).decode()
    now = datetime.now(UTC)
    headers = {"webhook-id": "a", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": Webhook(secret).sign("a", now, "{}")}
    post = signatures.Post((secret,), "whpk_" + base64.b64encode(bytes(32)).decode(), headers, b"{}")

    (told,) = signatures.verdicts([post])
    assert [told[name] for name in (*signatures.JUDGES, *signatures.NODE)] == [{0}, {0}, {0}, set()]
    signatures.judged(found, [post], "as if it were bad", set())
    assert found.wrong


def test_without_node_the_proof_says_what_it_lacks(monkeypatch):
    monkeypatch.setattr(signatures.shutil, "which", lambda name: None)

    with pytest.raises(Missing, match="npm ci"):
        signatures.verdicts([])


def test_texts_are_texts(found):
    with ground("postgresql", shared_postgres()) as on:
        escapes.escaped(found, on, 1_000, 1, timed=False)

    assert not found.wrong
    assert sum(number for what, number in found.counts.items() if what.startswith("payloads: ")) == 1_000
    assert all(found.counts[f"taken: {where}"] > 20 for where in ("trees that are tried", "trees that are written", "lists"))


def test_every_payload_is_marked_and_what_is_harmless_is_not():
    assert all(payloads.MARK in payloads.Maker(seed).text() for seed in range(100))
    assert payloads.Maker(1, harmless=True).text() == "plain"
    assert not any(leak in piece.encode() for leak in payloads.LEAKS for piece in payloads.PIECES)

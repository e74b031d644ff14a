"""Files: sent to an address that is signed for one of them, and read by whoever knows where it is."""

from urllib.parse import urlsplit

import pytest
import requests
from gamehall_server.kit.signed_addresses import Signer
from hypothesis import given
from hypothesis import strategies as st

from tests.modules.templated import refused_for

FILM = bytes(range(256)) * 700


def asked(person, filename="a film.mp4", content_type="video/mp4"):
    answer = person.get("/amazon/s3/signedposturl", params={"filename": filename, "content_type": content_type})
    assert answer.status_code == 200, answer.text
    return answer.json()


def here(world, url):
    """The address as it is reached in tests, where the deployment's own name is nowhere."""
    parts = urlsplit(url)
    assert parts.netloc == "game.example"
    return f"{world.url}{parts.path}{'?' if parts.query else ''}{parts.query}"


def send(world, url, content=FILM, content_type="video/mp4"):
    return requests.put(here(world, url), data=content, headers={"Content-Type": content_type})


def test_what_is_sent_is_read(world, ann):
    upload = asked(ann)

    assert (upload["action"], upload["filename"], upload["user_id"]) == ("PUT", "a film.mp4", ann.id)
    assert upload["object_key"].endswith("/a_film.mp4")
    assert requests.get(here(world, upload["cdn_url"])).status_code == 404
    sent = send(world, upload["url"])
    assert (sent.status_code, sent.content) == (200, b"")
    read = requests.get(here(world, upload["cdn_url"]))
    assert (read.status_code, read.content, read.headers["content-type"]) == (200, FILM, "video/mp4")
    assert (read.headers["x-content-type-options"], read.headers["content-disposition"]) == ("nosniff", "inline")
    looked = requests.head(here(world, upload["cdn_url"]))
    assert (looked.headers["content-length"], looked.content) == (str(len(FILM)), b"")


@pytest.mark.parametrize(
    "wanted, status, content",
    [
        ("bytes=0-9", 206, FILM[:10]),
        ("bytes=1000-", 206, FILM[1000:]),
        ("bytes=-5", 206, FILM[-5:]),
        (f"bytes={len(FILM) - 1}-{len(FILM) + 9}", 206, FILM[-1:]),
        ("lines=1-2", 200, FILM),
        ("bytes=0-1,3-4", 200, FILM),
    ],
)
def test_a_player_reads_a_part(world, ann, wanted, status, content):
    upload = asked(ann)
    send(world, upload["url"])

    read = requests.get(here(world, upload["cdn_url"]), headers={"Range": wanted})

    assert (read.status_code, read.content) == (status, content)


def test_there_is_no_part_behind_the_end(world, ann):
    upload = asked(ann)
    send(world, upload["url"], b"abc")

    read = requests.get(here(world, upload["cdn_url"]), headers={"Range": "bytes=3-9"})

    assert (read.status_code, read.headers["content-range"]) == (416, "bytes */3")


def test_an_address_is_good_for_one_file_of_one_type(world, ann):
    upload, other = asked(ann), asked(ann)
    query = urlsplit(upload["url"]).query

    assert send(world, upload["url"], content_type="text/html").status_code == 403
    assert send(world, other["cdn_url"] + "?" + query).status_code == 403
    assert send(world, upload["cdn_url"]).status_code == 403
    assert send(world, upload["url"].replace("X-Amz-Expires=900", "X-Amz-Expires=90000")).status_code == 403
    assert requests.get(here(world, upload["url"])).status_code == 403
    for file in (upload, other):
        assert requests.get(here(world, file["cdn_url"])).status_code == 404


def test_a_file_that_is_too_large_leaves_nothing(world, ann):
    upload = asked(ann)

    told = send(world, upload["url"], b"x" * 1_000_001)
    assert (told.status_code, told.json()["result"][0]["message"]) == (413, "The file is larger than 1000000 bytes.")
    pieces = requests.put(here(world, upload["url"]), data=(b"x" * 100_000 for _ in range(11)), headers={"Content-Type": "video/mp4"})
    assert pieces.status_code == 413
    assert requests.get(here(world, upload["cdn_url"])).status_code == 404
    assert send(world, upload["url"], b"x" * 1_000_000).status_code == 200


def test_a_page_that_somebody_uploads_runs_nowhere(world, ann):
    upload = asked(ann, "page.html", "text/html")
    send(world, upload["url"], b"<script>alert(1)</script>", "text/html")

    read = requests.get(here(world, upload["cdn_url"]))

    assert read.headers["content-disposition"] == "attachment"
    assert read.headers["content-security-policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize("filename", ["../../etc/passwd", ".hidden", "a/b\\c", "\u00e9\u4e2d.png", "..", "x" * 255])
def test_whatever_it_is_called_it_stays_in_its_folder(world, ann, filename):
    upload = asked(ann, filename)

    assert upload["object_key"].count("/") == 2
    assert send(world, upload["url"]).status_code == 200
    assert requests.get(here(world, upload["cdn_url"])).content == FILM


@pytest.mark.parametrize(
    "path", ["", "gamehall", "gamehall/../x", "gamehall/.types/x", ".types/gamehall/x", "gamehall//x", "gamehall/%2e%2e/x"]
)
def test_no_other_path_is_a_file(world, path):
    assert requests.Session().get(world.url + "/files/" + path).status_code in (400, 403, 404)


def test_an_administrator_gives_an_address_to_read_at(world, ann, admin):
    upload = asked(ann)
    send(world, upload["url"])

    told = admin.get("/amazon/s3/downloadurl", params={"path": upload["object_key"], "expiration": 5})
    assert told.status_code == 200
    assert requests.get(here(world, told.text)).content == FILM
    assert requests.get(here(world, told.text.replace("Expires=5", "Expires=6"))).status_code == 403
    assert ann.get("/amazon/s3/downloadurl", params={"path": "x"}).status_code == 403
    assert list(refused_for(admin.get("/amazon/s3/downloadurl", params={"path": "x", "expiration": 0}))) == ["expiration"]


# The example of Amazon's own documents.
EXAMPLE = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
AT = 1_369_353_600
SIGNED = EXAMPLE.address("GET", "https://examplebucket.s3.amazonaws.com/test.txt", 86400, AT)


def test_addresses_are_signed_as_amazon_signs_them():
    assert "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404&" in SIGNED


@given(st.integers(0, len(urlsplit(SIGNED).query) - 1), st.sampled_from("aA0%&=;"), st.integers(-300, 86400))
def test_an_address_with_another_letter_is_no_good(at, letter, later):
    parts = urlsplit(SIGNED)
    changed = parts.query[:at] + letter + parts.query[at + 1 :]

    def good(query, now=AT + later, method="GET"):
        return EXAMPLE.allows(method, parts.netloc, parts.path, query, {}, now)

    assert good(parts.query)
    assert not good(parts.query, AT + 86401)
    assert not good(parts.query, AT - 301)
    assert not good(parts.query, method="PUT")
    assert changed == parts.query or not good(changed)

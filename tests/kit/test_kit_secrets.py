"""Secrets at rest: what is sealed opens in its own place alone, and the root key is nobody else's."""

import base64
import os

import pytest
from gamehall_server.kit.secrets import Secrets, Unreadable, generated, kept_in

ROOT, OTHER = generated(), generated()


def test_what_is_sealed_opens_again_and_tells_nothing():
    secrets = Secrets([ROOT])
    sealed = [secrets.seal("provider", 7, "a word of ours, é") for _ in range(2)]

    assert sealed[0] != sealed[1]
    assert all("word" not in text and b"word".hex() not in base64.urlsafe_b64decode(text.rpartition(".")[2]).hex() for text in sealed)
    assert [Secrets([ROOT]).open("provider", 7, text) for text in sealed] == ["a word of ours, é"] * 2


@pytest.mark.parametrize(
    "purpose, id, root", [("provider", 8, ROOT), ("signing key", 7, ROOT), ("provider", 7, OTHER)], ids=["id", "purpose", "key"]
)
def test_elsewhere_and_with_another_key_it_stays_shut(purpose, id, root):
    sealed = Secrets([ROOT]).seal("provider", 7, "word")

    with pytest.raises(Unreadable):
        Secrets([root]).open(purpose, id, sealed)


def test_every_change_of_a_single_byte_is_found():
    secrets = Secrets([ROOT])
    sealed = secrets.seal("provider", 7, "word")

    for at in range(len(sealed)):
        for other in "Ax.=\0":
            changed = sealed[:at] + other + sealed[at + 1 :]
            if changed != sealed:
                with pytest.raises(Unreadable):
                    secrets.open("provider", 7, changed)


def test_a_new_root_key_seals_and_the_old_one_still_opens():
    old = Secrets([ROOT]).seal("provider", 7, "word")
    both = Secrets([OTHER, ROOT])

    assert both.outdated(old)
    assert both.open("provider", 7, old) == "word"
    new = both.seal("provider", 7, "word")
    assert not both.outdated(new)
    assert Secrets([OTHER]).open("provider", 7, new) == "word"


TYPED = ["", "changeme", "password" * 8, base64.b64encode(bytes(32)).decode(), base64.b64encode(os.urandom(31)).decode()]


@pytest.mark.parametrize("text", TYPED, ids=["nothing", "a word", "words", "zeros", "too short"])
def test_what_somebody_typed_is_no_root_key(text):
    with pytest.raises(ValueError, match="32 random bytes or more in base64"):
        Secrets([text])


def test_a_root_key_is_made_once_for_this_user_alone(tmp_path):
    file = tmp_path / "data" / "gamehall.key"

    texts = {kept_in(file) for _ in range(3)}

    assert len(texts) == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["gamehall.key"]
    Secrets([text.strip() for text in texts])
    file.chmod(0o640)
    with pytest.raises(ValueError, match="others may read it"):
        kept_in(file)


def test_a_mark_is_made_by_who_has_the_key_and_by_nobody_else():
    mark = Secrets([ROOT]).mark("audit", b"row")

    assert Secrets([OTHER, ROOT]).marks("audit", b"row", mark)
    assert not Secrets([ROOT]).marks("audit", b"rov", mark)
    assert not Secrets([ROOT]).marks("head", b"row", mark)
    assert not Secrets([OTHER]).marks("audit", b"row", mark)
    assert not Secrets([ROOT]).marks("audit", b"row", "")


def test_a_mark_that_a_former_key_made_is_among_those_to_look_for():
    mark = Secrets([ROOT]).mark("audit", b"row")
    both = Secrets([OTHER, ROOT])

    assert both.every_mark("audit", b"row") == [both.mark("audit", b"row"), mark]
    assert mark not in Secrets([OTHER]).every_mark("audit", b"row")
    assert mark not in both.every_mark("audit", b"rov") + both.every_mark("head", b"row")

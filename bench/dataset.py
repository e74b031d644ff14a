"""What is in the database before a benchmark: 1,000 users and 100,000 comments about 100 objects, always the same."""

import random
from collections.abc import Iterator

USERS = 1_000
COMMENTS = 100_000
OBJECTS = 100
CONTEXT = "video"
ROOT_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"""Of throw-away databases that are filled by one process and served by another."""
START = 1_500_297_679_000_000
"""When the first comment was written, in microseconds; the others follow, 37 seconds apart."""

TEXT = """
this video was very funny but I hated it anyways and then the boss dropped nothing again so we tried once
more with the big hammer which really helped because nobody expected such a thing in level seven café naïve 東京 🎮
"""
WORDS = TEXT.split()


def users() -> Iterator[tuple[int, str, str, str]]:
    """(id, username, display name, avatar's address) of each user."""
    for number in range(1, USERS + 1):
        yield number, f"player{number}", f"Player the {number}th", f"https://i.example.com/avatars/{number}.jpg"


def comments(count: int = COMMENTS, objects: int = OBJECTS) -> Iterator[tuple[int, str, str, str, int | None, int, int]]:
    """(id, context, context_id, content, user's id, created, updated) of each of the first `count` comments.

    One in 50 was written by a client and has no author."""
    chance = random.Random(2017)
    for number in range(1, count + 1):
        author = None if number % 50 == 0 else chance.randint(1, USERS)
        moment = START + number * 37_000_000
        yield number, CONTEXT, str(number % objects + 1), text(chance), author, moment, moment


def text(chance: random.Random) -> str:
    """What a person might say: 8 to 30 words."""
    return " ".join(chance.choices(WORDS, k=chance.randint(8, 30)))

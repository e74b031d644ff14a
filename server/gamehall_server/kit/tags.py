"""What a tag may be, wherever records have tags."""

from collections.abc import Iterable

from gamehall_server.kit.errors import Violation

LONGEST_TAG = 64


def wrong_with_tags(tags: Iterable[str], path: str) -> list[Violation]:
    """What is wrong with tags that stand at a path of a request."""
    told = f"1 to {LONGEST_TAG} characters"
    return [Violation(f"{path}[{at}]", told) for at, tag in enumerate(tags) if not tag.strip() or len(tag) > LONGEST_TAG]

"""The comments of the contract, for documents and forms."""

import json
from functools import cache
from importlib import resources


@cache
def _comments() -> dict[str, str]:
    """Comments by full name, as tools/protoc_gen_descriptions.py wrote them: Python's descriptors have none."""
    found: dict[str, str] = json.loads(resources.files("gamehall").joinpath("descriptions.json").read_text("utf-8"))
    return found


def forget() -> None:
    """Gives back the two megabytes of them; they are read again where somebody asks."""
    _comments.cache_clear()


def comment(full_name: str) -> str:
    """The comment of a service, method, message, field or enum; empty for what is not of our contract."""
    return _comments().get(full_name, "")

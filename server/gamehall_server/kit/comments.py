"""The comments of the contract, for documents and forms."""

import json
from functools import cache
from importlib import resources


@cache
def _comments(package: str) -> dict[str, str]:
    """Comments of one package by full name, from the file of tools/protoc_gen_descriptions.py, which has one in a line. Every start needs
    those of events; all of them would stay with the server for good."""
    with resources.files("gamehall").joinpath("descriptions.json").open(encoding="utf-8") as file:
        lines = [line for line in file if line.startswith(f'"{package}.')]
    found: dict[str, str] = json.loads("{" + "".join(lines).rstrip().removesuffix(",") + "}")
    return found


def comment(full_name: str) -> str:
    """The comment of a service, method, message, field or enum; empty for what is not of our contract."""
    return _comments(".".join(full_name.split(".")[:3])).get(full_name, "")

"""Reads the log of the whole test run for secrets."""

import logging
from collections.abc import Set

from gamehall_server.kit.logs import JsonLines, Lines, Redactor

# A secret is looked for by its first letters: a run makes thousands, and every line is read for each of them.
HEAD = 6


class WatchedLog(logging.Handler):
    """Writes every record in both of the product's formats, and keeps what has a secret in it."""

    def __init__(self, secrets: Set[str]) -> None:
        super().__init__()
        self._secrets = secrets
        self._known: set[str] = set()
        self._by_head: dict[str, list[str]] = {}
        self._formats = (Lines(Redactor()), JsonLines(Redactor()))
        self.read = 0
        self.caught: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Reads one record."""
        self.read += 1
        if len(self._secrets) > len(self._known):
            self._learn()
        self.caught += [line for line in (each.format(record) for each in self._formats) if self._tells(line)]

    def _learn(self) -> None:
        """What the tests have made since the last record. Other threads make more meanwhile."""
        for secret in tuple(self._secrets):
            if secret not in self._known:
                self._known.add(secret)
                self._by_head.setdefault(secret[:HEAD], []).append(secret)

    def _tells(self, line: str) -> bool:
        heads = {line[at : at + HEAD] for at in range(len(line) - HEAD + 1)} & self._by_head.keys()
        return any(secret in line for head in heads for secret in self._by_head[head])

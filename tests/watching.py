"""Reads the log of the whole test run for secrets."""

import logging
from collections.abc import Set

from gamehall_server.kit.logs import JsonLines, Lines, Redactor


class WatchedLog(logging.Handler):
    """Writes every record in both of the product's formats, and keeps what has a secret in it."""

    def __init__(self, secrets: Set[str]) -> None:
        super().__init__()
        self._secrets = secrets
        self._formats = (Lines(Redactor()), JsonLines(Redactor()))
        self.read = 0
        self.caught: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Reads one record."""
        self.read += 1
        for each in self._formats:
            line = each.format(record)
            if any(secret in line for secret in tuple(self._secrets)):
                self.caught.append(line)

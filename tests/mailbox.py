"""The mail that deployments of the tests wrote."""

import re
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from people import CANARIES
from worlds import World


def letters_to(world: World, address: str) -> list[EmailMessage]:
    """The mail that somebody got so far, the oldest first."""
    # What begins with a dot is still being written.
    files = sorted(Path(world.settings.mail_folder).glob("[!.]*.eml"), key=lambda file: file.stat().st_mtime_ns)
    mail = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    return [message for message in mail if message["To"] == address]


def letter_to(world: World, address: str, number: int = 1) -> EmailMessage:
    """The mail number so much of somebody, once it is there."""
    while len(found := letters_to(world, address)) < number:
        time.sleep(0.05)
    return found[number - 1]


def code_in(letter: EmailMessage) -> str:
    """The code of a letter, which may stand nowhere else."""
    found = re.search(r"^ {4}(\S+)\s*$", letter.get_content(), re.MULTILINE)
    assert found is not None
    CANARIES.add(found[1])
    return found[1]

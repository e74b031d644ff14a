"""Letters that a product without an SMTP server wrote into a folder."""

import re
import time
from email import message_from_bytes, policy
from pathlib import Path

CODE = re.compile(r"^ {4}(\S+)\s*$", re.MULTILINE)


def code_for(folder: Path, address: str) -> str:
    """The code in the letter to somebody, once it is there."""
    while True:
        for file in folder.glob("[!.]*.eml"):
            letter = message_from_bytes(file.read_bytes(), policy=policy.default)
            if letter["To"] == address and (found := CODE.search(letter.get_content())):
                return found[1]
        time.sleep(0.05)

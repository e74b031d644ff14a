"""Ways for mail to go: an SMTP server, or files in a folder, which is what a deployment without one does."""

import asyncio
import os
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from gamehall_server.kit.dispatch import GiveUp

# In seconds, for each step of the conversation: all of it ends before a try does.
PATIENCE = 15.0
_PORTS = {"smtp": 25, "smtps": 465}


class Way(Protocol):
    """Where mail goes. `told` is for the banner."""

    told: str

    async def send(self, message: EmailMessage, number: str) -> None:
        """Hands a message on. Raises GiveUp when no further try can help, anything else when one may."""
        ...


class Smtp:
    """An SMTP server: `smtp://user:password@host:port`, with STARTTLS where it is offered, or `smtps://`. Raises ValueError."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError("GAMEHALL_SMTP_URL must be smtp://user:password@host:port or smtps://…")
        self._host, self._port = parts.hostname, parts.port or _PORTS[parts.scheme]
        self._tls = parts.scheme == "smtps"
        self._user, self._password = (unquote(part) if part else None for part in (parts.username, parts.password))
        self.told = f"SMTP at {self._host}:{self._port}"

    async def send(self, message: EmailMessage, number: str) -> None:
        # Loaded with the first mail.
        import aiosmtplib

        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._tls,
                # A password never goes where nobody proved who they are.
                start_tls=True if self._user and not self._tls else None,
                timeout=PATIENCE,
            )
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as refusal:
            codes = [each.code for each in getattr(refusal, "recipients", ())] or [getattr(refusal, "code", 0)]
            if min(codes) >= 500 and not isinstance(refusal, aiosmtplib.SMTPAuthenticationError):
                raise GiveUp(f"the server refused it for good: {codes}") from None
            # Without its text, which may hold the address.
            raise ConnectionError(f"the server refused it for now: {codes}") from None


class Folder:
    """One file for each message, for this user alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.told = f"written into {folder}/ (set GAMEHALL_SMTP_URL to send it)"

    async def send(self, message: EmailMessage, number: str) -> None:
        await asyncio.to_thread(self._write, bytes(message), f"{number}.eml")

    def _write(self, content: bytes, name: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Whole or not at all; a second try writes over the first.
        half = self._folder / f".{name}"
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        half.replace(self._folder / name)

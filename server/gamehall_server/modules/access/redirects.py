"""Redirect URIs: where the login page may send people (RFC 6749 section 3.1.2, RFC 8252 section 7, RFC 9700 section 2.1)."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

LONGEST = 2000
# Only addresses: the name localhost may lead elsewhere (RFC 8252 section 8.3).
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?(?=[/?]|\Z)")
_LOCALHOST = re.compile(r"http://localhost(:[0-9]{1,5})?(?=[/?]|\Z)")
_VISIBLE = re.compile(r"[!-~]+")


def wrong_with_redirect(uri: str) -> str | None:
    """What is wrong with a redirect URI that somebody wants to register; None for a good one."""
    if not _VISIBLE.fullmatch(uri) or len(uri) > LONGEST:
        return f"at most {LONGEST} visible ASCII characters"
    if any(letter in uri for letter in '#\\"<>^`{|}'):
        return "a URI without a fragment"
    try:
        parts = urlsplit(uri)
        private = "." in parts.scheme and parts.path and "//" not in uri[: len(parts.scheme) + 3]
        if private or _LOOPBACK.match(uri) or _LOCALHOST.match(uri):
            return None
        # A port that is none raises.
        if parts.scheme == "https" and parts.hostname and parts.username is None and parts.port != 0:
            return None
    except ValueError:
        pass
    return "an https address, http on 127.0.0.1, [::1] or localhost, or a private scheme with a dot such as com.example.app:/done"


def redirect_matches(registered: Iterable[str], asked: str) -> bool:
    """Whether a URI is registered: letter by letter, but for the port of a loopback address, which an application gets when it starts."""
    wanted = _portless(asked)
    return any(asked == uri or (wanted is not None and wanted == _portless(uri)) for uri in registered)


def _portless(uri: str) -> str | None:
    found = _LOOPBACK.match(uri)
    return None if found is None else f"http://{found[1]}{uri[found.end() :]}"

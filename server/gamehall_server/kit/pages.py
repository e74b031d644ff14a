"""Pages for people: plain HTML that needs no script, and the policy that browsers hold it to."""

import base64
import hashlib
from urllib.parse import urlsplit

_STYLE = (
    ":root{color-scheme:light dark;font:1.125rem/1.5 system-ui,sans-serif}"
    "body{margin:0;overflow-wrap:anywhere}"
    "main{box-sizing:border-box;max-width:26rem;margin:auto;padding:2rem 1.25rem}"
    "h1{font-size:1.5rem;line-height:1.25}"
    "label{display:block;font-weight:600;margin-top:1rem}"
    "input,button{box-sizing:border-box;width:100%;min-height:2.75rem;margin-top:.25rem;padding:.5rem;font:inherit}"
    "button{margin-top:1rem;cursor:pointer}"
    ":focus-visible{outline:.2rem solid Highlight;outline-offset:.15rem}"
    "[role=alert]{border:.15rem solid;border-radius:.25rem;padding:.5rem .75rem;font-weight:600}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# Nothing but our style, whose hash this is: no script, no picture, nothing from elsewhere, and in nobody's frame.
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'; form-action "


def page(title: str, content: str) -> str:
    """A whole page. `title` is a text; `content` is HTML, in which every text has gone through `escaped`."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{content}\n</main>\n</body>\n</html>\n"
    )


def escaped(text: str) -> str:
    """A text as it stands in HTML, between tags or in quotes."""
    # It brings the names of two thousand letters along, half a megabyte, for those who read HTML.
    from html import escape

    return escape(text)


def policy(*targets: str) -> str:
    """The Content-Security-Policy of a page whose form leads to us, and through us to `targets`; without any it has no form."""
    return _POLICY + (" ".join(["'self'", *map(_source, targets)]) if targets else "'none'")


def _source(address: str) -> str:
    """An address as form-action names it: browsers look at where a form leads in the end."""
    parts = urlsplit(address)
    # What has no host, or one in brackets, can only be named by its scheme.
    named = parts.scheme in ("http", "https") and "[" not in parts.netloc
    return f"{parts.scheme}://{parts.netloc}" if named else f"{parts.scheme}:"

"""Pages for people in their browsers: what stands on an answer that is one, and refusals that can be read."""

from gamehall.common.v1.web_pb2 import WebPage
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_server.kit import pages
from gamehall_server.kit.errors import Fault, Forbidden

from gamehall_bridge.errors import Headers, Refused

HTML = b"text/html;charset=UTF-8"
_OURS = (b"same-origin", b"none")


def check_sender(headers: list[tuple[bytes, bytes]]) -> None:
    """Raises Refused for a form of ours that another site's page sends. Browsers say so (Fetch Metadata); nobody else is asked."""
    if dict(headers).get(b"sec-fetch-site", b"none") not in _OURS:
        raise Refused(Forbidden("This form was sent by another site.", reason=ErrorReason.ERROR_REASON_CROSS_SITE), 403)


def written(page: WebPage) -> tuple[int, bytes, Headers]:
    """Status, body and headers of a page, or of the way to another one; after a form only 303 keeps the form to us (RFC 9700 4.12)."""
    if page.location:
        return 303, b"", [(b"location", page.location.encode()), *_headers(pages.policy())]
    return 200, page.html.encode(), _headers(page.policy)


def refused(status: int, fault: Fault, number: str) -> tuple[bytes, Headers]:
    """Body and headers of a refusal for a person. It leads nowhere."""
    title = "This did not work" if status < 500 else "Something went wrong"
    content = f'<h1>{title}</h1>\n<p role="alert">{pages.escaped(fault.message)}</p>\n<p>Request <code>{pages.escaped(number)}</code></p>'
    return pages.page(title, content).encode(), _headers(pages.policy())


def read_by_person(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a refusal is for a browser's window."""
    return b"text/html" in dict(headers).get(b"accept", b"")


def _headers(policy: str) -> Headers:
    return [(b"content-security-policy", policy.encode()), (b"x-frame-options", b"DENY"), (b"referrer-policy", b"no-referrer")]

"""The login page: one form for name and password, and what an application of others may do once it is sent.

It sets no cookie and knows nobody: every sign-in on it is told by the form alone, so there is nothing that another site could make use of.
"""

from html import escape
from urllib.parse import urlsplit

from gamehall.auth.v1 import authorization_pb2 as pb
from gamehall.common.v1.web_pb2 import WebPage

from gamehall_server.kit import pages
from gamehall_server.modules.auth.authorization_request import AnyRequest, Application
from gamehall_server.modules.auth.scopes import granted

ALLOW, DENY = "allow", "deny"
_HIDDEN = tuple(field.name for field in pb.GetLoginPageRequest.DESCRIPTOR.fields)
_MEANS = {"read": "See what you can see here", "write": "Change and do what you can here, in your name"}


def login_page(request: AnyRequest, application: Application, wrong: str = "", username: str = "") -> WebPage:
    """The page. `wrong` is what was wrong with the form that was sent before; the name stands in it again, the password never does."""
    client, name = application.client, escape(application.client.name)
    alert = f'<p role="alert" id="wrong">{escape(wrong)}</p>\n' if wrong else ""
    marked = ' aria-invalid="true" aria-describedby="wrong"' if wrong else ""
    hidden = "\n".join(
        f'<input type="hidden" name="{field}" value="{escape(value)}">' for field in _HIDDEN if (value := getattr(request, field))
    )
    consent, button = "", "Sign in"
    if not client.first_party:
        button = f"Sign in and allow {name}"
        means = "\n".join(f"<li>{_MEANS[word]}</li>" for word in reversed(granted(request.scope).split()))
        consent = (
            f'<p id="consent"><strong>{name}</strong> is an application of somebody else. If you allow it, it can:</p>\n'
            f"<ul>\n{means}\n</ul>\n"
            f"<p>It does not get your password. You go on to <code>{escape(_place(application.redirect_uri))}</code>.</p>\n"
        )
    content = (
        f"<h1>Sign in to go on to {name}</h1>\n{alert}"
        f'<form method="post" action="authorize">\n{hidden}\n'
        '<label for="username">User name</label>\n'
        f'<input id="username" name="username" value="{escape(username)}" autocomplete="username" autocapitalize="none" spellcheck="false"'
        f' maxlength="255" required{marked}{"" if username else " autofocus"}>\n'
        '<label for="password">Password</label>\n'
        '<input id="password" name="password" type="password" autocomplete="current-password" maxlength="255" required'
        f"{marked}{' autofocus' if username else ''}>\n{consent}"
        f'<button name="decision" value="{ALLOW}">{button}</button>\n'
        f'<button name="decision" value="{DENY}" formnovalidate>Cancel</button>\n</form>'
    )
    title = f"{'Not signed in' if wrong else 'Sign in'} - {client.name}"
    return WebPage(html=pages.page(title, content), policy=pages.policy(application.redirect_uri))


def _place(uri: str) -> str:
    parts = urlsplit(uri)
    return parts.netloc or f"{parts.scheme}:"

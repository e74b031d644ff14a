"""The login page: one form for name and password, and what an application of others may do once it is sent; a second one for the code of
whoever has a second factor.

It sets no cookie and knows nobody: every sign-in on it is told by the form alone, so there is nothing that another site could make use of.
"""

from urllib.parse import urlsplit

from gamehall.auth.v1 import authorization_pb2 as pb
from gamehall.common.v1.web_pb2 import WebPage

from gamehall_server.kit import pages
from gamehall_server.kit.pages import escaped
from gamehall_server.modules.auth.authorization_request import AnyRequest, Application
from gamehall_server.modules.auth.scopes import granted

ALLOW, DENY = "allow", "deny"
_HIDDEN = tuple(field.name for field in pb.GetLoginPageRequest.DESCRIPTOR.fields)
_MEANS = {"read": "See what you can see here", "write": "Change and do what you can here, in your name"}


def login_page(request: AnyRequest, application: Application, wrong: str = "", username: str = "") -> WebPage:
    """The page. `wrong` is what was wrong with the form that was sent before; the name stands in it again, the password never does."""
    client, name = application.client, escaped(application.client.name)
    marked = ' aria-invalid="true" aria-describedby="wrong"' if wrong else ""
    consent, button = "", "Sign in"
    if not client.first_party:
        button = f"Sign in and allow {name}"
        means = "\n".join(f"<li>{_MEANS[word]}</li>" for word in reversed(granted(request.scope).split()))
        consent = (
            f'<p id="consent"><strong>{name}</strong> is an application of somebody else. If you allow it, it can:</p>\n'
            f"<ul>\n{means}\n</ul>\n"
            f"<p>It does not get your password. You go on to <code>{escaped(_place(application.redirect_uri))}</code>.</p>\n"
        )
    fields = (
        '<label for="username">User name</label>\n'
        f'<input id="username" name="username" value="{escaped(username)}" autocomplete="username" autocapitalize="none" spellcheck="false"'
        f' maxlength="255" required{marked}{"" if username else " autofocus"}>\n'
        '<label for="password">Password</label>\n'
        '<input id="password" name="password" type="password" autocomplete="current-password" maxlength="255" required'
        f"{marked}{' autofocus' if username else ''}>\n{consent}"
    )
    return _page(request, application, "Sign in", fields, button, wrong)


def code_page(request: AnyRequest, application: Application, ticket: str, wrong: str = "") -> WebPage:
    """The second step of who has a second factor. `ticket` tells that the first one is done; `wrong` is what was wrong with the code."""
    marked = ' aria-invalid="true" aria-describedby="wrong help"' if wrong else ' aria-describedby="help"'
    fields = (
        f'<input type="hidden" name="ticket" value="{escaped(ticket)}">\n'
        '<label for="otp">Code</label>\n'
        '<p id="help">The six digits that your authenticator app shows now, or one of your recovery codes.</p>\n'
        '<input id="otp" name="otp" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="32" required autofocus'
        f"{marked}>\n"
    )
    return _page(request, application, "Enter your code", fields, "Go on", wrong)


def _page(request: AnyRequest, application: Application, title: str, fields: str, button: str, wrong: str) -> WebPage:
    """A page with one form, which carries the whole authorization request along."""
    alert = f'<p role="alert" id="wrong">{escaped(wrong)}</p>\n' if wrong else ""
    hidden = "\n".join(
        f'<input type="hidden" name="{field}" value="{escaped(value)}">' for field in _HIDDEN if (value := getattr(request, field))
    )
    content = (
        f"<h1>{title} to go on to {escaped(application.client.name)}</h1>\n{alert}"
        f'<form method="post" action="authorize">\n{hidden}\n{fields}'
        f'<button name="decision" value="{ALLOW}">{button}</button>\n'
        f'<button name="decision" value="{DENY}" formnovalidate>Cancel</button>\n</form>'
    )
    shown = f"{'Not signed in' if wrong else title} - {application.client.name}"
    return WebPage(html=pages.page(shown, content), policy=pages.policy(application.redirect_uri))


def _place(uri: str) -> str:
    parts = urlsplit(uri)
    return parts.netloc or f"{parts.scheme}:"

"""The second factor on the login page: a step of its own, which can be left, and whose ticket opens nothing else."""

import pytest
import requests
from gamehall_server.modules.auth import tickets
from people import CANARIES, PASSWORD

from tests.modules.oauth import ask
from tests.modules.oauth_stage import CHALLENGE, VERIFIER, Form, asked_back
from tests.modules.second_factor import HERE, code, turned_on


@pytest.fixture
def secured(world, ann):
    """Ann's secret and recovery codes."""
    return turned_on(world, ann)


class Page:
    """The login page of one application, as a browser without scripts goes through it."""

    def __init__(self, world, application):
        self.url = world.url + "/oauth/authorize"
        asked = {"response_type": "code", "client_id": application, "redirect_uri": HERE, "state": "s"}
        self.asked = {**asked, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}

    def send(self, **form):
        return requests.post(self.url, data={**self.asked, "decision": "allow", **form}, allow_redirects=False)

    def second(self, person):
        """The form of the second step."""
        answer = self.send(username=person.username, password=PASSWORD)
        assert answer.status_code == 200, answer.text
        CANARIES.add(Form(answer.text).fields["ticket"])
        return answer


@pytest.fixture
def page(world):
    return Page(world, world.application()[0])


def test_the_page_asks_for_the_code_in_a_second_step(world, ann, secured, page):
    secret, _ = secured
    answer = page.second(ann)
    form = Form(answer.text)

    assert PASSWORD not in answer.text
    assert ann.username not in answer.text
    assert secret not in answer.text
    assert "no-store" in answer.headers["cache-control"]
    assert "script" not in answer.headers["content-security-policy"]
    assert 'role="alert"' not in answer.text
    assert {name: form.fields[name] for name in page.asked} == page.asked
    back = asked_back(requests.post(page.url, {**form.fields, "otp": code(secret), "decision": "allow"}, allow_redirects=False))
    given = {"grant_type": "authorization_code", "client_id": page.asked["client_id"], "redirect_uri": HERE, "code_verifier": VERIFIER}
    assert ask(world, **given, code=back["code"]).status_code == 200


def test_the_second_step_can_be_used_by_everybody(ann, secured, page):
    form = Form(page.second(ann).text)
    [field] = [told for tag, told in form.elements if tag == "input" and told.get("name") == "otp"]

    assert [told["for"] for tag, told in form.elements if tag == "label"] == [field["id"]] == ["otp"]
    assert field["autocomplete"] == "one-time-code"
    assert [told["id"] for tag, told in form.elements if told.get("id") == field["aria-describedby"]] == ["help"]
    assert [tag for tag, _ in form.elements if tag == "script"] == []


def test_a_wrong_code_shows_it_again(ann, secured, page):
    secret, recovery = secured
    ticket = Form(page.second(ann).text).fields["ticket"]

    for wrong, told in ((code(secret, 7), "The code is wrong, or was used before."), ("", "Fill in the code.")):
        answer = page.send(ticket=ticket, otp=wrong)
        assert answer.status_code == 200
        assert f'<p role="alert" id="wrong">{told}</p>' in answer.text
        assert Form(answer.text).fields["ticket"] == ticket
    assert "code" in asked_back(page.send(ticket=ticket, otp=recovery[0]))


def test_the_second_step_can_be_left(ann, secured, page):
    ticket = Form(page.second(ann).text).fields["ticket"]

    assert asked_back(page.send(ticket=ticket, decision="deny"))["error"] == "access_denied"


def test_name_password_and_code_at_once_are_as_good(ann, secured, page):
    assert "code" in asked_back(page.send(username=ann.username, password=PASSWORD, otp=code(secured[0])))


def test_a_ticket_is_of_one_client_one_password_and_some_minutes(world, ann, bob, secured, page, monkeypatch):
    _, recovery = secured
    ticket = Form(page.second(ann).text).fields["ticket"]
    other = Page(world, world.application()[0])
    forged = ticket[:-8] + ("A" * 8 if ticket[-8:] != "A" * 8 else "B" * 8)

    def begins_again(answer):
        assert (answer.status_code, "That took too long" in answer.text) == (200, True), answer.text
        assert "ticket" not in Form(answer.text).fields
        return True

    assert begins_again(other.send(ticket=ticket, otp=recovery[0]))
    assert begins_again(page.send(ticket=forged, otp=recovery[0]))
    assert begins_again(page.send(ticket="none", otp=recovery[0]))
    with monkeypatch.context() as patch:
        patch.setattr(tickets, "LASTS", -1)
        late = Form(page.second(ann).text).fields["ticket"]
    assert begins_again(page.send(ticket=late, otp=recovery[0]))
    assert "code" in asked_back(page.send(ticket=ticket, otp=recovery[0]))
    password = "a quiet rainy afternoon"
    CANARIES.add(password)
    ann.put("/users/me/password", {"value": password})
    assert begins_again(page.send(ticket=ticket, otp=recovery[1]))


def test_a_ticket_without_a_code_opens_nothing(ann, secured, page):
    ticket = Form(page.second(ann).text).fields["ticket"]

    for missing in ({}, {"otp": " "}):
        answer = page.send(ticket=ticket, **missing)
        assert (answer.status_code, "location" in answer.headers) == (200, False)


def test_who_has_none_is_not_asked(ann, page):
    assert "code" in asked_back(page.send(username=ann.username, password=PASSWORD))

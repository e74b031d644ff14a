"""The second factor: no password alone opens an account that has one, each code is good once, and who lost the app still gets in."""

import base64
import hashlib
import hmac
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests
from gamehall.auth.v1 import tokens_pb2
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall.users.v1 import second_factor_pb2 as pb
from gamehall_server.kit.secrets import generated
from gamehall_server.kit.storage import Query
from gamehall_server.modules.auth import tickets
from gamehall_server.modules.second_factor.tables import codes, factors
from people import CANARIES, PASSWORD
from sqlalchemy import BigInteger, bindparam, select, update
from worlds import World, settings_for, sqlite_url

from tests.modules.oauth import ask, by_password, by_refresh_token, refresh
from tests.modules.oauth_stage import CHALLENGE, VERIFIER, Form, asked_back
from tests.modules.providers import twin
from tests.modules.signing_in import provider_of

REQUIRED, WRONG, ON = (getattr(ErrorReason, f"ERROR_REASON_SECOND_FACTOR_{word}") for word in ("REQUIRED", "WRONG", "ON"))
HERE = "http://127.0.0.1/signed-in"
ME = "/users/me/second-factor"
_f = factors.table
ROW = Query(select(_f).where(_f.c.user_id == bindparam("user", type_=BigInteger)), factors.Row)
CODES = Query(select(codes.table).where(codes.table.c.user_id == bindparam("user", type_=BigInteger)), codes.Row)
UNUSED = Query(update(_f).where(_f.c.user_id == bindparam("user", type_=BigInteger)).values(last_step=0))
UNREADABLE = Query(update(_f).values(sealed=bindparam("sealed")))


def hotp(secret, step, digits=6):
    """RFC 4226 section 5.3, on its own."""
    key = base64.b32decode(secret) if isinstance(secret, str) else secret
    mac = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[-1] & 15
    return str((int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF) % 10**digits).zfill(digits)


def code(secret, steps=0):
    """What an app shows, so many steps from now."""
    return hotp(secret, int(time.time()) // 30 + steps)


def inside(world, query, **values):
    async def work():
        async def write(db):
            return await (db.run(query, **values) if query.sqlite.writes else db.all(query, **values))

        return await world.server.product.database.write(write)

    return world.inside(work)


def begun(person):
    answer = person.post(ME)
    assert answer.status_code == 200, answer.text
    CANARIES.update(answer.json().values())
    return answer.json()["secret"]


def turned_on(world, person):
    """The secret and the recovery codes of somebody who has a second factor from now on. The current code is good again."""
    secret = begun(person)
    answer = person.put(ME, {"otp": code(secret)})
    assert answer.status_code == 200, answer.text
    recovery = answer.json()["recovery_codes"]
    CANARIES.update(recovery)
    inside(world, UNUSED, user=person.id)
    return secret, recovery


@pytest.fixture
def secured(world, ann):
    """Ann's secret and recovery codes."""
    return turned_on(world, ann)


def signed_in(world, person, **more):
    answer = ask(world, **by_password(person, **more))
    if answer.ok:
        CANARIES.update({answer.json()["access_token"], answer.json()["refresh_token"]})
    return answer


def refused(answer, reason):
    """A refusal that old clients can show and new ones can tell from others."""
    told = answer.json()
    assert (answer.status_code, told["error"], told["code"]) == (400, "invalid_grant", reason), answer.text
    assert told["result"] == [{"field": "otp", "message": told["error_description"], "details": None}]
    assert told["request_id"] == answer.headers["x-request-id"]
    return told["error_description"]


# Turning it on.


@pytest.mark.parametrize(
    ("moment", "shown"), [(59, "94287082"), (1111111109, "07081804"), (1234567890, "89005924"), (20000000000, "65353130")]
)
def test_the_app_of_these_tests_is_that_of_rfc_6238(moment, shown):
    assert hotp(b"12345678901234567890", moment // 30, 8) == shown


def test_a_secret_is_shown_once_and_counts_for_nothing_before_it_is_confirmed(world, ann):
    answer = ann.post(ME)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    CANARIES.update(told.values())

    uri = urlsplit(told["uri"])

    assert len(base64.b32decode(told["secret"])) == 20
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", f"/game.example:{ann.username}")
    assert parse_qs(uri.query) == {"secret": [told["secret"]], "issuer": ["game.example"]}
    assert ann.get(ME).json() == {"on": False, "recovery_codes": 0}
    assert signed_in(world, ann).status_code == 200


def test_a_code_confirms_it_and_ends_the_other_sessions(world, ann):
    other = world.signed_in(ann.username, PASSWORD)
    secret = begun(ann)
    for wrong in (code(secret, -5), "", "12345", "abcdef", "\u0661" * 6):
        answer = ann.put(ME, {"otp": wrong})
        assert (answer.status_code, answer.json()["result"][0]["field"]) == (400, "otp")
    assert ann.get(ME).json()["on"] is False

    answer = ann.put(ME, {"otp": code(secret)})

    CANARIES.update(answer.json()["recovery_codes"])
    assert len(set(answer.json()["recovery_codes"])) == 10
    state = ann.get(ME).json()
    assert (state["on"], state["recovery_codes"]) == (True, 10)
    assert abs(state["since"] - time.time()) < 3600
    assert (ann.get("/me").status_code, other.get("/me").status_code) == (200, 401)
    assert refresh(world, other.refresh_token) is None


def test_the_code_that_confirmed_opens_nothing(world, ann):
    secret = begun(ann)
    shown = code(secret)
    CANARIES.update(ann.put(ME, {"otp": shown}).json()["recovery_codes"])

    refused(signed_in(world, ann, otp=shown), WRONG)


def test_who_begins_again_gets_another_secret_until_it_is_on(world, ann):
    first, second = begun(ann), begun(ann)
    assert ann.put(ME, {"otp": code(first)}).status_code == 400

    CANARIES.update(ann.put(ME, {"otp": code(second)}).json()["recovery_codes"])

    for answer in (ann.post(ME), ann.put(ME, {"otp": code(second)})):
        assert (answer.status_code, answer.json()["code"]) == (400, ON)


def test_nobody_begins_it_for_another(ann, bob, admin):
    for stranger in (bob, admin):
        assert stranger.post(f"/users/{ann.id}/second-factor").status_code == 404
        assert stranger.put(f"/users/{ann.id}/second-factor", {"otp": "123456"}).status_code == 404
    assert bob.get(f"/users/{ann.id}/second-factor").status_code == 404
    assert admin.get(f"/users/{ann.id}/second-factor").json() == {"on": False, "recovery_codes": 0}


# Signing in.


def test_a_password_alone_opens_nothing(world, ann, secured):
    for missing in ({}, {"otp": ""}, {"otp": " "}):
        assert "otp" in refused(signed_in(world, ann, **missing), REQUIRED)


def test_a_code_opens_once(world, ann, secured):
    secret, _ = secured
    shown = code(secret)

    assert signed_in(world, ann, otp=f"{shown[:3]} {shown[3:]}").status_code == 200

    refused(signed_in(world, ann, otp=shown), WRONG)
    refused(signed_in(world, ann, otp=hotp(secret, inside(world, ROW, user=ann.id)[0].last_step - 1)), WRONG)
    assert signed_in(world, ann, otp=code(secret, 1)).status_code == 200


def test_a_code_of_another_time_or_another_secret_opens_nothing(world, ann, bob, secured):
    secret, _ = secured
    others, theirs = turned_on(world, bob)

    for wrong in (code(secret, -5), code(secret, 5), code(others), theirs[0]):
        refused(signed_in(world, ann, otp=wrong), WRONG)
        inside_forget(world)


def inside_forget(world):
    """Lets nobody wait for what was tried."""
    from tests.modules.test_attempts import let_pass

    inside(world, let_pass)


def test_a_wrong_password_tells_nothing_and_uses_no_code(world, ann, secured):
    secret, _ = secured
    shown = code(secret)

    told = ask(world, **{**by_password(ann, otp=shown), "password": "a wrong one of mine"})

    assert told.json() == {"error": "invalid_grant", "error_description": "Wrong user name or password."}
    assert signed_in(world, ann, otp=shown).status_code == 200


def test_one_code_opens_one_session_however_many_ask_at_once(world, ann, secured):
    secret, recovery = secured
    for shown in (code(secret), recovery[0]):
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _, shown=shown: signed_in(world, ann, otp=shown).status_code, range(4)))
        assert answers.count(200) == 1
        inside_forget(world)


def test_a_recovery_code_opens_once(world, ann, secured):
    _, recovery = secured

    assert signed_in(world, ann, otp=recovery[0]).status_code == 200
    assert signed_in(world, ann, otp=recovery[1].replace("-", " ").upper()).status_code == 200

    refused(signed_in(world, ann, otp=recovery[0]), WRONG)
    assert ann.get(ME).json()["recovery_codes"] == 8


def test_tries_are_counted(world, ann, secured):
    secret, _ = secured
    answers = [signed_in(world, ann, otp=code(secret, 9 + number)) for number in range(6)]

    assert [answer.status_code for answer in answers] == [400] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert signed_in(world, ann, otp=code(secret)).status_code == 429
    inside_forget(world)
    assert signed_in(world, ann, otp=code(secret)).status_code == 200


def test_a_session_goes_on_without_a_code(world, ann, secured):
    assert ask(world, **by_refresh_token(ann.refresh_token)).status_code == 200


def test_another_password_leaves_it_on(world, ann, admin, secured):
    secret, _ = secured
    password = "a quiet rainy afternoon"
    CANARIES.add(password)
    admin.put(f"/users/{ann.id}/password", {"value": password})

    form = {**by_password(ann), "password": password}
    refused(ask(world, **form), REQUIRED)
    assert ask(world, **form, otp=code(secret)).status_code == 200


def test_a_providers_word_is_enough(world, ann, admin, secured):
    issuer = twin().issuer()
    assert admin.post("/auth/providers", provider_of(issuer)).status_code == 201
    assert ann.post("/users/me/identities", {"provider": issuer.name, "token": issuer.token(sub="ann")}).status_code == 202
    client, _ = world.application(issuer.name, "refresh_token")

    answer = ask(world, grant_type=issuer.name, client_id=client, token=issuer.token(sub="ann"))

    assert answer.status_code == 200, answer.text


# Turning it off.


@pytest.mark.parametrize("by", ["code", "recovery code"])
def test_a_code_turns_it_off(world, ann, secured, by):
    secret, recovery = secured
    wrong = ann.post(f"{ME}/disable", {"otp": code(secret, 7)})
    assert (wrong.status_code, wrong.json()["code"], ann.get(ME).json()["on"]) == (400, WRONG, True)

    assert ann.post(f"{ME}/disable", {"otp": code(secret) if by == "code" else recovery[3]}).status_code == 204

    assert ann.get(ME).json() == {"on": False, "recovery_codes": 0}
    assert signed_in(world, ann).status_code == 200
    assert inside(world, CODES, user=ann.id) == []
    assert ann.post(f"{ME}/disable", {"otp": recovery[4]}).status_code == 404


def test_tries_to_turn_it_off_are_counted_with_those_to_sign_in(world, ann, secured):
    secret, _ = secured
    answers = [ann.post(f"{ME}/disable", {"otp": code(secret, 9 + number)}) for number in range(6)]

    assert [answer.status_code for answer in answers] == [400] * 5 + [429]
    assert signed_in(world, ann, otp=code(secret)).status_code == 429


def test_an_administrator_takes_it_off_whoever_lost_it(world, ann, bob, admin, secured):
    path = f"/users/{ann.id}/second-factor"
    assert [bob.delete(path).status_code, ann.delete(path).status_code] == [403, 403]

    assert admin.delete(path).status_code == 204

    assert signed_in(world, ann).status_code == 200
    assert admin.delete(path).status_code == 404
    [row] = admin.get("/audit/logs", params={"filter_user": admin.id, "size": 1}).json()["content"]
    assert row["action_name"] == "/gamehall.users.v1.SecondFactorService/RemoveSecondFactor"
    assert row["details"]["changes"] == f'{{"user:{ann.id}":{{"second_factor":["on","removed"]}}}}'


def test_not_even_an_administrator_takes_off_their_own_without_a_code(world, ann, admin):
    assert admin.put(f"/auth/users/{ann.id}/roles", ["ROLE_USER", "ROLE_ADMIN"]).status_code == 200
    secret, _ = turned_on(world, ann)

    answer = ann.delete(ME)

    assert (answer.status_code, answer.json()["code"]) == (400, REQUIRED)
    assert ann.post(f"{ME}/disable", {"otp": code(secret)}).status_code == 204


def test_it_is_audited_without_a_secret(world, ann, secured):
    secret, recovery = secured
    ann.post(f"{ME}/disable", {"otp": code(secret)})

    rows = ann.get("/audit/logs").json()["content"]

    assert [each["action_name"].rpartition("/")[2] for each in rows] == ["DisableSecondFactor", "ConfirmSecondFactor", "StartSecondFactor"]
    assert [word for word in (secret, *recovery) if word in str(rows)] == []


# At rest.


def test_the_database_holds_neither_secret_nor_codes(world, ann, secured):
    secret, recovery = secured

    kept = str([inside(world, ROW, user=ann.id), inside(world, CODES, user=ann.id)])

    for word in (secret, *recovery):
        assert word not in kept
        assert word.replace("-", "") not in kept


def test_another_root_key_seals_it_again_and_a_lost_one_leaves_recovery_codes(tmp_path):
    old, new = generated(), generated()
    url = sqlite_url(tmp_path)
    first = World(settings_for(url, "native", root_key=old))
    ann = first.person("ann")
    secret, recovery = turned_on(first, ann)
    [before] = inside(first, ROW, user=ann.id)
    first.end()

    World(settings_for(url, "native", root_key=f"{new},{old}")).end()
    third = World(settings_for(url, "native", root_key=new))

    [after] = inside(third, ROW, user=ann.id)
    assert after.sealed != before.sealed
    assert signed_in(third, ann, otp=code(secret)).status_code == 200
    third.end()
    fourth = World(settings_for(url, "native", root_key=generated()))
    inside(fourth, UNUSED, user=ann.id)
    refused(signed_in(fourth, ann, otp=code(secret)), WRONG)
    assert signed_in(fourth, ann, otp=recovery[0]).status_code == 200
    fourth.end()


# gRPC.


def test_grpc_does_the_same(world, ann, bob, admin, refused):
    stub = ann.grpc.second_factors
    secret = stub.StartSecondFactor(pb.StartSecondFactorRequest(user_id="me")).secret
    recovery = stub.ConfirmSecondFactor(pb.ConfirmSecondFactorRequest(user_id="me", otp=code(secret))).recovery_codes
    CANARIES.update({secret, *recovery})
    asked = tokens_pb2.CreateTokenRequest(grant_type="password", client_id="web", username=ann.username, password=PASSWORD)
    with refused("INVALID_ARGUMENT") as refusal:
        ann.grpc.tokens.CreateToken(asked)
    assert "SECOND_FACTOR_REQUIRED" in str(dict(refusal[0].trailing_metadata())["grpc-status-details-bin"])
    asked.otp = recovery[0]
    assert ann.grpc.tokens.CreateToken(asked).access_token
    with refused("INVALID_ARGUMENT"):
        ann.grpc.tokens.CreateToken(asked)
    assert stub.GetSecondFactor(pb.GetSecondFactorRequest(user_id="me")).recovery_codes == 9
    with refused("NOT_FOUND"):
        bob.grpc.second_factors.DisableSecondFactor(pb.DisableSecondFactorRequest(user_id=str(ann.id), otp=recovery[1]))
    stub.DisableSecondFactor(pb.DisableSecondFactorRequest(user_id="me", otp=recovery[1]))
    assert not stub.GetSecondFactor(pb.GetSecondFactorRequest(user_id="me")).on
    with refused("NOT_FOUND"):
        admin.grpc.second_factors.RemoveSecondFactor(pb.RemoveSecondFactorRequest(user_id=str(ann.id)))


# The login page.


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

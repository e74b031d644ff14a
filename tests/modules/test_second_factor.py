"""The second factor: no password alone opens an account that has one, each code is good once, and who lost the app still gets in."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from gamehall.auth.v1 import tokens_pb2
from gamehall.users.v1 import second_factor_pb2 as pb
from gamehall_server.kit.secrets import generated
from people import CANARIES, PASSWORD
from worlds import World, settings_for, sqlite_url

from tests.modules.oauth import ask, by_password, by_refresh_token, refresh
from tests.modules.providers import twin
from tests.modules.second_factor import (
    CODES,
    ME,
    ON,
    REQUIRED,
    ROW,
    UNUSED,
    WRONG,
    begun,
    code,
    hotp,
    inside,
    refused,
    signed_in,
    turned_on,
)
from tests.modules.signing_in import provider_of


@pytest.fixture
def secured(world, ann):
    """Ann's secret and recovery codes."""
    return turned_on(world, ann)


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

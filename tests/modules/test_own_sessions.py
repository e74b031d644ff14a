"""Where somebody is signed in, as they see it, and how they end that."""

import pytest
import requests
from gamehall.auth.v1 import sessions_pb2 as pb
from people import CANARIES, PASSWORD, Person
from worlds import World, settings_for

from tests.databases import shared_postgres


def sessions(person, **chosen):
    answer = person.get("/users/me/sessions", params=chosen)
    assert answer.status_code == 200, answer.text
    return answer.json()["content"]


def current(person):
    [found] = [each for each in sessions(person) if each["current"]]
    return found


def again(world, person, client="web"):
    return world.signed_in(person.username, PASSWORD, person.id, client)


def refreshed(person, client="web", **headers):
    form = {"grant_type": "refresh_token", "client_id": client, "refresh_token": person.refresh_token}
    answer = requests.post(person.url + "/oauth/token", data=form, headers=headers)
    if answer.ok:
        CANARIES.update({answer.json()["access_token"], answer.json()["refresh_token"]})
    return answer


def goes_on(person):
    """Whether both tokens of a session are good."""
    known = person.get("/me").status_code
    renewed = refreshed(person).status_code
    assert (known, renewed) in ((200, 200), (401, 400))
    return known == 200


def test_a_session_tells_what_is_known_of_it(world, ann):
    before = current(ann)
    other = again(world, ann, "knetik")

    [newest, oldest] = sessions(ann)

    assert oldest == before
    assert (oldest["current"], newest["current"]) == (True, False)
    assert (current(other)["id"], current(other)["current"]) == (newest["id"], True)
    assert oldest == {
        "id": oldest["id"],
        "user_id": ann.id,
        "client_id": "web",
        "client_name": oldest["client_name"],
        "grant": "password",
        "created_date": oldest["created_date"],
        "last_used_date": oldest["created_date"],
        "expires_date": oldest["created_date"] + 180 * 24 * 3600,
        "address": "127.0.0.1",
        "current": True,
    }
    assert oldest["client_name"]
    assert [each["client_id"] for each in sessions(ann, filter_client_id="knetik")] == ["knetik"]


def test_a_scope_is_told(world, ann):
    form = {"grant_type": "password", "client_id": "web", "username": ann.username, "password": PASSWORD, "scope": "read"}
    told = requests.post(world.url + "/oauth/token", data=form).json()
    limited = Person(world.url, world.channel, told["access_token"])

    assert current(limited)["scope"] == "read"
    assert "scope" not in current(ann)
    # It reads, and ends nothing.
    assert limited.delete("/users/me/sessions").status_code == 403


def test_a_refresh_is_a_use_from_where_it_came(tmp_path):
    deployment = World(settings_for(f"sqlite:///{tmp_path}/gamehall.db", "native", trusted_proxies="127.0.0.1"))
    ann = deployment.person("ann")
    assert (current(ann)["address"], current(ann).get("country")) == ("127.0.0.1", None)

    assert refreshed(ann, **{"x-forwarded-for": "8.8.8.8"}).status_code == 200

    assert (current(ann)["address"], current(ann)["country"]) == ("8.8.8.8", "USA")
    deployment.close()


def test_others_sessions_are_nobodys_business(world, ann, bob, admin):
    hers = current(ann)["id"]

    for stranger in (bob, admin, world.client("ROLE_ADMIN")):
        refusals = {
            stranger.get(f"/users/{ann.id}/sessions").status_code,
            stranger.get(f"/users/{ann.id}/sessions/{hers}").status_code,
            stranger.delete(f"/users/{ann.id}/sessions/{hers}").status_code,
            stranger.delete(f"/users/{ann.id}/sessions").status_code,
        }
        assert refusals in ({404}, {403})
    assert bob.delete(f"/users/me/sessions/{hers}").status_code == 404
    assert goes_on(ann)


def test_one_session_is_ended_and_the_others_go_on(world, ann):
    lost = again(world, ann)

    assert ann.delete(f"/users/me/sessions/{current(lost)['id']}").status_code == 204

    assert (goes_on(lost), goes_on(ann)) == (False, True)
    assert [each["current"] for each in sessions(ann)] == [True]


def test_what_has_ended_is_not_there(world, ann):
    lost = again(world, ann)
    path = f"/users/me/sessions/{current(lost)['id']}"
    assert ann.delete(path).status_code == 204

    assert [ann.get(path).status_code, ann.delete(path).status_code] == [404, 404]


def test_ending_the_current_one_signs_out(ann):
    assert ann.delete(f"/users/me/sessions/{current(ann)['id']}").status_code == 204

    assert not goes_on(ann)


def test_out_everywhere(world, ann, bob):
    others = [again(world, ann), again(world, ann)]

    assert ann.delete("/users/me/sessions").status_code == 204

    assert [goes_on(each) for each in (ann, *others)] == [False] * 3
    assert goes_on(bob)


def test_all_others(world, ann):
    others = [again(world, ann), again(world, ann, "knetik")]
    assert [each.get("/me").status_code for each in others] == [200, 200]

    assert ann.delete("/users/me/sessions", params={"others": "true"}).status_code == 204

    assert goes_on(ann)
    assert [each.get("/me").status_code for each in others] == [401, 401]
    assert len(sessions(ann)) == 1


def test_another_password_ends_all_others(world, ann):
    lost = again(world, ann)
    password = "a quiet rainy afternoon"
    CANARIES.add(password)

    assert ann.put("/users/me/password", {"value": password}).status_code == 200

    assert [each["current"] for each in sessions(ann)] == [True]
    assert (goes_on(ann), goes_on(lost)) == (True, False)


@pytest.mark.parametrize("id", ["0", "x", "1.5", "-7", "9" * 30])
def test_what_is_no_id_ends_nothing(ann, id):
    answer = ann.delete(f"/users/me/sessions/{id}")

    assert answer.status_code in (400, 404), answer.text
    assert goes_on(ann)


def test_it_is_audited(world, ann):
    lost = current(again(world, ann))["id"]
    ann.delete(f"/users/me/sessions/{lost}")
    ann.delete("/users/me/sessions", params={"others": "true"})

    all_others, one = ann.get("/audit/logs").json()["content"]

    assert (one["action_name"], one["details"]["target"]) == ("/gamehall.auth.v1.SessionService/EndSession", f"session:{lost}")
    assert (all_others["action_name"], all_others["details"]["target"]) == (
        "/gamehall.auth.v1.SessionService/EndSessions",
        f"user:{ann.id}",
    )


def test_the_same_over_grpc(world, ann, bob, refused):
    lost = again(world, ann)
    page = ann.grpc.sessions.ListSessions(pb.ListSessionsRequest(user_id="me", order="created_date:ASC"))
    mine, other = page.content
    assert (mine.current, other.current, page.page_info.total_elements) == (True, False, 2)
    assert ann.grpc.sessions.GetSession(pb.GetSessionRequest(user_id="me", id=other.id)).session == other
    with refused("NOT_FOUND"):
        bob.grpc.sessions.EndSession(pb.EndSessionRequest(user_id="me", id=other.id))

    ann.grpc.sessions.EndSession(pb.EndSessionRequest(user_id="me", id=other.id))

    assert not goes_on(lost)
    ann.grpc.sessions.EndSessions(pb.EndSessionsRequest(user_id="me"))
    with refused("UNAUTHENTICATED"):
        ann.grpc.sessions.ListSessions(pb.ListSessionsRequest(user_id="me"))


def test_another_node_knows_within_a_second():
    url = shared_postgres().fresh()
    here, there = World(settings_for(url, "native")), World(settings_for(url, "native"))
    ann = here.person("ann")
    lost = again(here, ann)
    elsewhere = Person(there.url, there.channel, lost.token)
    assert elsewhere.get("/me").status_code == 200

    ann.delete("/users/me/sessions", params={"others": "true"})

    # How soon is measured in test_revocations.py.
    while elsewhere.get("/me").status_code == 200:
        pass
    assert elsewhere.get("/me").status_code == 401
    for node in (here, there):
        node.close()

"""Records of the modules that are records and little else, made anew: templates, what users are to each other, groups, objects, media."""

from typing import Any

from people import CANARIES, PASSWORD, fresh

from tests.contract.callers import Cast
from tests.modules.receivers import receiver

POLL = {"text": "Which?", "type": "TEXT", "active": True, "answers": [{"key": "a", "text": "The first"}]}
SAID = {"context": "video", "context_id": "1", "content": "mine"}
LIKED = {"context": "video", "context_id": "1", "name": "like"}


def a_template(cast: Cast, kind: str) -> dict[str, Any]:
    made = cast.admin.post(f"/templates/{kind}", {"name": fresh("made")})
    assert made.status_code == 201
    return {"id": made.json()["id"]}


def a_trigger(cast: Cast) -> dict[str, Any]:
    told = {"event_name": fresh("made."), "trigger_name": "made", "trigger_description": "made"}
    made = cast.admin.post("/bre/triggers", {**told, "parameters": [{"name": "number", "type": "integer"}]})
    assert made.status_code == 201
    return {"event_name": told["event_name"]}


def a_change_of_a_trigger(cast: Cast) -> dict[str, Any]:
    named = a_trigger(cast)
    return {**named, "trigger": {**named, "trigger_name": "other", "trigger_description": "made"}}


def an_event(cast: Cast) -> dict[str, Any]:
    return {"event": {**a_trigger(cast), "params": {"number": 1}}}


def a_logged_event(cast: Cast) -> dict[str, Any]:
    event = an_event(cast)["event"]
    assert cast.admin.post("/bre/events", event).status_code == 200
    told = cast.admin.get("/bre/logs/event-log", params={"filter_event_name": event["event_name"]}).json()["content"]
    return {"id": told[0]["id"]}


def a_category(cast: Cast) -> dict[str, Any]:
    made = cast.admin.post("/categories", {"name": fresh("made")})
    assert made.status_code == 201
    return {"id": made.json()["id"]}


def a_text(cast: Cast) -> dict[str, Any]:
    return {"title": fresh("made"), "body": "x", "category": {"id": a_category(cast)["id"]}, "active": True}


def an_article(cast: Cast) -> dict[str, Any]:
    made = cast.admin.post("/content/articles", a_text(cast))
    assert made.status_code == 201, made.text
    return {"id": made.json()["id"]}


ADDRESS = {"name": "Home", "first_name": "A", "last_name": "B", "address1": "1 Main", "city": "Oranjestad", "country_code": "ABW"}


def an_address(cast: Cast) -> dict[str, Any]:
    made = cast.owner.post("/users/me/addresses", ADDRESS)
    assert made.status_code == 201, made.text
    return {"user_id": str(cast.owner.id), "id": made.json()["id"]}


def a_relation(cast: Cast) -> dict[str, Any]:
    return {"parent": {"id": cast.owner.id}, "child": {"id": cast.admin.id}, "context": fresh("made")}


def a_relationship(cast: Cast) -> dict[str, Any]:
    made = cast.admin.post("/users/relationships", a_relation(cast))
    assert made.status_code == 201, made.text
    return {"id": made.json()["id"]}


def a_disposition(cast: Cast) -> dict[str, Any]:
    made = cast.owner.post("/dispositions", {"context": "thing", "context_id": fresh("1"), "name": "like"})
    assert made.status_code == 200, made.text
    return {"id": made.json()["id"]}


def two(cast: Cast) -> dict[str, Any]:
    return {"user_id": str(cast.owner.id), "id": cast.admin.id}


def a_bystander(cast: Cast) -> int:
    username = fresh("new")
    made = cast.owner.post("/users", {"username": username, "email": f"{username}@example.com", "password": PASSWORD})
    return int(made.json()["id"])


def a_token_of_the_administrator(cast: Cast) -> dict[str, Any]:
    told = cast.admin.get("/users/me/invite-token")
    assert told.status_code == 200, told.text
    CANARIES.add(told.text)
    return {"user_id": str(cast.owner.id), "token": told.text}


def a_poll(cast: Cast) -> dict[str, Any]:
    made = cast.admin.post("/media/polls", POLL | {"category": a_category(cast)})
    assert made.status_code == 201, made.text
    return {"id": made.json()["id"]}


def an_artist(cast: Cast) -> dict[str, Any]:
    made = cast.owner.post("/media/artists", {"name": fresh("made")})
    assert made.status_code == 201, made.text
    return {"id": made.json()["id"]}


def a_film(cast: Cast) -> dict[str, Any]:
    sizes = {"height": 1, "width": 1, "length": 1}
    return {"name": fresh("made"), "location": "x", "extension": "mp4", **sizes, "category": a_category(cast), "privacy": "public"}


def a_video(cast: Cast, name: str = "id") -> dict[str, Any]:
    made = cast.owner.post("/media/videos", a_film(cast))
    assert made.status_code == 201, made.text
    return {name: made.json()["id"]}


def about_a_video(cast: Cast, what: str, body: Any, name: str = "id") -> dict[str, Any]:
    """Something of the owner's about a new video."""
    of = a_video(cast, "video_id")
    made = cast.owner.post(f"/media/videos/{of['video_id']}/{what}", body)
    assert made.ok, made.text
    return of | {name: made.json()["id"]}


def a_viewer(cast: Cast) -> dict[str, Any]:
    of = a_video(cast, "video_id")
    assert cast.owner.post(f"/media/videos/{of['video_id']}/whitelist", cast.admin.id).status_code == 201
    return of | {"id": cast.admin.id}


def a_contribution(cast: Cast) -> dict[str, Any]:
    of = a_video(cast, "video_id")
    return of | {"contribution": {"artist": an_artist(cast), "media": {"id": of["video_id"]}, "role": "editor"}}


def a_contributor(cast: Cast) -> dict[str, Any]:
    asked = a_contribution(cast)
    assert cast.owner.post(f"/media/videos/{asked['video_id']}/contributors", asked["contribution"]).status_code == 201
    return {"video_id": asked["video_id"], "id": asked["contribution"]["artist"]["id"]}


def a_report(cast: Cast) -> dict[str, Any]:
    thing = fresh("1")
    assert cast.owner.post("/moderation/flags", {"context": "thing", "context_id": thing}).status_code == 201
    return {"id": cast.admin.get("/moderation/reports", params={"filter_context_id": thing}).json()["content"][0]["id"]}


def a_group(cast: Cast) -> dict[str, Any]:
    made = cast.admin.post("/users/groups", {"name": fresh("made"), "status": "open"})
    assert made.status_code == 201, made.text
    return {"unique_name": made.json()["unique_name"]}


def a_member(cast: Cast, status: str = "member") -> dict[str, Any]:
    group = a_group(cast)
    body = {"user": {"id": cast.owner.id}, "status": status}
    assert cast.admin.post(f"/users/groups/{group['unique_name']}/members", body).status_code == 201
    return group | {"user_id": str(cast.owner.id)}


def a_moderated_group(cast: Cast) -> dict[str, Any]:
    return {"unique_name": a_member(cast, "moderator")["unique_name"], "group": {"name": "other"}}


def an_object(cast: Cast) -> dict[str, Any]:
    of = a_template(cast, "object")["id"]
    made = cast.admin.post(f"/objects/{of}", {"name": "made"})
    assert made.status_code == 201, made.text
    return {"template_id": of, "object_id": made.json()["id"]}


def a_game(cast: Cast) -> dict[str, Any]:
    body = {"name": fresh("made"), "owner": {"id": cast.owner.id}, "callback_url": f"{receiver().base}/made"}
    made = cast.admin.post("/kongregate/games", body)
    assert made.status_code == 201, made.text
    CANARIES.add(made.json()["api_key"])
    return {"id": made.json()["id"]}


def related(cast: Cast) -> dict[str, Any]:
    return {"to": a_video(cast), "relationship_details": "sequel"}


def in_contract(told: dict[str, Any]) -> dict[str, Any]:
    """A film or a poll with the contract's own words."""
    words = {"privacy": "VIDEO_PRIVACY_PUBLIC", "type": "POLL_TYPE_TEXT"}
    return {name: words.get(name, value) for name, value in told.items()}

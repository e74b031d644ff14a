"""Videos: who sees them, what is attached to them, and what moderation does."""

from concurrent.futures import ThreadPoolExecutor

from people import fresh

from tests.modules.templated import refused_for
from tests.modules.test_articles import category
from tests.modules.test_friendships import asks


def body(admin, **more):
    told = {"name": fresh("Film"), "location": "https://cdn.example/a.mp4", "extension": "mp4", "height": 720, "width": 1280, "length": 95}
    return {**told, "category": {"id": category(admin)}, "privacy": "public", **more}


def video(person, admin, **more):
    answer = person.post("/media/videos", body(admin, **more))
    assert answer.status_code == 201, answer.text
    return answer.json()


def sees(person, id):
    status = person.get(f"/media/videos/{id}").status_code
    assert status in (200, 404)
    wanted = {"order": "id:DESC", "size": 100, "exclude_flagged": "false"}
    listed = [each["id"] for each in person.get("/media/videos", params=wanted).json()["content"]]
    assert (id in listed) is (status == 200)
    return status == 200


def artist(person):
    answer = person.post("/media/artists", {"name": fresh("Owls")})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def test_a_video_is_its_uploaders_with_what_is_true_unless_told(admin, ann):
    made = video(ann, admin, privacy=None, uploader={"id": admin.id})

    assert (made["uploader"]["id"], made["privacy"], made["published"], made["priority"]) == (ann.id, "private", True, 100)
    assert (made["active"], made["banned"], made["views"], made["contributors"], made["comments"]) == (True, False, 0, [], [])
    # Others may have spoken of a video of this number.
    assert ann.get(f"/media/videos/{made['id']}").json() | {"comments": []} == made


def test_who_sees_a_video(admin, ann, bob, world):
    friend, listed = world.person("friend"), world.person("listed")
    asks(ann, friend)
    asks(friend, ann)

    def seen(**more):
        id = video(ann, admin, **more)["id"]
        assert ann.post(f"/media/videos/{id}/whitelist", {"value": listed.id}).status_code == 201
        return [sees(person, id) for person in (ann, admin, friend, listed, bob)], id

    private, id = seen(privacy="private")
    assert private == [True, True, False, True, False]
    assert seen(privacy="friends")[0] == [True, True, True, True, False]
    assert seen(privacy="public")[0] == [True] * 5
    assert seen(privacy="public", published=False)[0] == [True, True, False, False, False]
    assert ann.delete(f"/media/videos/{id}/whitelist/{listed.id}").status_code == 202
    assert not sees(listed, id)
    assert ann.delete(f"/media/videos/{id}/whitelist/{listed.id}").status_code == 404
    assert refused_for(ann.post(f"/media/videos/{id}/whitelist", {"value": 2**31 - 1})) == {"value": "no user has this id"}


def test_nobody_changes_the_video_of_another(admin, ann, bob):
    made = video(ann, admin)
    path = f"/media/videos/{made['id']}"

    for answer in (bob.put(path, body(admin)), bob.delete(path), bob.post(f"{path}/whitelist", {"value": bob.id})):
        assert answer.status_code == 404
    assert ann.put(path, body(admin, name="Other", uploader={"id": bob.id})).status_code == 204
    assert (ann.get(path).json()["name"], ann.get(path).json()["uploader"]["id"]) == ("Other", ann.id)
    assert admin.put(path, body(admin, uploader={"id": bob.id})).status_code == 204
    assert bob.get(path).json()["uploader"]["id"] == bob.id
    assert admin.put(path, body(admin)).status_code == 204
    assert "uploader" not in admin.get(path).json()


def test_views_are_counted_exactly(admin, ann, nobody):
    id = video(ann, admin)["id"]

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(lambda _: nobody.post(f"/media/videos/{id}/views").status_code, range(50)))

    assert statuses == [204] * 50
    assert ann.get(f"/media/videos/{id}").json()["views"] == 50
    hidden = video(ann, admin, privacy="private")["id"]
    assert nobody.post(f"/media/videos/{hidden}/views").status_code == 404


def test_artists_contribute_to_videos(admin, ann, nobody):
    made, who = video(ann, admin), artist(ann)
    path = f"/media/videos/{made['id']}"

    def contribute(role, media=made["id"]):
        return ann.post(f"{path}/contributors", {"artist": {"id": who}, "media": {"id": media}, "role": role})

    assert [contribute(role).status_code for role in ("director", "editor", "editor")] == [201] * 3
    assert [each["role"] for each in ann.get(path).json()["contributors"]] == ["director", "editor"]
    shown = nobody.get(f"/media/artists/{who}", params={"show_contributions": 1}).json()
    assert (shown["contribution_count"], shown["contributions"][0]["media"]["name"]) == (2, made["name"])
    assert len(shown["contributions"]) == 1
    assert [each["id"] for each in nobody.get("/media/videos", params={"filter_videos_by_contributor": who}).json()["content"]] == [
        made["id"]
    ]
    assert refused_for(contribute("actor", made["id"] + 1)) == {"media.id": "must be the video"}
    assert refused_for(admin.delete(f"/media/artists/{who}")) == {"id": "in use by: contribution"}
    assert refused_for(ann.delete(path)) == {"id": "in use by: contribution"}
    assert ann.delete(f"{path}/contributors/{who}").status_code == 202
    assert ann.delete(f"{path}/contributors/{who}").status_code == 404
    assert nobody.get(f"/media/artists/{who}").json()["contribution_count"] == 0
    assert ann.delete(path).status_code == 204


def test_what_has_the_callers_number_is_shown_as_what_it_is(world, admin):
    """An artist with the number of whoever calls is no user."""
    person, artist = world.person(), None
    while artist is None or artist["id"] != person.id:
        if artist is None or artist["id"] < person.id:
            artist = admin.post("/media/artists", {"name": fresh("artist")}).json()
        else:
            person = world.person()

    made = video(person, admin, author={"id": artist["id"]})

    assert made["author"] == {"id": artist["id"], "name": artist["name"]}
    assert made["uploader"]["username"] == person.username


def test_videos_lead_to_others(admin, ann, bob, nobody):
    first, second = video(ann, admin), video(bob, admin)
    path = f"/media/videos/{first['id']}/related"

    made = ann.post(path, {"to": {"id": second["id"]}, "relationship_details": "sequel"})
    assert made.status_code == 200, made.text
    assert (made.json()["from"]["id"], made.json()["to"]) == (first["id"], {"id": second["id"], "name": second["name"]})
    assert nobody.get(path).json()["content"] == [made.json()]
    assert bob.post(path, {"to": {"id": second["id"]}, "relationship_details": "x"}).status_code == 404
    assert ann.put(f"{path}/{made.json()['id']}/relationship_details", {"value": "prequel"}).status_code == 204
    assert list(refused_for(ann.put(f"{path}/{made.json()['id']}/relationship_details", {"value": "x" * 11}))) == ["value"]

    def found(text):
        return [each["id"] for each in nobody.get("/media/videos", params={"filter_related_to": text}).json()["content"]]

    assert found(f"{second['id']}") == found(f"{second['id']}:prequel") == [first["id"]]
    assert found(f"{second['id']}:sequel") == []
    assert ann.delete(f"{path}/{made.json()['id']}").status_code == 204
    assert nobody.get(path).json()["content"] == []


def test_what_is_said_of_a_video_is_said_of_its_context(admin, ann, bob, nobody):
    id = video(ann, admin)["id"]
    path = f"/media/videos/{id}"

    said = bob.post(f"{path}/comments", {"context": "x", "context_id": "y", "content": "Nice."})
    assert said.status_code == 200, said.text
    assert (said.json()["context"], said.json()["context_id"]) == ("video", str(id))
    assert nobody.get(f"{path}/comments").json()["content"] == [said.json()]
    assert nobody.get("/comments", params={"context": "video", "context_id": id}).json()["total_elements"] == 1
    assert bob.get(path).json()["comments"] == [said.json()]
    assert ann.put(f"{path}/comments/{said.json()['id']}/content", {"value": "Mine"}).status_code == 404
    assert bob.put(f"{path}/comments/{said.json()['id']}/content", {"value": "Nicer."}).status_code == 204
    assert nobody.get(f"{path}/comments").json()["content"][0]["content"] == "Nicer."
    liked = bob.post(f"{path}/dispositions", {"context": "x", "context_id": "y", "name": "like"})
    assert liked.status_code == 200, liked.text
    assert nobody.get(f"{path}/dispositions").json()["content"] == [liked.json()]
    assert [each["id"] for each in bob.get("/media/videos", params={"filter_disposition": "me:like"}).json()["content"]] == [id]
    assert refused_for(ann.delete(path)) == {"id": "in use by: comment"}
    assert bob.delete(f"{path}/comments/{said.json()['id']}").status_code == 204
    assert refused_for(ann.delete(path)) == {"id": "in use by: disposition"}
    assert bob.delete(f"{path}/dispositions/{liked.json()['id']}").status_code == 204
    assert ann.delete(path).status_code == 204


def test_what_is_about_a_video_that_one_does_not_see_is_not_there(admin, ann, bob):
    path = f"/media/videos/{video(ann, admin, privacy='private')['id']}"

    for what in ("comments", "dispositions", "related"):
        assert ann.get(f"{path}/{what}").status_code == 200
        assert bob.get(f"{path}/{what}").status_code == 404
    assert bob.post(f"{path}/comments", {"context": "video", "context_id": "1", "content": "x"}).status_code == 404
    assert bob.post(f"{path}/moderation", {"value": "x"}).status_code == 404


def test_videos_are_found(admin, ann, bob, nobody):
    of, word, who = category(admin), fresh("word"), artist(ann)
    id = video(ann, admin, category={"id": of}, name=f"{word} one", tags=[word], author={"id": who})["id"]
    asks(ann, bob)
    asks(bob, ann)

    def found(person=nobody, **filters):
        answer = person.get("/media/videos", params={"filter_category": of, **filters})
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["content"]]

    wanted = {"filter_tagset": word, "filter_videos_by_name": word.upper(), "filter_videos_by_author": who, "filter_has_author": "true"}
    for name, value in {**wanted, "filter_videos_by_uploader": ann.id, "filter_has_uploader": "true", "order": "author:ASC"}.items():
        assert found(**{name: value}) == [id]
    assert found(filter_has_author="false") == found(filter_videos_by_author=who + 1) == []
    assert found(bob, filter_friends="true") == found(admin, filter_friends=bob.id) == [id]
    assert found(ann, filter_friends="true") == []
    assert nobody.get("/media/videos", params={"filter_friends": "true"}).status_code == 400
    assert ann.get("/media/videos", params={"filter_friends": bob.id}).status_code == 403
    assert [each["id"] for each in bob.get(f"/users/{ann.id}/videos").json()["content"]] == [id]


def test_lists_leave_out_what_the_caller_has_flagged(admin, ann, bob):
    of = category(admin)
    id = video(ann, admin, category={"id": of})["id"]

    flagged = bob.post(f"/media/videos/{id}/moderation", {"value": "Not about games."})
    assert (flagged.status_code, flagged.json()["reason"], flagged.json()["context_id"]) == (202, "Not about games.", str(id))

    def listed(person, **more):
        return [each["id"] for each in person.get("/media/videos", params={"filter_category": of, **more}).json()["content"]]

    assert (listed(bob), listed(bob, exclude_flagged="false"), listed(ann)) == ([], [id], [id])
    assert bob.get(f"/users/{ann.id}/videos").json()["content"] == []
    assert bob.delete(f"/media/videos/{id}/moderation").status_code == 204
    assert listed(bob) == [id]


def report_on(admin, id, **more):
    filters = {"filter_context": "video", "filter_context_id": id, **more}
    return admin.get("/moderation/reports", params=filters).json()["content"]


def test_a_banned_video_is_shown_to_nobody_else(admin, ann, bob):
    id = video(ann, admin)["id"]
    for person in (ann, bob):
        assert person.post("/moderation/flags", {"context": "video", "context_id": str(id), "reason": "x"}).status_code == 201
    (report,) = report_on(admin, id)
    path = f"/moderation/reports/{report['id']}"
    assert "resolved" not in report

    assert refused_for(admin.put(path, {"resolution": "banned"})) == {"reason": "a ban needs a reason"}
    assert admin.put(path, {"resolution": "banned", "reason": "Not about games."}).status_code == 204
    assert (sees(bob, id), sees(ann, id)) == (False, True)
    assert (ann.get(f"/media/videos/{id}").json()["banned"], ann.get(f"/media/videos/{id}").json()["active"]) == (True, False)
    assert report_on(admin, id) == []
    (decided,) = report_on(admin, id, exclude_resolved="false")
    assert decided["resolution"] == "banned"
    assert decided["resolved"] > 0
    assert admin.put(path, {"resolution": "ignored"}).status_code == 204
    assert sees(bob, id)
    assert ann.get("/moderation/reports").status_code == 403


def test_each_flags_once_and_for_nobody_else(admin, ann, bob):
    thing = fresh("thing")
    flag = {"context": "level", "context_id": thing}

    assert ann.post("/moderation/flags", flag).json()["user"]["id"] == ann.id
    assert list(refused_for(ann.post("/moderation/flags", flag))) == ["context", "context_id", "user"]
    assert ann.post("/moderation/flags", {**flag, "user": {"id": bob.id}}).status_code == 403
    assert admin.post("/moderation/flags", {**flag, "user": {"id": bob.id}}).json()["user"]["id"] == bob.id

    def flagged(person):
        found = person.get("/moderation/flags", params={"filter_context_id": thing}).json()["content"]
        return {each["user"]["id"] for each in found}

    assert (flagged(ann), flagged(bob), flagged(admin)) == ({ann.id}, {bob.id}, {ann.id, bob.id})
    gone = {"context_name": "level", "context_id": thing}
    assert ann.delete("/moderation/flags", params={**gone, "user_id": bob.id}).status_code == 404
    assert ann.delete("/moderation/flags", params=gone).status_code == 204
    assert admin.delete("/moderation/flags", params={**gone, "user_id": bob.id}).status_code == 204
    assert flagged(admin) == set()


def test_of_fifty_that_flag_at_once_each_counts_once_in_one_report(world, admin):
    thing, people = fresh("thing"), [world.person("fan") for _ in range(5)]
    flag = {"context": "level", "context_id": thing}

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(lambda number: people[number % 5].post("/moderation/flags", flag).status_code, range(50)))

    assert sorted(statuses) == [201] * 5 + [400] * 45
    assert admin.get("/moderation/flags", params={"filter_context_id": thing}).json()["total_elements"] == 5
    assert admin.get("/moderation/reports", params={"filter_context_id": thing}).json()["total_elements"] == 1

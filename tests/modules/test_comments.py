"""Comments, through both doors."""

from gamehall.comments.v1.comments_pb2 import (
    Comment,
    CreateCommentRequest,
    DeleteCommentRequest,
    GetCommentRequest,
    ListCommentsRequest,
    UpdateCommentRequest,
)

SEED = "This video was very funny, but I hated it anyways!"


def say(person, text, about="370000037"):
    return person.post("/comments", {"context": "video", "context_id": about, "content": text}).json()


def test_a_comment_is_answered_as_the_guide_prints_it(ann):
    answer = ann.post("/comments", {"context": "video", "context_id": "370000037", "content": SEED})

    said = answer.json()
    assert answer.status_code == 200
    assert list(said) == ["id", "context", "context_id", "content", "summary", "created_date", "updated_date", "user"]
    assert said["summary"] == "This video was very funny, but I"
    assert said["user"]["username"] == ann.username
    assert said["created_date"] == said["updated_date"]


def test_a_number_names_the_object_as_well_as_text_does(ann, subject):
    said = ann.post("/comments", {"context": "video", "context_id": 370000037, "content": SEED}).json()

    assert said["context_id"] == "370000037"


def test_a_page_is_answered_as_the_guide_prints_it(ann, subject):
    about = subject()
    first, second = say(ann, "one", about), say(ann, "two", about)

    page = ann.get(f"/comments?context=video&context_id={about}&page=1&size=25&order=created_date:DESC").json()

    assert [comment["id"] for comment in page.pop("content")] == [second["id"], first["id"]]
    assert page == {
        "last": True,
        "total_pages": 1,
        "total_elements": 2,
        "first": True,
        "sort": None,
        "number_of_elements": 2,
        "size": 25,
        "number": 0,
    }


def test_who_walks_misses_nothing_when_comments_come_and_go(ann, subject):
    about = subject()
    ids = [say(ann, str(number), about)["id"] for number in range(7)]

    def page(number):
        return ann.get(f"/comments?context=video&context_id={about}&size=2&page={number}&order=created_date:DESC").json()

    first = page(1)
    new = say(ann, "new", about)
    second = page(2)
    for gone in (ids[6], new["id"]):
        ann.delete(f"/comments/{gone}")
    third, fourth = page(3), page(4)

    walked = [comment["id"] for each in (first, second, third, fourth) for comment in each["content"]]
    assert walked == list(reversed(ids))
    assert [each["total_elements"] for each in (first, second, third, fourth)] == [7, 8, 6, 6]
    assert [each["last"] for each in (first, second, third, fourth)] == [False, False, False, True]
    assert [comment["id"] for comment in page(1)["content"]] == [ids[5], ids[4]]


def test_pages_count_from_one_and_tell_from_zero(ann, subject):
    about = subject()
    ids = [say(ann, str(number), about)["id"] for number in range(5)]

    pages = [ann.get(f"/comments?context=video&context_id={about}&size=2&page={page}").json() for page in (1, 2, 3, 4)]

    assert [[comment["id"] for comment in page["content"]] for page in pages] == [ids[:2], ids[2:4], ids[4:], []]
    assert [page["number"] for page in pages] == [0, 1, 2, 3]
    assert [page["total_elements"] for page in pages] == [5, 5, 5, 5]
    assert [page["last"] for page in pages] == [False, False, True, True]


def test_anyone_reads_comments(ann, nobody, subject):
    about = subject()
    said = say(ann, "hello", about)

    assert nobody.get(f"/comments/{said['id']}").json() == said
    assert nobody.get(f"/comments?context=video&context_id={about}").json()["content"] == [said]


def test_the_author_edits_with_a_wrapped_or_a_bare_text(ann):
    said = say(ann, "first")

    for body, text in (
        (b'{"value": "wrapped"}', "wrapped"),
        (b'"quoted"', "quoted"),
        (b"bare words", "bare words"),
        (b"370000037", "370000037"),
    ):
        assert ann.put(f"/comments/{said['id']}/content", data=body).status_code == 204
        assert ann.get(f"/comments/{said['id']}").json()["content"] == text


def test_an_edit_changes_the_text_and_its_date_alone(ann):
    said = say(ann, "first")

    ann.put(f"/comments/{said['id']}/content", {"value": "second"})

    now = ann.get(f"/comments/{said['id']}").json()
    assert now["content"] == now["summary"] == "second"
    assert now["updated_date"] >= said["updated_date"]
    assert {key: now[key] for key in ("id", "context", "context_id", "created_date", "user")} == {
        key: said[key] for key in ("id", "context", "context_id", "created_date", "user")
    }


def test_another_user_can_neither_edit_nor_delete_it(ann, bob):
    said = say(ann, "mine")

    assert bob.put(f"/comments/{said['id']}/content", {"value": "yours"}).status_code == 404
    assert bob.delete(f"/comments/{said['id']}").status_code == 404
    assert ann.get(f"/comments/{said['id']}").json() == said


def test_an_administrator_edits_and_deletes_any(ann, admin):
    said = say(ann, "rude")

    assert admin.put(f"/comments/{said['id']}/content", {"value": "polite"}).status_code == 204
    assert admin.delete(f"/comments/{said['id']}").status_code == 204
    assert ann.get(f"/comments/{said['id']}").status_code == 404


def test_a_client_comments_without_an_author(world):
    server = world.client("ROLE_USER")

    said = say(server, "from the server")

    assert said["user"] is None
    assert world.nobody().get(f"/comments/{said['id']}").json()["user"] is None


def test_ids_rise_and_are_not_used_again(ann):
    first = say(ann, "one")
    ann.delete(f"/comments/{first['id']}")

    assert say(ann, "two")["id"] > first["id"]


def test_what_only_the_server_writes_is_ignored(ann):
    forged = {"id": 1, "created_date": 1, "summary": "forged", "user": {"id": 1}}
    said = ann.post("/comments", {"context": "video", "context_id": "370000037", "content": "true", **forged}).json()

    assert (said["summary"], said["user"]["id"]) == ("true", ann.id)
    assert said["created_date"] > 1


def test_a_repeated_key_answers_once_more_and_writes_once(ann, subject):
    about = subject()
    body = {"context": "video", "context_id": about, "content": "once"}
    first, again = (ann.post("/comments", body, headers={"Idempotency-Key": "k1"}) for _ in range(2))

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert ann.get(f"/comments?context=video&context_id={about}").json()["total_elements"] == 1
    assert ann.post("/comments", {**body, "content": "twice"}, headers={"Idempotency-Key": "k1"}).status_code == 422


def test_grpc_does_the_same(ann, bob, refused, subject):
    about = subject()
    said = ann.grpc.comments.CreateComment(CreateCommentRequest(comment=Comment(context="video", context_id=about, content=SEED))).comment

    assert (said.summary, said.user.id) == ("This video was very funny, but I", ann.id)
    assert ann.get(f"/comments/{said.id}").json()["content"] == SEED
    with refused("NOT_FOUND"):
        bob.grpc.comments.UpdateComment(UpdateCommentRequest(id=said.id, content="mine now"))
    ann.grpc.comments.UpdateComment(UpdateCommentRequest(id=said.id, content="edited"))
    page = bob.grpc.comments.ListComments(ListCommentsRequest(context="video", context_id=about, size=1))
    assert [comment.content for comment in page.content] == ["edited"]
    assert page.page_info.total_elements == 1
    ann.grpc.comments.DeleteComment(DeleteCommentRequest(id=said.id))
    with refused("NOT_FOUND"):
        ann.grpc.comments.GetComment(GetCommentRequest(id=said.id))

"""Tags: what lists find records by, and the list of all words."""

import pytest
from people import fresh

from tests.modules.templated import refused_for


@pytest.fixture
def category(admin):
    return {"id": admin.post("/categories", {"name": "News"}).json()["id"]}


def article(admin, category, *tags):
    answer = admin.post("/content/articles", {"title": "T", "body": "B", "category": category, "active": True, "tags": list(tags)})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def found(person, **filters):
    return {each["id"] for each in person.get("/content/articles", params={"size": 1000, **filters}).json()["content"]}


def test_records_are_found_by_one_by_all_and_by_none_of_some_tags(admin, nobody, category):
    a, b, c = (fresh("tag") for _ in range(3))
    one, both, other = article(admin, category, a), article(admin, category, a, b, a), article(admin, category, c)

    assert found(nobody, filter_tagset=f"{a},{c}") == {one, both, other}
    assert found(nobody, filter_tag_intersection=f"{a},{b}") == {both}
    assert found(nobody, filter_tagset=a, filter_tag_exclusion=b) == {one}
    assert not found(nobody, filter_tag_intersection=f"{a},{c}")
    assert admin.get(f"/content/articles/{both}").json()["tags"] == [a, b]


def test_other_tags_and_a_deleted_record_are_found_no_more(admin, nobody, category):
    a, b = fresh("tag"), fresh("tag")
    id = article(admin, category, a)
    told = {"title": "T", "body": "B", "category": category, "active": True}

    assert admin.put(f"/content/articles/{id}", {**told, "tags": [b]}).status_code == 200
    assert (found(nobody, filter_tagset=a), found(nobody, filter_tagset=b)) == (set(), {id})
    assert admin.delete(f"/content/articles/{id}").status_code == 204
    assert found(nobody, filter_tagset=b) == set()


def test_a_tag_has_one_to_64_characters(admin, category):
    told = {"title": "T", "body": "B", "category": category, "active": True}

    for tag in (" ", "x" * 65):
        assert list(refused_for(admin.post("/content/articles", {**told, "tags": ["a", tag]}))) == ["tags[1]"]


def test_every_word_of_every_kind_is_listed_once(admin, ann, nobody, category):
    word = fresh("tag")
    words = [f"{word}{letter}" for letter in "abc"]
    article(admin, category, words[0], words[1])
    article(admin, category, words[1])
    assert admin.post(f"/users/{ann.id}/tags", {"value": words[1]}).ok
    assert ann.post("/devices", {"tags": [words[2]]}).status_code == 201

    whole = nobody.get("/tags", params={"size": 1000}).json()
    assert [each for each in whole["content"] if each.startswith(word)] == words
    assert whole["content"] == sorted(set(whole["content"]), key=str.encode)
    assert whole["total_elements"] == len(whole["content"])
    parts = [nobody.get("/tags", params={"size": 2, "page": page}).json() for page in range(1, whole["total_elements"] // 2 + 2)]
    assert [each for part in parts for each in part["content"]] == whole["content"]
    assert [part["last"] for part in parts if part["content"]][-1] is True
    falling = nobody.get("/tags", params={"size": 1000, "order": "tag:DESC"}).json()["content"]
    assert falling == whole["content"][::-1]
    assert list(refused_for(nobody.get("/tags", params={"order": "name"}))) == ["order"]

"""Articles and their categories: who sees what, and what holds what."""

from people import fresh

from tests.modules.templated import EVERY, definition, refused_for, template


def category(admin, **more):
    answer = admin.post("/categories", {"name": fresh("News"), **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def told(category, **more):
    return {"title": "Season two", "body": "It begins today.", "category": {"id": category}, "active": True, **more}


def test_an_article_shows_its_category_tags_and_properties(admin, nobody):
    of, held = category(admin), template(admin, "content/articles", definition("text", "color"))
    properties = {"color": EVERY["text"]}

    made = admin.post("/content/articles", told(of, tags=["b", "a"], template=held, additional_properties=properties)).json()

    assert (made["category"]["id"], made["category"]["active"]) == (of, True)
    assert (made["tags"], made["template"], made["additional_properties"]) == (["a", "b"], held, properties)
    assert nobody.get(f"/content/articles/{made['id']}").json() == made
    listed = nobody.get("/content/articles", params={"filter_category": of, "filter_title": "EASON T"}).json()["content"]
    assert listed == [made]


def test_who_reads_an_article_is_counted(world, admin, nobody):
    id = admin.post("/content/articles", told(category(admin))).json()["id"]
    admin.get("/content/articles", params={"size": 5})
    for _ in range(3):
        assert nobody.get(f"/content/articles/{id}").json()["view_count"] == 0
    assert nobody.get("/content/articles/nothing").status_code == 404

    world.inside(world.server.product.views.keep)

    assert nobody.get(f"/content/articles/{id}").json()["view_count"] == 3
    # What an editor sends of it counts for nothing.
    assert admin.put(f"/content/articles/{id}", told(category(admin), view_count=99)).status_code == 200
    assert nobody.get(f"/content/articles/{id}").json()["view_count"] == 3


def test_an_article_that_is_not_active_is_there_for_its_administrators_alone(admin, nobody):
    of = category(admin)
    hidden = admin.post("/content/articles", told(of, active=False)).json()["id"]
    shown = admin.post("/content/articles", told(of)).json()["id"]

    def listed(person, **filters):
        return [each["id"] for each in person.get("/content/articles", params={"filter_category": of, **filters}).json()["content"]]

    assert nobody.get(f"/content/articles/{hidden}").status_code == 404
    assert listed(nobody) == listed(admin, filter_active_only="true") == [shown]
    assert listed(admin) == [hidden, shown]


def test_a_category_stays_while_an_article_is_in_it(admin):
    of = category(admin)
    id = admin.post("/content/articles", told(of)).json()["id"]

    assert refused_for(admin.delete(f"/categories/{of}")) == {"id": "in use by: article"}
    assert admin.delete(f"/content/articles/{id}").status_code == 204
    assert admin.delete(f"/categories/{of}").status_code == 204
    assert refused_for(admin.post("/content/articles", told(of))) == {"category.id": "no category has this id"}


def test_a_category_has_the_id_that_it_was_given_or_another(admin):
    id = fresh("news-")

    assert category(admin, id=id) == id
    assert refused_for(admin.post("/categories", {"id": id, "name": "x"})) == {"id": "already taken"}
    for wrong in ("a b", "a/b", "templates", "..", "x" * 65):
        assert list(refused_for(admin.post("/categories", {"id": wrong, "name": "x"}))) == ["id"]
    assert len(category(admin)) == 24


def test_a_category_that_is_not_active_hides_from_everybody_else(admin, nobody):
    of = category(admin, active=False)

    assert nobody.get(f"/categories/{of}").status_code == 404
    assert admin.get(f"/categories/{of}").json()["active"] is False
    hidden = admin.get("/categories", params={"filter_active": "false", "size": 1000}).json()["content"]
    assert [each["id"] for each in hidden].count(of) == 1

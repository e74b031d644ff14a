"""Categories of triggers and actions: there from the start, and told of by the application."""

from gamehall_server.kit.events import declared
from gamehall_server.modules.rules.actions import ACTIONS
from gamehall_server.modules.rules.categories import CATEGORIES

from tests.modules.templated import EVERY, definition, refused_for, template

PATH = "/bre/categories"
RED = EVERY["text"]


def listed(person, **asked):
    answer = person.get(PATH, params={"size": 100, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_category_is_there_from_the_start(admin):
    page = listed(admin)

    assert [each["name"] for each in page["content"]] == sorted(CATEGORIES)
    assert page["total_elements"] == 22
    assert admin.get(f"{PATH}/wallet").json() == {"name": "wallet", "additional_properties": {}}
    assert [each["name"] for each in listed(admin, size=2, page=2, order="name:DESC")["content"]] == ["subscription", "store"]


def test_what_triggers_and_actions_are_about_is_one_of_them():
    assert {each.category for each in (*declared().values(), *ACTIONS.values())} <= set(CATEGORIES)


def test_a_category_tells_what_the_application_says_of_it(admin):
    held = template(admin, "bre/categories", {**definition("text", "color"), "required": True})
    told = {"template": held, "additional_properties": {"color": RED}}

    changed = admin.put(f"{PATH}/media", {"name": "other", **told})

    assert (changed.status_code, changed.json()) == (200, {"name": "media", **told})
    assert admin.get(f"{PATH}/media").json() == {"name": "media", **told}
    assert {"name": "media", **told} in listed(admin)["content"]
    assert admin.get(f"{PATH}/other").status_code == 404


def test_what_its_template_forbids_changes_nothing(admin):
    held = template(admin, "bre/categories", {**definition("text", "color"), "required": True})
    before = admin.get(f"{PATH}/store").json()

    of_others = admin.put(f"{PATH}/store", {"template": template(admin, "categories")})

    assert refused_for(admin.put(f"{PATH}/store", {"template": held})) == {"additional_properties.color": "required"}
    assert refused_for(of_others) == {"template": "no template of this kind has this id"}
    assert admin.get(f"{PATH}/store").json() == before


def test_a_template_that_a_category_has_goes_only_when_it_may_lose_it(admin):
    held = template(admin, "bre/categories", definition("text", "color"))
    assert admin.put(f"{PATH}/friends", {"template": held, "additional_properties": {"color": RED}}).status_code == 200

    assert "id" in refused_for(admin.delete(f"{PATH}/templates/{held}"))
    assert admin.delete(f"{PATH}/templates/{held}", params={"cascade": "detach"}).status_code == 204
    assert admin.get(f"{PATH}/friends").json() == {"name": "friends", "additional_properties": {"color": RED}}


def test_there_are_no_others(admin):
    assert list(refused_for(admin.get(f"{PATH}/dragon"), 404)) == ["name"]
    assert list(refused_for(admin.put(f"{PATH}/dragon", {}), 404)) == ["name"]
    assert admin.post(PATH, {"name": "dragon"}).status_code == 405
    assert admin.delete(f"{PATH}/wallet").status_code == 405


def test_users_read_them_and_administrators_change_them(ann, nobody):
    assert listed(ann)["content"][0]["name"] == "achievement"
    assert ann.put(f"{PATH}/wallet", {}).status_code == 403
    assert ann.get(f"{PATH}/templates").status_code == 403
    assert nobody.get(PATH).status_code == 401

"""The calls that the published SDK makes here: those of calls.json, and the same ones for every family of templates."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.sdk.steps_of_media import BEHAVIORS, of_media
from tests.sdk.steps_of_rules import of_rules

Call = dict[str, Any]
ADMIN = {"token": "$given.admin"}
# Every family: the tag and the noun of its operations, and what they call a body.
FAMILIES = (
    ("Users", "UserTemplate", "userTemplateResource"),
    ("Categories", "CategoryTemplate", "template"),
    ("Devices", "DeviceTemplate", "deviceTemplateResource"),
    ("ContentArticles", "ArticleTemplate", "articleTemplateResource"),
    ("UsersGroups", "GroupTemplate", "groupTemplateResource"),
    ("UsersGroups", "GroupMemberTemplate", "groupMemberTemplateResource"),
    ("MediaArtists", "ArtistTemplate", "artistTemplateResource"),
    ("MediaPolls", "PollTemplate", "pollTemplateResource"),
    ("MediaVideos", "VideoTemplate", "videoTemplateResource"),
)
# What a definition of each type can say beside what all can.
SIZES = {"max_height": 600, "max_width": 800, "min_height": 6, "min_width": 8}
LENGTHS = {"max_length": 60, "min_length": 1}
COUNTS = {"max_count": 9, "min_count": 0, "max_file_size": 2**33, "file_type": "image/*"}
LIMITS: dict[str, Call] = {
    "text": {"max_length": 100},
    "formatted_text": {"max_length": 1000},
    "integer": {"min": -5, "max": 5},
    "long": {"min": -(2**40), "max": 2**40},
    "double": {"min": -0.5, "max": 0.5},
    "boolean": {},
    "date": {"min": 0, "max": 2**40},
    "file": {"file_type": "text/plain", "max_file_size": 2**33},
    "image": {"file_type": "image/png", **SIZES},
    "video": {"file_type": "video/mp4", **SIZES, **LENGTHS},
    "audio": {"file_type": "audio/ogg", **LENGTHS},
    "file_group": COUNTS,
    "image_group": {**COUNTS, **SIZES},
    "video_group": {**COUNTS, **SIZES, **LENGTHS},
    "audio_group": {**COUNTS, **LENGTHS},
    "list": {"min_count": 0, "max_count": 3},
    "map": {"allow_additional": True},
}
WORDS = {
    "friendly_name": "What it is called",
    "description": "What it is for",
    "options_url": "https://x.example/options",
    "option_label_path": "path.to.label",
    "option_value_path": "path.to.value",
}


def _model(word: str, ending: str) -> str:
    return "".join(part.capitalize() for part in word.split("_")) + ending


def definitions() -> list[Call]:
    """A definition of every type, with all that it can say."""
    made = [
        {"$model": _model(word, "PropertyDefinitionResource"), "type": word, "name": word, "required": False, **WORDS, **limits}
        for word, limits in LIMITS.items()
    ]
    told = {each["type"]: each for each in made}
    told["text"] |= {"indexed": True, "default_value": {"type": "text", "value": "red"}}
    inner = {"$model": "TextPropertyDefinitionResource", "type": "text", "name": "each", "required": True}
    told["list"]["value_definition"] = inner
    told["map"]["properties"] = [inner]
    return made


def _file(word: str) -> Call:
    told = {"url": "https://x.example/a", "file_type": LIMITS[word]["file_type"], "crc": "5a", "description": "What it shows"}
    return {"$model": _model(word, "Property"), "type": word, **told}


def properties() -> Call:
    """A property of every type, as the definitions want them."""
    values = {
        "text": "blue",
        "formatted_text": "<b>blue</b>",
        "integer": 5,
        "long": 2**40,
        "double": 0.25,
        "boolean": True,
        "date": 1_500_000_000,
    }
    made: Call = {word: {"$model": _model(word, "Property"), "type": word, "value": value} for word, value in values.items()}
    for word in ("file", "image", "video", "audio"):
        made[word] = _file(word)
        made[f"{word}_group"] = {
            "$model": _model(f"{word}_group", "Property"),
            "type": f"{word}_group",
            "files": [_file(word) | {"file_type": "image/webp"}],
        }
    made["list"] = {"$model": "ListProperty", "type": "list", "values": [made["text"]]}
    made["map"] = {"$model": "MapProperty", "type": "map", "map": {"each": made["text"], "more": made["long"]}}
    return made


def family(tag: str, noun: str, parameter: str, model: str = "TemplateResource", **more: Any) -> Iterator[Call]:
    """The calls of one family of templates."""
    body = {"$model": model, "name": "Hero", "allow_additional": False, "properties": definitions(), **more}
    here, one = f"${noun}.id", f"{tag}.{{}}{noun}"
    whole = {parameter: body}
    bare = {parameter: {"$model": model, "name": "Villain"}}
    yield {"call": one.format("create"), **ADMIN, "name": noun, "status": 201, "tells": {"name": "Hero"}, "vary": ["name"], "with": [whole]}
    yield {
        "call": one.format("create"),
        **ADMIN,
        "refused": 400,
        "field": "name",
        "with": [{parameter: {"$model": model}}],
    }
    yield {"call": one.format("get"), **ADMIN, "tells": {"id": here, "properties": f"${noun}.properties"}, "with": [here]}
    yield {"call": one.format("get"), **ADMIN, "refused": 404, "field": "id", "with": ["none"]}
    yield {"call": one.format("get") + "s", **ADMIN, "with": [{"order": "id:DESC", "size": 2}]}
    yield {"call": one.format("get") + "s", "refused": 401}
    yield {"call": one.format("update"), **ADMIN, "tells": {"id": here, "name": "Villain"}, "vary": ["name"], "with": [here, bare]}
    yield {"call": one.format("update"), **ADMIN, "refused": 404, "field": "id", "with": ["none", bare]}
    yield {"call": one.format("delete"), **ADMIN, "refused": 400, "field": "cascade", "with": [here, {"cascade": "all"}]}
    yield {"call": one.format("delete"), **ADMIN, "with": [here, {"cascade": "detach"}]}


def of_kinds() -> Iterator[Call]:
    """The calls that serve every kind, and what is held to a template."""
    create, noun = "ContentArticles.createTemplate", "$any.id"
    held = {"template": {"$model": "TemplateResource", "name": "Hero", "properties": definitions()}}
    record = {"template": noun, "additional_properties": properties()}
    yield {"call": create, **ADMIN, "name": "any", "status": 201, "vary": ["name"], "with": ["category", held]}
    yield {"call": create, **ADMIN, "refused": 404, "field": "type_hint", "with": ["dragon", held]}
    yield {"call": "ContentArticles.getTemplate", **ADMIN, "tells": {"id": noun}, "with": ["category", noun]}
    yield {"call": "ContentArticles.getTemplate", **ADMIN, "refused": 404, "field": "id", "with": ["user", noun]}
    yield {"call": "ContentArticles.getTemplates", **ADMIN, "with": ["category", {"order": "id:DESC", "size": 2}]}
    yield {"call": "ContentArticles.getTemplates", "refused": 401, "with": ["category", {}]}
    call = {"call": "ContentArticles.validate", **ADMIN}
    yield {**call, "status": 200, "vary": [], "with": ["category", {"resource": {"$model": "BasicTemplatedResource", **record}}]}
    wrong = {"$model": "BasicTemplatedResource", "template": noun, "additional_properties": {"integer": {"type": "integer", "value": 6}}}
    yield {**call, "refused": 400, "field": "additional_properties.integer.value", "with": ["category", {"resource": wrong}]}
    kept = {"name": "$given.config", "active": True, **record}
    body = {"$model": "CategoryResource", **kept}
    one = {"call": "Categories.createCategory", **ADMIN}
    told = _bare(properties())
    yield {
        **one,
        "name": "category",
        "status": 201,
        "vary": ["name"],
        "tells": {"name": "$given.config", "additional_properties": told},
        "with": [{"category": body}],
    }
    yield {
        **one,
        "refused": 400,
        "field": "template",
        "with": [{"category": {"$model": "CategoryResource", "name": "x", "template": "none"}}],
    }
    yield {"call": "Categories.getCategory", "tells": {"id": "$category.id", "additional_properties": told}, "with": ["$category.id"]}
    yield {"call": "Categories.getCategory", "refused": 404, "field": "id", "with": ["none"]}
    yield {
        "call": "Categories.getCategories",
        "tells": {"content": ["$category"]},
        "with": [{"filterSearch": "$given.config", "order": "id:DESC", "size": 1}],
    }
    yield {"call": "Categories.getCategories", "refused": 400, "field": "order", "with": [{"order": "color"}]}
    other = {"category": {"$model": "CategoryResource", "name": "Other", "template": noun}}
    yield {"call": "Categories.updateCategory", **ADMIN, "tells": {"id": "$category.id"}, "vary": ["name"], "with": ["$category.id", other]}
    yield {"call": "Categories.updateCategory", **ADMIN, "refused": 404, "field": "id", "with": ["none", other]}
    yield {"call": "Categories.deleteCategory", **ADMIN, "with": ["$category.id"]}
    yield {"call": "Categories.deleteCategory", **ADMIN, "refused": 404, "field": "id", "with": ["$category.id"]}
    bare = {"template": {"$model": "TemplateResource", "name": "Villain"}}
    yield {
        "call": "ContentArticles.updateTemplate",
        **ADMIN,
        "tells": {"name": "Villain"},
        "vary": ["name"],
        "with": ["category", noun, bare],
    }
    yield {"call": "ContentArticles.updateTemplate", **ADMIN, "refused": 404, "field": "id", "with": ["category", "none", bare]}
    yield {"call": "ContentArticles.deleteTemplate", **ADMIN, "with": ["category", noun, {"cascade": "detach"}]}
    yield {"call": "ContentArticles.deleteTemplate", **ADMIN, "refused": 404, "field": "id", "with": ["category", noun, {}]}
    yield {"call": "TemplatesProperties.getTemplatePropertyTypes"}
    yield {"call": "TemplatesProperties.getTemplatePropertyType", "tells": {"property_type": "text"}, "with": ["text"]}
    yield {"call": "TemplatesProperties.getTemplatePropertyType", "refused": 404, "field": "type", "with": ["tint"]}


def standard(one: Call, calls: dict[str, str], body: Call, *, at: tuple[str, ...] = (), **tells: Any) -> Iterator[Call]:
    """The five calls about records of one kind. `one` names it: tag, noun, what the SDK calls a body, a field whose absence is refused, one
    that varies; `calls`: its five operations; `at`: what its path has before its id; `tells`: what a list is asked, and a second body."""
    tag, here, parameter = one["tag"], f"${one['noun']}.id", one["parameter"]
    without = {key: value for key, value in body.items() if key != one["needs"]}
    made = {**ADMIN, "name": one["noun"], "status": one.get("status", 201), "vary": one["vary"], "with": [*at, {parameter: body}]}
    yield {"call": f"{tag}.{calls['create']}", **made}
    yield {"call": f"{tag}.{calls['create']}", **ADMIN, "refused": 400, "field": one["needs"], "with": [*at, {parameter: without}]}
    yield {"call": f"{tag}.{calls['get']}", **ADMIN, "tells": {"id": here}, "with": [*at, here]}
    yield {"call": f"{tag}.{calls['get']}", **ADMIN, "refused": 404, "field": "id", "with": [*at, one["none"]]}
    yield {"call": f"{tag}.{calls['list']}", **ADMIN, "with": [*at, {"size": 2, **tells.get("asked", {})}]}
    yield {"call": f"{tag}.{calls['list']}", **ADMIN, "refused": 400, "field": "order", "with": [*at, {"order": "nothing"}]}
    if "update" in calls:
        other = {parameter: {**body, **tells["other"]}}
        answered = {} if one.get("silent") else {"tells": {"id": here}}
        yield {"call": f"{tag}.{calls['update']}", **ADMIN, **answered, "vary": one.get("varied", one["vary"]), "with": [*at, here, other]}
        yield {"call": f"{tag}.{calls['update']}", **ADMIN, "refused": 404, "field": "id", "with": [*at, one["none"], other]}
    yield {"call": f"{tag}.{calls['delete']}", **ADMIN, "refused": 404, "field": "id", "with": [*at, one["none"]]}


def records() -> Iterator[Call]:
    """Articles, addresses, relationships, dispositions and tags. What was made stays: later calls show it."""
    news = {"$model": "CategoryResource", "name": "News", "active": True}
    yield {"call": "Categories.createCategory", **ADMIN, "name": "news", "status": 201, "vary": ["name"], "with": [{"category": news}]}
    nested = {"$model": "NestedCategory", "id": "$news.id"}
    article = {"$model": "ArticleResource", "title": "Season two", "body": "It begins today.", "category": nested, "active": True}
    article |= {"tags": ["beta"], "template": "$texts.id", "additional_properties": {"color": properties()["text"]}}
    verbs = ("create", "get", "update", "delete")
    calls = {**{verb: f"{verb}Article" for verb in verbs}, "list": "getArticles"}
    one = {
        "tag": "ContentArticles",
        "noun": "article",
        "parameter": "articleResource",
        "needs": "title",
        "none": "none",
        "vary": ["title", "body"],
    }
    yield from standard(one, calls, article, asked={"filterTagset": "beta", "filterTitle": "eason"}, other={"title": "Season three"})
    yield {"call": "Categories.getTags", "with": [{"size": 3}]}
    yield {"call": "Categories.getTags", "refused": 400, "field": "page", "with": [{"page": -1}]}
    yield {"call": "ContentArticles.deleteArticle", **ADMIN, "with": ["$article.id"]}

    address = {"$model": "SavedAddressResource", "name": "Home", "first_name": "Jane", "last_name": "Doe", "address1": "1 Main Street"}
    address |= {"address2": "Floor 2", "city": "Orlando", "country_code": "USA", "state_code": "FL", "postal_code": "32801"}
    address |= {"phone1": "+14076658943", "phone2": "+14076658944", "default": True}
    calls = {**{verb: f"{verb}Address" for verb in verbs}, "list": "getAddresses"}
    one = {"tag": "UsersAddresses", "noun": "address", "parameter": "savedAddressResource", "needs": "city", "none": "2147483647"}
    one["vary"] = ["name", "first_name", "last_name", "address1", "address2", "city", "postal_code", "phone1"]
    yield from standard(one, calls, address, at=("$user.id",), other={"city": "Tampa"})
    yield {"call": "UsersAddresses.deleteAddress", **ADMIN, "with": ["$user.id", "$address.id"]}

    parent, child = ({"$model": "SimpleUserResource", "id": id} for id in ("$given.forgetful", "$user.id"))
    relation = {"$model": "UserRelationshipResource", "parent": parent, "child": child, "context": "coach"}
    calls = {**{verb: f"{verb}UserRelationship" for verb in verbs}, "list": "getUserRelationships"}
    one = {"tag": "UsersRelationships", "noun": "relation", "parameter": "relationship", "needs": "child", "none": "2147483647"}
    # A change to what another one is already is refused.
    one |= {"vary": ["context"], "varied": []}
    yield from standard(one, calls, relation, other={"context": "friend"})
    yield {"call": "Users.getUser", **ADMIN, "with": ["$user.id"]}
    yield {"call": "Users.getUser", **ADMIN, "with": ["$given.forgetful"]}
    yield {"call": "UsersRelationships.deleteUserRelationship", **ADMIN, "with": ["$relation.id"]}

    like = {"$model": "DispositionResource", "context": "video", "context_id": "37", "name": "like", "user": child}
    calls = {"create": "addDisposition", "get": "getDisposition", "list": "getDispositions", "delete": "deleteDisposition"}
    one = {"tag": "Dispositions", "noun": "like", "parameter": "disposition", "needs": "name", "none": "2147483647", "status": 200}
    one["vary"] = ["name", "context", "context_id"]
    yield from standard(one, calls, like, asked={"filterContext": "video:37", "filterOwner": "$user.id"})
    yield {"call": "Dispositions.getDispositionCounts", "with": [{"filterContext": "video:37"}]}
    yield {"call": "Dispositions.getDispositionCounts", "refused": 400, "field": "filter_owner", "with": [{"filterOwner": "nobody"}]}
    yield {"call": "Dispositions.deleteDisposition", **ADMIN, "with": ["$like.id"]}


def friends() -> Iterator[Call]:
    """Two who ask, say yes, part, and become friends again by a token."""
    tag, user, other = "UsersFriendships", "$user.id", "$given.forgetful"
    nobody = "2147483647"
    yield {"call": f"{tag}.addFriend", **ADMIN, "status": 200, "with": [other, user]}
    yield {"call": f"{tag}.addFriend", **ADMIN, "refused": 404, "field": "id", "with": [user, nobody]}
    yield {"call": f"{tag}.getInvites", **ADMIN, "tells": {"total_elements": 1}, "with": [user, {}]}
    yield {"call": f"{tag}.getInvites", **ADMIN, "refused": 404, "field": "user_id", "with": [nobody, {}]}
    yield {"call": f"{tag}.addFriend", **ADMIN, "status": 200, "with": [user, other]}
    yield {"call": f"{tag}.getFriends", **ADMIN, "tells": {"total_elements": 1}, "with": [user, {"filterUserId": other}]}
    yield {"call": f"{tag}.getFriends", **ADMIN, "refused": 404, "field": "user_id", "with": [nobody, {}]}
    yield {"call": f"{tag}.removeOrDeclineFriend", **ADMIN, "status": 200, "with": [user, other]}
    yield {"call": f"{tag}.removeOrDeclineFriend", **ADMIN, "refused": 400, "field": "id", "with": [user, user]}
    yield {"call": f"{tag}.getInviteToken", **ADMIN, "name": "invited", "with": [other]}
    yield {"call": f"{tag}.getInviteToken", **ADMIN, "refused": 404, "field": "user_id", "with": [nobody]}
    redeem = {"call": f"{tag}.redeemFriendshipToken", **ADMIN}
    wrong = {"$model": "StringWrapper", "value": "1.none"}
    yield {**redeem, "refused": 400, "field": "value", "vary": ["value:word"], "with": [user, {"token": wrong}]}
    yield {**redeem, "status": 201, "with": [user, {"token": {"$model": "StringWrapper", "value": "$invited"}}]}


def _bare(value: Any) -> Any:
    """A value without the names of the SDK's models."""
    if isinstance(value, dict):
        return {key: _bare(each) for key, each in value.items() if key != "$model"}
    return [_bare(each) for each in value] if isinstance(value, list) else value


def _first() -> Iterator[Call]:
    """The templates of what is made before templates are gone through."""
    color = {"$model": "TextPropertyDefinitionResource", "type": "text", "name": "color", "required": True}
    body = {"$model": "TemplateResource", "name": "Hero", "properties": [color]}
    names = ("heroes", None, "boxes", "texts", "clans", "ranks", "bands", "asked", "films")
    for (tag, noun, parameter), name in ((each, name) for each, name in zip(FAMILIES, names, strict=True) if name):
        yield {"call": f"{tag}.create{noun}", **ADMIN, "name": name, "status": 201, "vary": ["name"], "with": [{parameter: body}]}


def steps() -> list[Call]:
    """All of them. Ends of access come last, as calls.json has them."""
    told: list[Call] = json.loads((Path(__file__).parent / "calls.json").read_text())
    behaviors = [
        {"$model": "ItemBehaviorDefinitionResource", "behavior": each, "modifiable": True, "required": False} for each in BEHAVIORS
    ]
    ends = next(at for at, call in enumerate(told) if call["call"] == "AuthTokens.deleteTokens")
    return [
        *_first(),
        *told[:ends],
        *of_kinds(),
        *records(),
        *friends(),
        *of_media(),
        *of_rules(),
        *(call for each in FAMILIES for call in family(*each)),
        *family("Objects", "ObjectTemplate", "template", "ItemTemplateResource", behaviors=behaviors),
        *told[ends:],
    ]

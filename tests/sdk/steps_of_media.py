"""The calls that the published SDK makes about groups, objects, artists, polls, videos and moderation."""

from collections.abc import Iterator
from typing import Any

Call = dict[str, Any]
ADMIN = {"token": "$given.admin"}
USER = {"token": "$token.access_token"}
NOBODY = "2147483647"
COLOR = {"color": {"$model": "TextProperty", "type": "text", "value": "red"}}
# One behavior of every type, with all that it can say.
BEHAVIORS: list[Call] = [
    {"$model": "Consumable", "type_hint": "consumable", "description": "It is used up.", "max_use": 3},
    {"$model": "Expirable", "type_hint": "expirable", "time_length": 2, "unit_of_time": "week"},
    {"$model": "Fulfillable", "type_hint": "fulfillable", "type_name": "inventory"},
    {"$model": "GuestPlayable", "type_hint": "guest_playable", "allowed": True, "leaderboard": False},
    {
        "$model": "LimitedGettable",
        "type_hint": "limited_gettable",
        "group": {"$model": "LimitedGettableGroup", "name": "swords", "owned_limit": 3, "active_only": True},
    },
    {"$model": "PreReqEntitlement", "type_hint": "pre_req_entitlement", "item_ids": [7, 8]},
    {"$model": "PriceOverridable", "type_hint": "price_overridable", "min_price": 0.5, "max_price": 12.5},
    {"$model": "Spendable", "type_hint": "spendable", "currency_code": "GEM", "value": 5},
    {
        "$model": "TimePeriodGettable",
        "type_hint": "time_period_gettable",
        "get_limit": 1,
        "time_length": 1,
        "unit_of_time": "day",
        "group_name": "daily",
    },
    {"$model": "TimePeriodUsable", "type_hint": "time_period_usable", "max_use": 5, "time_length": 1, "unit_of_time": "hour"},
]


def wrapped(model: str, value: Any) -> Call:
    """A bare value as the SDK sends one."""
    return {"$model": model, "value": value}


def objects() -> Iterator[Call]:
    """Objects with every behavior there is."""
    of = "$things.id"
    one = {
        "$model": "ObjectResource",
        "name": "Sword",
        "short_description": "Sharp.",
        "long_description": "Very sharp.",
        "category": "arms",
    }
    one |= {"sort": 5, "unique_key": "sword", "tags": ["beta"], "data": {"color": "red"}, "behaviors": BEHAVIORS}
    template = {"$model": "ItemTemplateResource", "name": "Thing"}
    yield {
        "call": "Objects.createObjectTemplate",
        **ADMIN,
        "name": "things",
        "status": 201,
        "vary": ["name"],
        "with": [{"template": template}],
    }
    plain = {"$model": "ObjectResource", "name": "Axe"}
    yield {
        "call": "Objects.createObjectItem",
        **ADMIN,
        "status": 201,
        "vary": ["name", "sort", "category"],
        "with": [of, {"objectItem": plain}],
    }
    yield {"call": "Objects.createObjectItem", **ADMIN, "name": "thing", "status": 201, "with": [of, {"objectItem": one, "cascade": False}]}
    yield {"call": "Objects.createObjectItem", **ADMIN, "refused": 404, "field": "template_id", "with": ["none", {"objectItem": plain}]}
    yield {"call": "Objects.getObjectItem", "tells": {"id": "$thing.id", "behaviors": "$thing.behaviors"}, "with": [of, "$thing.id"]}
    yield {"call": "Objects.getObjectItem", "refused": 404, "field": "object_id", "with": [of, NOBODY]}
    yield {"call": "Objects.getObjectItems", "with": [of, {"size": 2}]}
    yield {"call": "Objects.getObjectItems", "refused": 400, "field": "order", "with": [of, {"order": "nothing"}]}
    yield {"call": "Objects.updateObjectItem", **ADMIN, "vary": ["name", "sort"], "with": [of, "$thing.id", {"objectItem": plain}]}
    yield {"call": "Objects.updateObjectItem", **ADMIN, "refused": 404, "field": "object_id", "with": [of, NOBODY, {"objectItem": plain}]}
    yield {"call": "Objects.deleteObjectItem", **ADMIN, "with": [of, "$thing.id"]}
    yield {"call": "Objects.deleteObjectItem", **ADMIN, "refused": 404, "field": "object_id", "with": [of, "$thing.id"]}


def groups() -> Iterator[Call]:
    """A group below another one, and its members."""
    tag, name, member = "UsersGroups", "$group.unique_name", "$given.forgetful"
    one = {"$model": "GroupResource", "name": "The Owls", "description": "Wise.", "message_of_the_day": "Hoot.", "status": "open"}
    above = {"groupResource": one | {"template": "$clans.id", "additional_properties": COLOR, "tags": ["beta"]}}
    yield {
        "call": f"{tag}.createGroup",
        **ADMIN,
        "name": "above",
        "status": 201,
        "vary": ["name", "description", "status"],
        "with": [above],
    }
    below = {"groupResource": one | {"parent": "$above.unique_name"}}
    yield {"call": f"{tag}.createGroup", **ADMIN, "name": "group", "status": 201, "with": [below]}
    yield {"call": f"{tag}.createGroup", **ADMIN, "refused": 400, "field": "name", "with": [{"groupResource": {"$model": "GroupResource"}}]}
    yield {"call": f"{tag}.getGroup", "tells": {"parent": "$above.unique_name"}, "with": [name]}
    yield {"call": f"{tag}.getGroup", "refused": 404, "field": "unique_name", "with": ["nobody"]}
    yield {"call": f"{tag}.listGroups", "tells": {"total_elements": 1}, "with": [{"filterParent": "$above.unique_name"}]}
    yield {"call": f"{tag}.listGroups", "refused": 400, "field": "order", "with": [{"order": "nothing"}]}
    yield {"call": f"{tag}.getGroupAncestors", "with": [name]}
    yield {"call": f"{tag}.getGroupAncestors", "refused": 404, "field": "unique_name", "with": ["nobody"]}
    yield {"call": f"{tag}.updateGroup", **ADMIN, "vary": ["name", "message_of_the_day"], "with": [name, below]}
    yield {"call": f"{tag}.updateGroup", **ADMIN, "refused": 404, "field": "unique_name", "with": ["nobody", below]}

    def of(id: Any) -> Call:
        return {"$model": "GroupMemberResource", "user": {"$model": "SimpleUserResource", "id": id}, "status": "moderator"}

    whole = of(member) | {"order": "001", "template": "$ranks.id", "additional_properties": COLOR}
    wrong = {"refused": 400, "field": "user.id", "vary": ["order"]}
    yield {"call": f"{tag}.addMemberToGroup", **ADMIN, **wrong, "with": [name, of(NOBODY)]}
    yield {"call": f"{tag}.addMemberToGroup", **ADMIN, "status": 201, "tells": {"implicit": False}, "with": [name, whole]}
    yield {"call": f"{tag}.addMembersToGroup", **ADMIN, **wrong, "field": "members[0].user.id", "with": [name, [of(NOBODY)]]}
    yield {"call": f"{tag}.addMembersToGroup", **ADMIN, "status": 201, "with": [name, [of("$user.id")]]}
    yield {"call": f"{tag}.getGroupMembers", "tells": {"total_elements": 2}, "with": [name, {"size": 5}]}
    yield {"call": f"{tag}.getGroupMembers", "refused": 404, "field": "unique_name", "with": ["nobody", {}]}
    yield {"call": f"{tag}.getGroupMember", "tells": {"implicit": True}, "with": ["$above.unique_name", member]}
    yield {"call": f"{tag}.getGroupMember", "refused": 404, "field": "user_id", "with": [name, NOBODY]}
    yield {"call": f"{tag}.getGroupsForUser", "with": [member, {"filterChildren": True}]}
    yield {"call": f"{tag}.getGroupsForUser", "refused": 404, "field": "user_id", "with": [NOBODY, {}]}
    changes = (
        ("updateGroupMemberProperties", wrapped("StringWrapper", "002"), {"vary": ["value"]}),
        ("updateGroupMemberProperties1", {"color": {"type": "text", "value": "blue"}}, {}),
        ("updateGroupMemberStatus", wrapped("StringWrapper", "member"), {"vary": ["value"]}),
    )
    for operation, body, more in changes:
        yield {"call": f"{tag}.{operation}", **ADMIN, **more, "with": [name, member, body]}
        yield {"call": f"{tag}.{operation}", **ADMIN, "refused": 404, "field": "user_id", "with": [name, NOBODY, body]}
    yield {"call": f"{tag}.removeGroupMember", **ADMIN, "with": [name, member]}
    yield {"call": f"{tag}.removeGroupMember", **ADMIN, "refused": 404, "field": "user_id", "with": [name, member]}
    yield {"call": f"{tag}.deleteGroup", **ADMIN, "with": ["$above.unique_name"]}
    yield {"call": f"{tag}.deleteGroup", **ADMIN, "refused": 404, "field": "unique_name", "with": [name]}


def polls() -> Iterator[Call]:
    """A poll that somebody answers."""
    tag = "MediaPolls"
    one = {"$model": "PollResource", "text": "Which level?", "type": "TEXT", "active": True, "tags": ["beta"], "template": "$asked.id"}
    one |= {"answers": [{"$model": "PollAnswerResource", "key": "a", "text": "The first"}], "additional_properties": COLOR}
    whole = {"pollResource": one | {"category": {"$model": "NestedCategory", "id": "$news.id"}}}
    yield {"call": f"{tag}.createPoll", **ADMIN, "name": "poll", "status": 201, "vary": ["text", "type", "active"], "with": [whole]}
    yield {"call": f"{tag}.createPoll", **ADMIN, "refused": 400, "field": "category", "with": [{"pollResource": one}]}
    yield {"call": f"{tag}.getPolls", "with": [{"filterCategory": "$news.id", "filterText": "which"}]}
    yield {"call": f"{tag}.getPolls", "refused": 400, "field": "order", "with": [{"order": "nothing"}]}
    yield {"call": f"{tag}.updatePoll", **ADMIN, "tells": {"id": "$poll.id"}, "vary": ["text"], "with": ["$poll.id", whole]}
    yield {"call": f"{tag}.updatePoll", **ADMIN, "refused": 404, "field": "id", "with": ["none", whole]}
    wrong = {"answerKey": wrapped("StringWrapper", "none")}
    yield {"call": f"{tag}.answerPoll", **USER, "refused": 400, "field": "value", "vary": ["value:word"], "with": ["$poll.id", wrong]}
    right = {"answerKey": wrapped("StringWrapper", "a")}
    yield {"call": f"{tag}.answerPoll", **USER, "tells": {"answer": "a", "poll_id": "$poll.id"}, "with": ["$poll.id", right]}
    yield {"call": f"{tag}.getPollAnswer", **USER, "tells": {"answer": "a"}, "with": ["$poll.id"]}
    yield {"call": f"{tag}.getPollAnswer", **ADMIN, "refused": 404, "field": "id", "with": ["$poll.id"]}
    yield {"call": f"{tag}.getPoll", "tells": {"answers": [{"count": 1, "key": "a", "text": "The first"}]}, "with": ["$poll.id"]}
    yield {"call": f"{tag}.getPoll", "refused": 404, "field": "id", "with": ["none"]}
    yield {"call": f"{tag}.deletePoll", **ADMIN, "with": ["$poll.id"]}
    yield {"call": f"{tag}.deletePoll", **ADMIN, "refused": 404, "field": "id", "with": ["$poll.id"]}


def artists() -> Iterator[Call]:
    """An artist who contributes to a video, and all about videos."""
    tag = "MediaArtists"
    one = {"$model": "ArtistResource", "name": "The Owls", "short_description": "A band.", "long_description": "A good band."}
    one |= {"born": "1980/01/31", "died": "2016/02/29", "priority": 5, "template": "$bands.id", "additional_properties": COLOR}
    whole = {"artistResource": one}
    yield {"call": f"{tag}.addArtist", **ADMIN, "name": "artist", "status": 201, "vary": ["name", "priority"], "with": [whole]}
    yield {"call": f"{tag}.addArtist", **ADMIN, "refused": 400, "field": "name", "with": [{"artistResource": {"$model": "ArtistResource"}}]}
    yield {"call": f"{tag}.getArtists", "with": [{"filterArtistsByName": "the", "size": 2}]}
    yield {"call": f"{tag}.getArtists", "refused": 400, "field": "order", "with": [{"order": "nothing"}]}
    yield {"call": f"{tag}.updateArtist", **ADMIN, "vary": ["short_description"], "with": ["$artist.id", whole]}
    yield {"call": f"{tag}.updateArtist", **ADMIN, "refused": 404, "field": "id", "with": [NOBODY, whole]}
    yield from _videos()
    yield {"call": f"{tag}.getArtist", "tells": {"contribution_count": 5}, "with": ["$artist.id", {"showContributions": 1}]}
    yield {"call": f"{tag}.getArtist", "refused": 404, "field": "id", "with": [NOBODY, {}]}
    yield {"call": "MediaVideos.removeVideoContributor", **USER, "status": 202, "with": ["$video.id", "$artist.id"]}
    yield {"call": "MediaVideos.removeVideoContributor", **USER, "refused": 404, "field": "id", "with": ["$video.id", NOBODY]}
    yield {"call": "MediaVideos.deleteVideo", **USER, "refused": 400, "field": "id", "with": ["$video.id"]}
    yield {"call": "MediaVideos.deleteVideo", **USER, "with": ["$sequel.id"]}
    artist = {"artistResource": {"$model": "ArtistResource", "name": "Nobody"}}
    yield {"call": f"{tag}.addArtist", **ADMIN, "name": "lonely", "status": 201, "with": [artist]}
    yield {"call": f"{tag}.deleteArtist", **ADMIN, "with": ["$lonely.id"]}
    yield {"call": f"{tag}.deleteArtist", **ADMIN, "refused": 404, "field": "id", "with": ["$lonely.id"]}


def _videos() -> Iterator[Call]:
    tag, id = "MediaVideos", "$video.id"
    sizes = {"height": 720, "width": 1280, "length": 95, "size": 2**33}
    one: Call = {"$model": "VideoResource", "name": "How the owls won", "short_description": "They flew.", "long_description": "High."}
    one |= {"location": "https://cdn.example/a.mp4", "extension": "mp4", "mime_type": "video/mp4", "embed": "<video>", "thumbnail": "a.png"}
    one |= {
        "authored": 1_500_000_000,
        "privacy": "public",
        "published": True,
        "priority": 5,
        "tags": ["beta"],
        "template": "$films.id",
        **sizes,
    }
    author = {"$model": "SimpleReferenceResourcelong", "id": "$artist.id"}
    one |= {"additional_properties": COLOR, "category": {"$model": "SimpleReferenceResourcestring", "id": "$news.id"}, "author": author}
    whole, varied = {"videoResource": one}, ["name", "short_description", "height", "size", "privacy", "priority"]
    yield {"call": f"{tag}.addVideo", **USER, "name": "sequel", "status": 201, "vary": varied, "with": [whole]}
    yield {"call": f"{tag}.addVideo", **USER, "name": "video", "status": 201, "tells": {"active": True, "views": 0}, "with": [whole]}
    yield {"call": f"{tag}.addVideo", **USER, "refused": 400, "field": "name", "with": [{"videoResource": {**one, "name": None}}]}
    yield {"call": f"{tag}.updateVideo", **USER, "vary": ["name", "length"], "with": [id, whole]}
    yield {"call": f"{tag}.updateVideo", **USER, "refused": 404, "field": "id", "with": [NOBODY, whole]}
    yield {"call": f"{tag}.viewVideo", "with": [id]}
    yield {"call": f"{tag}.viewVideo", "refused": 404, "field": "id", "with": [NOBODY]}
    viewer = {"userId": wrapped("IntWrapper", "$given.forgetful")}
    yield {"call": f"{tag}.addUserToVideoWhitelist", **USER, "status": 201, "with": [id, viewer]}
    nobody = {"refused": 404, "field": "id", "vary": ["value"]}
    yield {"call": f"{tag}.addUserToVideoWhitelist", **USER, **nobody, "with": [NOBODY, viewer]}
    yield {"call": f"{tag}.removeUserFromVideoWhitelist", **USER, "status": 202, "with": [id, "$given.forgetful"]}
    yield {"call": f"{tag}.removeUserFromVideoWhitelist", **USER, "refused": 404, "field": "id", "with": [id, "$given.forgetful"]}
    media = {"$model": "SimpleReferenceResourcelong", "id": id}
    role = {"contributionResource": {"$model": "ContributionResource", "artist": author, "media": media, "role": "director"}}
    yield {"call": f"{tag}.addVideoContributor", **USER, "status": 201, "vary": ["role"], "with": [id, role]}
    yield {"call": f"{tag}.addVideoContributor", **USER, "refused": 404, "field": "video_id", "with": [NOBODY, role]}
    yield from _talk(tag, id)
    yield {"call": f"{tag}.getVideo", **USER, "tells": {"id": id, "views": 1}, "with": [id]}
    yield {"call": f"{tag}.getVideo", "refused": 401, "with": [id]}
    wanted = {"filterCategory": "$news.id", "filterVideosByAuthor": "$artist.id", "filterHasAuthor": True, "filterDisposition": "me:like"}
    yield {"call": f"{tag}.getVideos", **USER, "tells": {"total_elements": 1}, "with": [{**wanted, "excludeFlagged": False}]}
    yield {"call": f"{tag}.getVideos", "refused": 400, "field": "order", "with": [{"order": "nothing"}]}
    yield {"call": f"{tag}.getUserVideos", **USER, "with": ["$user.id", {"size": 2}]}
    yield {"call": f"{tag}.getUserVideos", "refused": 401, "with": ["$user.id", {}]}


def _talk(tag: str, id: str) -> Iterator[Call]:
    said = {"commentResource": {"$model": "CommentResource", "context": "video", "context_id": "37", "content": "Nice."}}
    yield {"call": f"{tag}.addVideoComment", **USER, "name": "said", "vary": ["content"], "with": [id, said]}
    yield {"call": f"{tag}.addVideoComment", **USER, "refused": 404, "field": "video_id", "with": [NOBODY, said]}
    yield {"call": f"{tag}.getVideoComments", "tells": {"total_elements": 5}, "with": [id, {"size": 2}]}
    yield {"call": f"{tag}.getVideoComments", "refused": 404, "field": "video_id", "with": [NOBODY, {}]}
    text = {"content": wrapped("StringWrapper", "Nicer.")}
    yield {"call": f"{tag}.updateVideoComment", **USER, "vary": ["value"], "with": [id, "$said.id", text]}
    yield {"call": f"{tag}.updateVideoComment", **USER, "refused": 404, "field": "id", "with": [id, NOBODY, text]}
    yield {"call": f"{tag}.deleteVideoComment", **USER, "with": [id, "$said.id"]}
    yield {"call": f"{tag}.deleteVideoComment", **USER, "refused": 404, "field": "id", "with": [id, "$said.id"]}
    like = {"dispositionResource": {"$model": "DispositionResource", "context": "video", "context_id": "37", "name": "dislike"}}
    yield {"call": f"{tag}.createVideoDisposition", **USER, "name": "thought", "vary": ["name"], "with": [id, like]}
    liked = {"dispositionResource": {"$model": "DispositionResource", "context": "video", "context_id": "37", "name": "like"}}
    yield {"call": f"{tag}.createVideoDisposition", **USER, "with": [id, liked]}
    yield {"call": f"{tag}.createVideoDisposition", **USER, "refused": 404, "field": "video_id", "with": [NOBODY, like]}
    yield {"call": f"{tag}.getVideoDispositions", "with": [id, {"size": 2}]}
    yield {"call": f"{tag}.getVideoDispositions", "refused": 404, "field": "video_id", "with": [NOBODY, {}]}
    yield {"call": f"{tag}.deleteVideoDisposition", **USER, "with": [id, "$thought.id"]}
    yield {"call": f"{tag}.deleteVideoDisposition", **USER, "refused": 404, "field": "disposition_id", "with": [id, "$thought.id"]}
    to = {"$model": "SimpleReferenceResourcelong", "id": "$sequel.id"}
    leads = {"videoRelationshipResource": {"$model": "VideoRelationshipResource", "to": to, "relationship_details": "sequel"}}
    yield {"call": f"{tag}.addVideoRelationships", **USER, "name": "leads", "vary": ["relationship_details"], "with": [id, leads]}
    yield {"call": f"{tag}.addVideoRelationships", **USER, "refused": 404, "field": "video_id", "with": [NOBODY, leads]}
    yield {"call": f"{tag}.getVideoRelationships", "tells": {"total_elements": 5}, "with": [id, {"size": 10}], "name": "ways"}
    yield {"call": f"{tag}.getVideoRelationships", "refused": 404, "field": "video_id", "with": [NOBODY, {}]}
    # The SDK leaves the variable of the path as it is: no call of it can be right.
    details = {"details": wrapped("StringWrapper", "prequel")}
    yield {
        "call": f"{tag}.updateVideoRelationship",
        **USER,
        "refused": 400,
        "field": "id",
        "vary": ["value"],
        "with": [id, "$leads.id", details],
    }
    for at in range(5):
        yield {"call": f"{tag}.deleteVideoRelationship", **USER, "with": [id, f"$ways.content.{at}.id"]}
    yield {"call": f"{tag}.deleteVideoRelationship", **USER, "refused": 404, "field": "id", "with": [id, "$leads.id"]}
    why = {"reason": wrapped("StringWrapper", "Not about games.")}
    yield {"call": f"{tag}.addVideoFlag", **USER, "status": 202, "tells": {"reason": "Not about games."}, "with": [id, why]}
    yield {"call": f"{tag}.addVideoFlag", **USER, "refused": 404, "field": "video_id", "vary": ["value"], "with": [NOBODY, why]}
    yield from moderation(id)
    yield {"call": f"{tag}.deleteVideoFlag", **USER, "with": [id]}
    yield {"call": f"{tag}.deleteVideoFlag", "refused": 401, "with": [id]}


def moderation(video: str) -> Iterator[Call]:
    """What somebody flags, and somebody else decides."""
    tag = "MediaModeration"
    flag = {"flagResource": {"$model": "FlagResource", "context": "level", "context_id": "$given.config", "reason": "Too hard."}}
    yield {"call": f"{tag}.addFlag", **USER, "status": 201, "vary": ["context_id:word", "reason"], "with": [flag]}
    yield {
        "call": f"{tag}.addFlag",
        **USER,
        "refused": 400,
        "field": "context",
        "with": [{"flagResource": {"$model": "FlagResource", "context_id": "1"}}],
    }
    yield {"call": f"{tag}.getFlags", **USER, "with": [{"filterContext": "level", "size": 2}]}
    yield {"call": f"{tag}.getFlags", "refused": 401, "with": [{}]}
    of = {"contextName": "level", "contextId": "$given.config"}
    yield {"call": f"{tag}.deleteFlag", **USER, "with": [of]}
    yield {"call": f"{tag}.deleteFlag", **USER, "refused": 400, "field": "context_name", "with": [{"contextId": "1"}]}
    yield {
        "call": f"{tag}.getModerationReports",
        **ADMIN,
        "name": "reports",
        "with": [{"filterContext": "video", "filterContextId": video}],
    }
    yield {"call": f"{tag}.getModerationReports", **USER, "refused": 403, "with": [{}]}
    one, told = "$reports.content.0.id", {"$model": "FlagReportResource", "resolution": "ignored", "reason": "It is."}
    yield {"call": f"{tag}.updateModerationReport", **ADMIN, "vary": ["reason"], "with": [one, {"flagReportResource": told}]}
    wrong = {"flagReportResource": {"$model": "FlagReportResource", "resolution": "banned"}}
    yield {"call": f"{tag}.updateModerationReport", **ADMIN, "refused": 400, "field": "reason", "with": [one, wrong]}
    yield {"call": f"{tag}.getModerationReport", **ADMIN, "tells": {"resolution": "ignored"}, "with": [one]}
    yield {"call": f"{tag}.getModerationReport", **ADMIN, "refused": 404, "field": "id", "with": [NOBODY]}


def files() -> Iterator[Call]:
    """Where a file is sent to, and where it is read."""
    tag = "AmazonWebServicesS3"
    wanted = {"filename": "owls.mp4", "contentType": "video/mp4"}
    yield {"call": f"{tag}.getSignedS3URL", **USER, "name": "upload", "tells": {"filename": "owls.mp4"}, "with": [wanted]}
    yield {"call": f"{tag}.getSignedS3URL", **USER, "refused": 400, "field": "filename", "with": [{"contentType": "video/mp4"}]}
    yield {"call": f"{tag}.getDownloadURL", **ADMIN, "with": [{"path": "$upload.object_key", "expiration": 5}]}
    yield {"call": f"{tag}.getDownloadURL", **USER, "refused": 403, "with": [{"path": "$upload.object_key"}]}


def of_media() -> Iterator[Call]:
    """All of them."""
    yield from files()
    yield from objects()
    yield from groups()
    yield from polls()
    yield from artists()

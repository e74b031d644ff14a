"""What the RPCs about such records need."""

from collections.abc import Callable
from typing import Any, NamedTuple

from gamehall_server.modules.templates.families import ITEMS, NAMES
from people import fresh

from tests.contract.callers import Cast
from tests.contract.doors import OK, Outcome
from tests.contract.records import (
    ADDRESS,
    LIKED,
    POLL,
    SAID,
    a_bystander,
    a_category,
    a_change_of_a_trigger,
    a_contribution,
    a_contributor,
    a_disposition,
    a_film,
    a_game,
    a_group,
    a_logged_event,
    a_member,
    a_moderated_group,
    a_poll,
    a_relation,
    a_relationship,
    a_report,
    a_template,
    a_text,
    a_token_of_the_administrator,
    a_trigger,
    a_video,
    a_viewer,
    about_a_video,
    an_address,
    an_article,
    an_artist,
    an_event,
    an_object,
    in_contract,
    related,
    two,
)
from tests.contract.rule_records import a_global_message, a_kept_global, a_kept_rule, a_rule_message, a_trial
from tests.contract.webhook_records import a_post, a_webhook, a_webhook_message


class Given(NamedTuple):
    """What a method needs that its contract cannot tell: fields of the request, and where its object can be looked at."""

    fields: Callable[[Cast], dict[str, Any]]
    look: str = ""
    # How it ends for who may call.
    ends: Outcome = OK


def families() -> dict[str, "Given"]:
    """What the families of templates need."""
    given = {}
    for name, kind in (NAMES | ITEMS).items():
        service = f"{TEMPLATES}.{name}TemplateService"
        given[f"{service}.Create{name}Template"] = Given(lambda cast: {"template": {"name": fresh("made")}})
        for verb in ("Get", "Delete"):
            given[f"{service}.{verb}{name}Template"] = Given(lambda cast, kind=kind: a_template(cast, kind))
        given[f"{service}.Update{name}Template"] = Given(lambda cast, kind=kind: a_template(cast, kind) | {"template": {"name": "other"}})
    return given


TEMPLATES = "gamehall.templates.v1"
CATEGORIES = "gamehall.categories.v1.CategoryService"
CATEGORY = {"type_hint": "category"}
ARTICLES, ADDRESSES = "gamehall.content.v1.ArticleService", "gamehall.users.v1.AddressService"
EVENTS, TRIGGERS, VARIABLES = (f"gamehall.events.v1.{name}Service" for name in ("Event", "Trigger", "Variable"))
RULES, GLOBALS, EXPRESSIONS = (f"gamehall.rules.v1.{name}Service" for name in ("Rule", "Global", "Expression"))
WEBHOOKS, FORWARDS = "gamehall.webhooks.v1.WebhookService", "gamehall.webhooks.v1.ForwardLogService"
OF_WEBHOOKS = ("GetWebhook", "DeleteWebhook", "GetWebhookSecret", "RotateWebhookSecret", "PauseWebhook", "ResumeWebhook", "TestWebhook")
OF_WEBHOOKS += ("ReplayWebhook",)
ABOUT_RULES = "gamehall.rules.v1.CategoryService"
RELATIONS, DISPOSITIONS = "gamehall.users.v1.RelationshipService", "gamehall.dispositions.v1.DispositionService"
FRIENDS, AT_FRIENDS = "gamehall.users.v1.FriendshipService", "/users/{user_id}/friends"
AT_BLOCKED = "/users/{user_id}/blocked"
OF_OWNER = "/users/{user_id}/addresses/{id}"
POLLS, ARTISTS, MODERATION = (f"gamehall.media.v1.{name}Service" for name in ("Poll", "Artist", "Moderation"))
VIDEOS, TALK, OBJECTS = "gamehall.media.v1.VideoService", "gamehall.media.v1.VideoTalkService", "gamehall.objects.v1.ObjectService"
GROUPS, MEMBERS = "gamehall.groups.v1.GroupService", "gamehall.groups.v1.GroupMemberService"
AT_VIDEO, AT_ITS, AT_GROUP = "/media/videos/{id}", "/media/videos/{video_id}", "/users/groups/{unique_name}"
GAMES, AT_GAME = "gamehall.kongregate.v1.GameService", "/kongregate/games/{id}"
GAME_TOKENS = "gamehall.kongregate.v1.GameTokenService"
RECORDS = {
    f"{GAMES}.CreateGame": Given(lambda cast: {"game": {"name": fresh("made")}}),
    f"{GAMES}.GetGame": Given(a_game, AT_GAME),
    f"{GAMES}.UpdateGame": Given(lambda cast: a_game(cast) | {"game": {"name": "other"}}, AT_GAME),
    f"{GAMES}.DeleteGame": Given(a_game, AT_GAME),
    f"{GAMES}.ShowKey": Given(a_game, AT_GAME),
    f"{GAMES}.RotateKey": Given(a_game, AT_GAME),
    f"{GAMES}.InvalidateInventory": Given(lambda cast: a_game(cast) | {"user_id": cast.owner.id}),
    f"{GAME_TOKENS}.GetGameToken": Given(lambda cast: a_game(cast) | {"user_id": str(cast.owner.id)}, AT_GAME),
    f"{GAME_TOKENS}.RotateGameToken": Given(lambda cast: a_game(cast) | {"user_id": str(cast.owner.id)}, AT_GAME),
    "gamehall.files.v1.UploadService.GetUploadURL": Given(lambda cast: {"filename": "a.png", "content_type": "image/png"}),
    "gamehall.files.v1.UploadService.GetDownloadURL": Given(lambda cast: {"path": "a.png"}),
    f"{POLLS}.CreatePoll": Given(lambda cast: {"poll": in_contract(POLL) | {"category": a_category(cast)}}),
    f"{POLLS}.GetPoll": Given(a_poll),
    f"{POLLS}.UpdatePoll": Given(lambda cast: a_poll(cast) | {"poll": in_contract(POLL) | {"category": a_category(cast)}}),
    f"{POLLS}.DeletePoll": Given(a_poll),
    f"{POLLS}.AnswerPoll": Given(lambda cast: a_poll(cast) | {"answer": "a"}),
    # Nobody who asks has answered.
    f"{POLLS}.GetVote": Given(a_poll, ends=Outcome("NOT_FOUND", "NOT_FOUND")),
    f"{ARTISTS}.CreateArtist": Given(lambda cast: {"artist": {"name": fresh("made")}}),
    f"{ARTISTS}.GetArtist": Given(an_artist),
    f"{ARTISTS}.UpdateArtist": Given(lambda cast: an_artist(cast) | {"artist": {"name": "other"}}),
    f"{ARTISTS}.DeleteArtist": Given(an_artist),
    f"{MODERATION}.CreateFlag": Given(lambda cast: {"flag": {"context": "thing", "context_id": fresh("1")}}),
    f"{MODERATION}.DeleteFlag": Given(lambda cast: {"context_name": "thing", "context_id": fresh("1")}),
    f"{MODERATION}.GetReport": Given(a_report),
    f"{MODERATION}.UpdateReport": Given(lambda cast: a_report(cast) | {"report": {"resolution": "RESOLUTION_IGNORED"}}),
    f"{VIDEOS}.CreateVideo": Given(lambda cast: {"video": in_contract(a_film(cast))}),
    f"{VIDEOS}.GetVideo": Given(a_video, AT_VIDEO),
    f"{VIDEOS}.UpdateVideo": Given(lambda cast: a_video(cast) | {"video": in_contract(a_film(cast))}, AT_VIDEO),
    f"{VIDEOS}.DeleteVideo": Given(a_video, AT_VIDEO),
    f"{VIDEOS}.ViewVideo": Given(a_video),
    f"{VIDEOS}.ListVideosOfUser": Given(lambda cast: {"user_id": str(cast.owner.id)}),
    f"{VIDEOS}.AddToWhitelist": Given(lambda cast: a_video(cast) | {"user_id": cast.admin.id}, AT_VIDEO),
    f"{VIDEOS}.RemoveFromWhitelist": Given(a_viewer, AT_ITS),
    f"{VIDEOS}.AddContributor": Given(a_contribution, AT_ITS),
    f"{VIDEOS}.RemoveContributor": Given(a_contributor, AT_ITS),
    f"{TALK}.ListVideoComments": Given(lambda cast: a_video(cast, "video_id")),
    f"{TALK}.CreateVideoComment": Given(lambda cast: a_video(cast, "video_id") | {"comment": SAID}),
    f"{TALK}.UpdateVideoComment": Given(lambda cast: about_a_video(cast, "comments", SAID) | {"content": "other"}, AT_ITS),
    f"{TALK}.DeleteVideoComment": Given(lambda cast: about_a_video(cast, "comments", SAID), AT_ITS),
    f"{TALK}.ListVideoDispositions": Given(lambda cast: a_video(cast, "video_id")),
    f"{TALK}.CreateVideoDisposition": Given(lambda cast: a_video(cast, "video_id") | {"disposition": LIKED}),
    f"{TALK}.DeleteVideoDisposition": Given(lambda cast: about_a_video(cast, "dispositions", LIKED, "disposition_id"), AT_ITS),
    f"{TALK}.CreateVideoFlag": Given(lambda cast: a_video(cast, "video_id") | {"reason": "x"}),
    f"{TALK}.DeleteVideoFlag": Given(lambda cast: a_video(cast, "video_id")),
    f"{TALK}.ListRelatedVideos": Given(lambda cast: a_video(cast, "video_id")),
    f"{TALK}.AddRelatedVideo": Given(lambda cast: a_video(cast, "video_id") | {"relationship": related(cast)}, AT_ITS),
    f"{TALK}.UpdateRelatedVideo": Given(
        lambda cast: about_a_video(cast, "related", related(cast)) | {"relationship_details": "other"}, AT_ITS
    ),
    f"{TALK}.RemoveRelatedVideo": Given(lambda cast: about_a_video(cast, "related", related(cast)), AT_ITS),
    f"{OBJECTS}.ListObjects": Given(lambda cast: {"template_id": a_template(cast, "object")["id"]}),
    f"{OBJECTS}.CreateObject": Given(lambda cast: {"template_id": a_template(cast, "object")["id"], "object": {"name": "made"}}),
    f"{OBJECTS}.GetObject": Given(an_object),
    f"{OBJECTS}.UpdateObject": Given(lambda cast: an_object(cast) | {"object": {"name": "other"}}),
    f"{OBJECTS}.DeleteObject": Given(an_object),
    f"{GROUPS}.CreateGroup": Given(lambda cast: {"group": {"name": "made"}}),
    f"{GROUPS}.GetGroup": Given(a_group),
    f"{GROUPS}.UpdateGroup": Given(a_moderated_group, AT_GROUP),
    f"{GROUPS}.DeleteGroup": Given(a_group),
    f"{GROUPS}.ListAncestors": Given(a_group),
    f"{GROUPS}.ListGroupsOfUser": Given(lambda cast: {"user_id": str(cast.owner.id)}),
    f"{MEMBERS}.ListGroupMembers": Given(a_group),
    f"{MEMBERS}.AddGroupMember": Given(lambda cast: a_group(cast) | {"member": {"user": {"id": cast.owner.id}}}, AT_GROUP),
    f"{MEMBERS}.AddGroupMembers": Given(lambda cast: a_group(cast) | {"members": [{"user": {"id": cast.owner.id}}]}),
    f"{MEMBERS}.GetGroupMember": Given(a_member),
    f"{MEMBERS}.RemoveGroupMember": Given(a_member, AT_GROUP),
    f"{MEMBERS}.SetGroupMemberOrder": Given(lambda cast: a_member(cast) | {"order": "b"}),
    f"{MEMBERS}.SetGroupMemberProperties": Given(a_member),
    f"{MEMBERS}.SetGroupMemberStatus": Given(lambda cast: a_member(cast) | {"status": "MEMBER_STATUS_MODERATOR"}),
    f"{ARTICLES}.CreateArticle": Given(lambda cast: {"article": a_text(cast)}),
    f"{ARTICLES}.GetArticle": Given(an_article, "/content/articles/{id}"),
    f"{ARTICLES}.UpdateArticle": Given(lambda cast: an_article(cast) | {"article": a_text(cast)}, "/content/articles/{id}"),
    f"{ARTICLES}.DeleteArticle": Given(an_article, "/content/articles/{id}"),
    f"{ADDRESSES}.ListAddresses": Given(lambda cast: {"user_id": str(cast.owner.id)}, "/users/{user_id}/addresses"),
    f"{ADDRESSES}.CreateAddress": Given(lambda cast: {"user_id": str(cast.owner.id), "address": ADDRESS}, "/users/{user_id}/addresses"),
    f"{ADDRESSES}.GetAddress": Given(an_address, OF_OWNER),
    f"{ADDRESSES}.UpdateAddress": Given(lambda cast: an_address(cast) | {"address": ADDRESS | {"city": "Savaneta"}}, OF_OWNER),
    f"{ADDRESSES}.DeleteAddress": Given(an_address, OF_OWNER),
    f"{RELATIONS}.CreateRelationship": Given(lambda cast: {"relationship": a_relation(cast)}),
    f"{RELATIONS}.GetRelationship": Given(a_relationship),
    f"{RELATIONS}.UpdateRelationship": Given(lambda cast: a_relationship(cast) | {"relationship": a_relation(cast)}),
    f"{RELATIONS}.DeleteRelationship": Given(a_relationship),
    f"{FORWARDS}.GetForwardLog": Given(a_post),
    f"{FORWARDS}.ListForwardAttempts": Given(a_post),
    f"{FORWARDS}.ReplayForward": Given(a_post),
    f"{WEBHOOKS}.CreateWebhook": Given(lambda cast: {"webhook": a_webhook_message(cast)}),
    f"{WEBHOOKS}.UpdateWebhook": Given(lambda cast: a_webhook(cast) | {"webhook": a_webhook_message(cast)}),
    **{f"{WEBHOOKS}.{name}": Given(a_webhook) for name in OF_WEBHOOKS},
    f"{RULES}.CreateRule": Given(lambda cast: {"rule": a_rule_message(cast)}),
    f"{RULES}.GetRule": Given(a_kept_rule),
    f"{RULES}.UpdateRule": Given(lambda cast: a_kept_rule(cast) | {"rule": a_rule_message(cast)}),
    f"{RULES}.DeleteRule": Given(a_kept_rule),
    f"{RULES}.SetRuleEnabled": Given(lambda cast: a_kept_rule(cast) | {"enabled": False}),
    f"{RULES}.WriteExpressionOfRule": Given(lambda cast: {"expression": a_rule_message(cast).condition}),
    f"{RULES}.TryRule": Given(a_trial),
    f"{GLOBALS}.CreateGlobal": Given(lambda cast: {"global": a_global_message(cast)}),
    f"{GLOBALS}.GetGlobal": Given(a_kept_global),
    f"{GLOBALS}.UpdateGlobal": Given(lambda cast: a_kept_global(cast) | {"global": a_global_message(cast)}),
    f"{GLOBALS}.DeleteGlobal": Given(a_kept_global),
    f"{ABOUT_RULES}.GetCategory": Given(lambda cast: {"name": "wallet"}),
    f"{ABOUT_RULES}.UpdateCategory": Given(lambda cast: {"name": "wallet", "category": {}}),
    f"{EXPRESSIONS}.ParseExpression": Given(lambda cast: {"value": "event.level > 5"}),
    f"{EXPRESSIONS}.GetExpression": Given(lambda cast: {"type": "predicate"}),
    f"{EXPRESSIONS}.WriteExpression": Given(lambda cast: {"expression": a_rule_message(cast).condition}),
    f"{EVENTS}.SendEvent": Given(an_event),
    f"{EVENTS}.GetEventLog": Given(a_logged_event),
    f"{TRIGGERS}.CreateTrigger": Given(
        lambda cast: {"trigger": {"event_name": fresh("made."), "trigger_name": "made", "trigger_description": "made"}}
    ),
    f"{TRIGGERS}.GetTrigger": Given(a_trigger),
    f"{TRIGGERS}.UpdateTrigger": Given(a_change_of_a_trigger),
    f"{TRIGGERS}.DeleteTrigger": Given(a_trigger),
    f"{VARIABLES}.ListVariableValues": Given(lambda cast: {"name": "user"}),
    f"{DISPOSITIONS}.CreateDisposition": Given(
        lambda cast: {"disposition": {"context": "thing", "context_id": fresh("1"), "name": "like"}}
    ),
    f"{FRIENDS}.ListFriends": Given(lambda cast: {"user_id": str(cast.owner.id)}, AT_FRIENDS),
    f"{FRIENDS}.ListInvites": Given(lambda cast: {"user_id": str(cast.owner.id)}, AT_FRIENDS),
    "gamehall.users.v1.BlockService.ListBlocked": Given(lambda cast: {"user_id": str(cast.owner.id)}, AT_BLOCKED),
    "gamehall.users.v1.BlockService.BlockUser": Given(lambda cast: two(cast) | {"id": a_bystander(cast)}, AT_BLOCKED),
    "gamehall.users.v1.BlockService.UnblockUser": Given(two, AT_BLOCKED),
    f"{FRIENDS}.GetInviteToken": Given(lambda cast: {"user_id": str(cast.owner.id)}, AT_FRIENDS),
    f"{FRIENDS}.AddFriend": Given(two, AT_FRIENDS),
    f"{FRIENDS}.RemoveFriend": Given(two, AT_FRIENDS),
    f"{FRIENDS}.RedeemInviteToken": Given(a_token_of_the_administrator, AT_FRIENDS),
    f"{DISPOSITIONS}.GetDisposition": Given(a_disposition, "/dispositions/{id}"),
    f"{DISPOSITIONS}.DeleteDisposition": Given(a_disposition, "/dispositions/{id}"),
    **families(),
    f"{TEMPLATES}.TemplateService.ListTemplatesOfKind": Given(lambda cast: CATEGORY),
    f"{TEMPLATES}.TemplateService.CreateTemplateOfKind": Given(lambda cast: CATEGORY | {"template": {"name": fresh("made")}}),
    f"{TEMPLATES}.TemplateService.ValidateProperties": Given(lambda cast: CATEGORY | {"resource": {}}),
    f"{TEMPLATES}.TemplateService.GetTemplateOfKind": Given(lambda cast: CATEGORY | a_template(cast, "category")),
    f"{TEMPLATES}.TemplateService.UpdateTemplateOfKind": Given(
        lambda cast: CATEGORY | a_template(cast, "category") | {"template": {"name": "other"}}
    ),
    f"{TEMPLATES}.TemplateService.DeleteTemplateOfKind": Given(lambda cast: CATEGORY | a_template(cast, "category")),
    f"{TEMPLATES}.PropertyTypeService.GetPropertyType": Given(lambda cast: {"type": "text"}),
    f"{CATEGORIES}.CreateCategory": Given(lambda cast: {"category": {"name": fresh("made")}}),
    f"{CATEGORIES}.GetCategory": Given(a_category, "/categories/{id}"),
    f"{CATEGORIES}.UpdateCategory": Given(lambda cast: a_category(cast) | {"category": {"name": "other"}}, "/categories/{id}"),
    f"{CATEGORIES}.DeleteCategory": Given(a_category, "/categories/{id}"),
}

"""How to make five records for each list."""

from gamehall_server.modules.rules.categories import CATEGORIES
from gamehall_server.modules.templates.families import ITEMS, NAMES
from people import CANARIES, PASSWORD, fresh
from worlds import ADMIN_PASSWORD

from tests.contract.doors import http
from tests.contract.records import a_bystander, a_group, a_template, a_trigger, a_video, related
from tests.contract.rule_records import some_globals, some_rules
from tests.contract.webhook_records import some_posts, some_webhooks


def some_comments(cast):
    subject = {"context": "video", "context_id": fresh("thing")}
    for number, content in enumerate(["b", "B", "a", "é", "b"]):
        person = (cast.owner, cast.admin)[number % 2]
        assert person.post("/comments", {**subject, "content": content}).status_code == 200
    return subject


def some_configs(cast):
    word = fresh("word")
    for number, name in enumerate(["b", "B", "a", "é", "_b"]):
        config = {"name": f"{name}.{word}", "value": "same", "description": "Ab"[number % 2], "public_read": number > 2}
        assert cast.admin.post("/configs", config).status_code == 201
    return {"filter_search": word}


def some_permissions(cast):
    word = fresh("MADE_")
    for name in ("b", "B", "a", "c", "_b"):
        assert cast.admin.post("/auth/permissions", {"permission": f"{word}.{name}", "name": name.lower()}).status_code == 200
    return {"filter_permission": word}


def some_roles(cast):
    word = fresh("ROLE_MADE_")
    for name in ("b", "B", "a", "c", "_b"):
        assert cast.admin.post("/auth/roles", {"role": f"{word}.{name}", "name": name.lower()}).status_code == 201
    return {"filter_role": word}


def some_clients(cast):
    word = fresh("made.")
    for name in ("b", "B", "a", "c", "_b"):
        body = {"client_key": f"{word}.{name}", "name": name.lower(), "is_public": name == "b"}
        told = cast.admin.post("/auth/clients", body)
        assert told.status_code == 200
        CANARIES.update([told.json()["secret"]] if name != "b" else [])
    return {"filter_client_key": word}


def some_sessions(cast, username=None, password=PASSWORD):
    key = fresh("made.")
    told = cast.admin.post("/auth/clients", {"client_key": key, "name": key}).json()
    CANARIES.add(told["secret"])
    assert cast.admin.put(f"/auth/clients/{key}/grant-types", ["password"]).status_code == 204
    form = {"grant_type": "password", "client_id": key, "client_secret": told["secret"], "password": password}
    for _ in range(5):
        assert http.post(cast.owner.url + "/oauth/token", data={**form, "username": username or cast.owner.username}).status_code == 200
    return {"filter_client_id": key}


def some_own_sessions(cast):
    key = some_sessions(cast, cast.admin.username, ADMIN_PASSWORD)["filter_client_id"]
    return {"user_id": "me", "filter_client_id": key}


def some_locations(cast):
    username = fresh("new")
    made = cast.owner.post("/users", {"username": username, "email": f"{username}@example.com", "password": PASSWORD})
    form = {"grant_type": "password", "client_id": "web", "username": username, "password": PASSWORD}
    for _ in range(5):
        assert http.post(cast.owner.url + "/oauth/token", data=form).status_code == 200
    return {"user_id": made.json()["id"]}


def some_users(cast):
    word = fresh("word")
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        user = {"username": f"{word}{number}", "email": f"{word}{number}@example.com", "password": PASSWORD}
        shown = {"display_name": f"{word}{name}", "avatar_url": f"https://example.com/{name}"}
        assert cast.admin.post("/users", {**user, **shown}).status_code == 200
    return {"filter_search": word}


def some_providers(cast):
    issuer = f"https://{fresh('p')}.example.com"
    for number in range(5):
        provider = {"name": fresh("p"), "issuer": issuer, "client_id": f"client-{number % 2}"}
        assert cast.admin.post("/auth/providers", provider).status_code == 201
    return {"filter_issuer": issuer}


def some_devices(cast):
    word = fresh("made.")
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        device = {
            "id": f"{word}{number}",
            "name": name,
            "make": word,
            "os": "Ab"[number % 2],
            "device_type": "mobile_device" if number else None,
        }
        assert (cast.owner, cast.admin)[number % 2].post("/devices", device).status_code == 201
    return {"filter_make": word}


def some_entries(cast):
    made = cast.owner.post("/users", {"username": (name := fresh("new")), "email": f"{name}@example.com", "password": PASSWORD}).json()
    for word in ("b", "c", "a", "é", "b"):
        entry = {"action_name": word, "action_description": "made", "user_id": made["id"], "details": {"of": word}}
        assert cast.admin.post("/audit/logs", entry).status_code == 200
    return {"filter_user": made["id"]}


def some_templates(kind):
    def make(cast):
        word = fresh("word")
        for name in ("b", "B", "a", "é", "b"):
            assert cast.admin.post(f"/templates/{kind}", {"name": f"{word}{name}"}).status_code == 201
        return {"filter_name": word}

    return make


def some_categories(cast):
    word = fresh("word")
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        category = {"name": f"{word}{name}", "active": number != 1, "additional_properties": {"a": {"type": "text", "value": name}}}
        assert cast.admin.post("/categories", category).status_code == 201
    return {"filter_search": word}


def some_articles(cast):
    word = fresh("word")
    assert cast.admin.post("/categories", {"id": word, "name": "made"}).status_code == 201
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        article = {"title": name, "body": "x", "category": {"id": word}, "active": number != 1, "tags": [name, "x"]}
        assert cast.admin.post("/content/articles", article).status_code == 201
    return {"filter_category": word}


def some_addresses(cast):
    made = cast.owner.post("/users", {"username": (name := fresh("new")), "email": f"{name}@example.com", "password": PASSWORD}).json()
    for word in ("b", "B", "a", "é", "b"):
        address = {"name": word, "first_name": "A", "last_name": "B", "address1": "1", "city": "Oranjestad", "country_code": "ABW"}
        assert cast.admin.post(f"/users/{made['id']}/addresses", address).status_code == 201
    return {"user_id": str(made["id"])}


def some_relationships(cast):
    for each in cast.admin.get("/users/relationships", params={"size": 1000}).json()["content"]:
        assert cast.admin.delete(f"/users/relationships/{each['id']}").status_code == 204
    for context in ("b", "B", "a", "é", "c"):
        told = {"parent": {"id": cast.owner.id}, "child": {"id": cast.admin.id}, "context": context}
        assert cast.admin.post("/users/relationships", told).status_code == 201
    return {}


def some_dispositions(cast):
    word = fresh("word")
    for name in ("b", "B", "a", "é", "c"):
        assert cast.owner.post("/dispositions", {"context": "thing", "context_id": word, "name": name}).status_code == 200
    return {"filter_context": f"thing:{word}"}


def befriended(cast, friends):
    """Somebody whom five others have asked to be a friend, or who has said yes to them."""
    made = a_bystander(cast)
    for other in [a_bystander(cast) for _ in range(5)]:
        assert cast.admin.post(f"/users/{other}/friends/{made}").status_code == 200
        if friends:
            assert cast.admin.post(f"/users/{made}/friends/{other}").status_code == 200
    return {"user_id": str(made)}


def some_blocked(cast):
    made = a_bystander(cast)
    for other in [a_bystander(cast) for _ in range(5)]:
        assert cast.admin.put(f"/users/{made}/blocked/{other}").status_code == 204
    return {"user_id": str(made)}


def a_category_for_it(cast):
    word = fresh("word")
    assert cast.admin.post("/categories", {"id": word, "name": "made"}).status_code == 201
    return word


def some_polls(cast):
    word = a_category_for_it(cast)
    for number, text in enumerate(["b", "B", "a", "é", "b"]):
        poll = {"text": text, "type": "TEXT", "active": number != 1, "answers": [{"key": "a", "text": text}], "category": {"id": word}}
        assert cast.admin.post("/media/polls", poll).status_code == 201
    return {"filter_category": word}


def some_artists(cast):
    word = fresh("word")
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        artist = {"name": f"{word}{name}", "priority": number % 2, "born": "1980/01/31" if number else None}
        assert cast.admin.post("/media/artists", artist).status_code == 201
    return {"filter_artists_by_name": word}


def some_flags(cast, by_context=False):
    word, user = fresh("word"), a_bystander(cast)
    for thing in ("b", "B", "a", "é", "c"):
        assert cast.admin.post("/moderation/flags", {"context": word, "context_id": thing, "user": {"id": user}}).status_code == 201
    return {"filter_context": word} if by_context else {"filter_user_id": user}


def some_videos(cast, uploader=None):
    word = a_category_for_it(cast)
    of = {"uploader": {"id": uploader}} if uploader else {}
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        sizes = {"height": number, "width": 1, "length": 1, "size": number % 2}
        shown = {"privacy": "private" if number == 1 else "public", "thumbnail": name if number else None}
        video = {"name": name, "location": "x", "extension": "mp4", "category": {"id": word}, **sizes, **shown, **of}
        assert cast.admin.post("/media/videos", video).status_code == 201
    return {"filter_category": word}


def some_videos_of_one(cast):
    user = a_bystander(cast)
    some_videos(cast, user)
    return {"user_id": str(user)}


def something_about_a_video(what):
    def make(cast):
        of = a_video(cast, "video_id")
        for word in ("b", "B", "a", "é", "c"):
            told = {"context": "video", "context_id": "1", "content": word, "name": word}
            body = related(cast) | {"relationship_details": word} if what == "related" else told
            answer = cast.owner.post(f"/media/videos/{of['video_id']}/{what}", body)
            assert answer.status_code == 200, answer.text
        return of

    return make


def some_groups(cast):
    word = fresh("word-")
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        group = {"unique_name": f"{word}{number}", "name": name, "status": ("open", "closed")[number % 2], "description": name}
        assert cast.admin.post("/users/groups", group).status_code == 201
    return {"filter_unique_name": word}


def some_members(cast):
    group = a_group(cast)
    for order in ("b", "B", None, "é", "b"):
        body = {"user": {"id": a_bystander(cast)}, "order": order, "status": "moderator" if order else None}
        assert cast.admin.post(f"/users/groups/{group['unique_name']}/members", body).status_code == 201
    return group


def some_games(cast):
    word = fresh("word")
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        game = {"name": f"{word}{name}", "owner": {"id": (cast.owner, cast.admin)[number % 2].id}}
        made = cast.admin.post("/kongregate/games", game)
        assert made.status_code == 201
        CANARIES.add(made.json()["api_key"])
    return {"filter_name": word}


def some_objects(cast):
    of = a_template(cast, "object")["id"]
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        told = {"name": name, "sort": number % 2, "category": name if number else None}
        assert cast.admin.post(f"/objects/{of}", told).status_code == 201
    return {"template_id": of}


def some_triggers(cast):
    word = fresh("word")
    for number, name in enumerate(["b", "B", "a", "é", "b"]):
        trigger = {"event_name": f"{word}.{number}", "trigger_name": f"{word}{name}", "trigger_description": name, "tags": [name]}
        assert cast.admin.post("/bre/triggers", trigger).status_code == 201
    return {"filter_name": word}


def some_events(cast):
    trigger = a_trigger(cast)
    for number in range(5):
        assert cast.admin.post("/bre/events", {**trigger, "params": {"number": number}}).status_code == 200
    return {"filter_event_name": trigger["event_name"]}


def some_values(cast):
    word = fresh("word")
    for name in ("b", "c", "a", "é", "d"):
        user = {"username": f"{word}{name}", "email": f"{word}{ord(name)}@example.com", "password": PASSWORD}
        assert cast.admin.post("/users", user).status_code == 200
    return {"name": "user", "filter_name": word}


# How to make five records for a list, of which some may be hidden from some. Gives what the list must be asked to show just these.
MADE = {
    **{f"gamehall.templates.v1.{name}TemplateService.List{name}Templates": some_templates(kind) for name, kind in (NAMES | ITEMS).items()},
    "gamehall.events.v1.EventService.ListEventLogs": some_events,
    "gamehall.events.v1.TriggerService.ListTriggers": some_triggers,
    "gamehall.events.v1.VariableService.ListVariableValues": some_values,
    "gamehall.rules.v1.CategoryService.ListCategories": lambda cast: {},
    "gamehall.rules.v1.GlobalService.ListGlobals": some_globals,
    "gamehall.rules.v1.RuleService.ListRules": some_rules,
    "gamehall.webhooks.v1.ForwardLogService.ListForwardLogs": some_posts,
    "gamehall.webhooks.v1.WebhookService.ListWebhooks": some_webhooks,
    "gamehall.groups.v1.GroupService.ListGroups": some_groups,
    "gamehall.groups.v1.GroupMemberService.ListGroupMembers": some_members,
    "gamehall.media.v1.ArtistService.ListArtists": some_artists,
    "gamehall.media.v1.ModerationService.ListFlags": some_flags,
    "gamehall.media.v1.ModerationService.ListReports": lambda cast: some_flags(cast, by_context=True),
    "gamehall.media.v1.PollService.ListPolls": some_polls,
    "gamehall.media.v1.VideoService.ListVideos": some_videos,
    "gamehall.media.v1.VideoService.ListVideosOfUser": some_videos_of_one,
    "gamehall.media.v1.VideoTalkService.ListVideoComments": something_about_a_video("comments"),
    "gamehall.media.v1.VideoTalkService.ListVideoDispositions": something_about_a_video("dispositions"),
    "gamehall.media.v1.VideoTalkService.ListRelatedVideos": something_about_a_video("related"),
    "gamehall.kongregate.v1.GameService.ListGames": some_games,
    "gamehall.objects.v1.ObjectService.ListObjects": some_objects,
    "gamehall.templates.v1.TemplateService.ListTemplatesOfKind": lambda cast: {"type_hint": "user", **some_templates("user")(cast)},
    "gamehall.categories.v1.CategoryService.ListCategories": some_categories,
    "gamehall.content.v1.ArticleService.ListArticles": some_articles,
    "gamehall.dispositions.v1.DispositionService.ListDispositions": some_dispositions,
    "gamehall.users.v1.AddressService.ListAddresses": some_addresses,
    "gamehall.users.v1.BlockService.ListBlocked": some_blocked,
    "gamehall.users.v1.FriendshipService.ListFriends": lambda cast: befriended(cast, friends=True),
    "gamehall.users.v1.FriendshipService.ListInvites": lambda cast: befriended(cast, friends=False),
    "gamehall.users.v1.RelationshipService.ListRelationships": some_relationships,
    "gamehall.access.v1.ClientService.ListClients": some_clients,
    "gamehall.access.v1.PermissionService.ListPermissions": some_permissions,
    "gamehall.access.v1.RoleService.ListRoles": some_roles,
    "gamehall.auth.v1.IssuedTokenService.ListIssuedTokens": some_sessions,
    "gamehall.auth.v1.LocationLogService.ListLocations": some_locations,
    "gamehall.auth.v1.SessionService.ListSessions": some_own_sessions,
    "gamehall.comments.v1.CommentService.ListComments": some_comments,
    "gamehall.configs.v1.ConfigService.ListConfigs": some_configs,
    "gamehall.devices.v1.DeviceService.ListDevices": some_devices,
    "gamehall.logs.v1.UserLogService.ListUserLogs": some_entries,
    "gamehall.users.v1.UserService.ListUsers": some_users,
    "gamehall.social.v1.ProviderService.ListProviders": some_providers,
}
# Lists of what nobody makes, and how long they are.
GIVEN = {"gamehall.rules.v1.CategoryService.ListCategories": len(CATEGORIES)}

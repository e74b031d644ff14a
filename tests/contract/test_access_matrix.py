"""Every RPC, every caller, every door: the contract's policy alone says how a call ends."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from gamehall_server.main import SERVICERS
from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from people import PASSWORD, Person, fresh

from tests.contract.callers import Caller, Cast
from tests.contract.doors import DOORS, OK, Outcome, addressed, http, request_of, rules_of
from tests.modules.providers import twin
from tests.modules.signing_in import provider_of, put

METHODS = {method.full_name: method for servicer in SERVICERS for method in servicer.service.methods}
ANYONE_SIGNED_IN = "*"


def a_comment_of(cast: Cast) -> dict[str, Any]:
    said = cast.owner.post("/comments", {"context": "video", "context_id": fresh("thing"), "content": "mine"})
    assert said.status_code == 200
    return {"id": said.json()["id"]}


def a_new_user(cast: Cast) -> dict[str, Any]:
    username = fresh("new")
    return {"user": {"username": username, "email": f"{username}@example.com", "password": PASSWORD}}


def a_sign_in(cast: Cast) -> dict[str, Any]:
    return {"grant_type": "password", "client_id": "web", "username": cast.owner.username, "password": PASSWORD}


def a_public_config(cast: Cast) -> dict[str, Any]:
    config = {"name": fresh("config"), "value": "as it was", "public_read": True}
    assert cast.admin.post("/configs", config).status_code == 201
    return {"name": config["name"]}


def a_change_of_a_config(cast: Cast) -> dict[str, Any]:
    named = a_public_config(cast)
    return {**named, "config": {**named, "value": "changed", "public_read": True}}


def a_notice(cast: Cast) -> dict[str, Any]:
    notice = {"message": "all is well", "access_locked": False}
    assert cast.admin.post("/maintenance", notice).status_code == 200
    return {"maintenance": notice}


def a_provider(cast: Cast) -> dict[str, Any]:
    issuer = twin().issuer()
    assert cast.admin.post("/auth/providers", provider_of(issuer)).status_code == 201
    return {"name": issuer.name}


def a_change_of_a_provider(cast: Cast) -> dict[str, Any]:
    named = a_provider(cast)
    return {**named, "provider": {**named, "issuer": "https://accounts.example.com", "client_id": "changed"}}


def a_facebook_token(cast: Cast) -> dict[str, Any]:
    for name, value in (("social.facebook.app_id", twin().app_id), ("social.facebook.secret_key", twin().app_secret)):
        put(cast.admin, name, value)
    return {"token": {"access_token": twin().facebook_token()}}


def a_google_code(cast: Cast) -> dict[str, Any]:
    for name, value in (("social.google.client_id", twin().google.client_id), ("social.google.secret_key", twin().google.secret)):
        put(cast.admin, name, value)
    return {"token": {"authorization_code": twin().google.code()}}


def a_new_identity(cast: Cast) -> dict[str, Any]:
    issuer = twin().issuer()
    assert cast.admin.post("/auth/providers", provider_of(issuer)).status_code == 201
    return {"user_id": str(cast.owner.id), "token": {"provider": issuer.name, "token": issuer.token()}}


def an_identity(cast: Cast) -> dict[str, Any]:
    asked = a_new_identity(cast)
    assert cast.owner.post("/users/me/identities", asked["token"]).status_code == 202
    found = [each["id"] for each in cast.owner.get("/users/me/identities").json() if each["provider"] == asked["token"]["provider"]]
    return {"user_id": str(cast.owner.id), "id": found[0]}


class Given(NamedTuple):
    """What a method needs that its contract cannot tell: fields of the request, and where its object can be looked at."""

    fields: Callable[[Cast], dict[str, Any]]
    look: str = ""


GIVEN = {
    "gamehall.auth.v1.TokenService.CreateToken": Given(a_sign_in),
    "gamehall.comments.v1.CommentService.DeleteComment": Given(a_comment_of, "/comments/{id}"),
    "gamehall.comments.v1.CommentService.GetComment": Given(a_comment_of, "/comments/{id}"),
    "gamehall.comments.v1.CommentService.UpdateComment": Given(a_comment_of, "/comments/{id}"),
    "gamehall.configs.v1.ConfigService.CreateConfig": Given(lambda cast: {"config": {"name": fresh("config")}}),
    "gamehall.configs.v1.ConfigService.DeleteConfig": Given(a_public_config, "/configs/{name}"),
    "gamehall.configs.v1.ConfigService.GetConfig": Given(a_public_config, "/configs/{name}"),
    "gamehall.configs.v1.ConfigService.UpdateConfig": Given(a_change_of_a_config, "/configs/{name}"),
    "gamehall.maintenance.v1.MaintenanceService.DeleteMaintenance": Given(lambda cast: a_notice(cast) and {}, "/maintenance"),
    "gamehall.maintenance.v1.MaintenanceService.GetMaintenance": Given(lambda cast: a_notice(cast) and {}),
    "gamehall.maintenance.v1.MaintenanceService.SetMaintenance": Given(a_notice, "/maintenance"),
    "gamehall.maintenance.v1.MaintenanceService.UpdateMaintenance": Given(a_notice, "/maintenance"),
    "gamehall.locations.v1.LocationService.ListStates": Given(lambda cast: {"country_code_iso3": "FRA"}),
    "gamehall.social.v1.IdentityService.DeleteIdentity": Given(an_identity, "/users/{user_id}/identities"),
    "gamehall.social.v1.IdentityService.LinkFacebook": Given(a_facebook_token),
    "gamehall.social.v1.IdentityService.LinkGoogle": Given(a_google_code),
    "gamehall.social.v1.IdentityService.LinkIdentity": Given(a_new_identity, "/users/{user_id}/identities"),
    "gamehall.social.v1.IdentityService.ListIdentities": Given(lambda cast: {"user_id": str(cast.owner.id)}, "/users/{user_id}/identities"),
    "gamehall.social.v1.ProviderService.CreateProvider": Given(lambda cast: {"provider": provider_of(twin().issuer())}),
    "gamehall.social.v1.ProviderService.DeleteProvider": Given(a_provider),
    "gamehall.social.v1.ProviderService.GetProvider": Given(a_provider),
    "gamehall.social.v1.ProviderService.UpdateProvider": Given(a_change_of_a_provider),
    "gamehall.users.v1.UserService.CreateUser": Given(a_new_user),
    "gamehall.users.v1.UserService.GetUser": Given(lambda cast: {"id": str(cast.owner.id)}, "/users/{id}"),
}
NOTHING = Given(lambda cast: {})


def about_one(method: MethodDescriptor) -> bool:
    """Whether a method is about one object that its path names; lists and new objects are everybody's own."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    return "{" in getattr(rule, rule.WhichOneof("pattern"))


def expected(method: MethodDescriptor, caller: Caller, owner: Person) -> Outcome:
    """How the contract says that a call about something of `owner` ends."""
    rules = rules_of(method)
    if rules.oauth:
        # The Authorization header names a client there; a bearer token has no say.
        return OK
    if caller.flaw:
        return Outcome("UNAUTHENTICATED", caller.flaw)
    if rules.policy.open:
        return OK
    if caller.token is None:
        return Outcome("UNAUTHENTICATED", "TOKEN_MISSING")
    if opens(rules.policy.any, caller):
        return OK
    if opens(rules.policy.own, caller) and caller.user_id is not None:
        return OK if caller.user_id == owner.id or not about_one(method) else Outcome("NOT_FOUND", "NOT_FOUND")
    return Outcome("PERMISSION_DENIED", "FORBIDDEN")


def opens(names: Any, caller: Caller) -> bool:
    return ANYONE_SIGNED_IN in names or not caller.holds.isdisjoint(names)


def about(method: MethodDescriptor, cast: Cast) -> tuple[Message, str]:
    """A request that is right in everything, about something new of the owner's; and where to look at it."""
    given = GIVEN.get(method.full_name, NOTHING)
    fields = given.fields(cast)
    return request_of(method, **fields), given.look.format(**fields)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", METHODS)
def test_the_policy_decides(world, sandbox_of, cast, name, door):
    method = METHODS[name]
    deployment = sandbox_of(world) if rules_of(method).sandbox else world
    there = cast(deployment)
    owner = there.owner

    wrong = []
    for caller in there.callers:
        request, look = about(method, there)
        before = owner.get(look).json() if look else None
        ended, wanted = DOORS[door](deployment, method, request, caller.token), expected(method, caller, owner)
        if ended != wanted:
            wrong.append(f"{caller.name}: {ended}, not {wanted}")
        if ended != OK and look and owner.get(look).json() != before:
            wrong.append(f"{caller.name}: {ended}, and yet it changed {before}")

    assert wrong == []


ONES_OWN = [name for name, method in METHODS.items() if rules_of(method).policy.own and about_one(method)]


def test_what_is_given_is_given_to_methods_that_exist():
    assert GIVEN.keys() <= METHODS.keys()


def test_what_may_be_ones_own_is_told_here():
    assert [name for name in ONES_OWN if not GIVEN.get(name, NOTHING).look] == [], "say in GIVEN how to make one, and where to look at it"


@pytest.mark.parametrize("name", ONES_OWN)
def test_not_yours_and_not_there_are_the_same_answer(world, cast, name):
    method = METHODS[name]
    there = cast(world)
    owner = there.owner
    other = next(caller for caller in there.callers if caller.name == "another user")
    theirs, look = about(method, there)
    nobodys = type(theirs)()
    nobodys.CopyFrom(theirs)
    field = "user_id" if "user_id" in method.input_type.fields_by_name else "id"
    setattr(nobodys, field, type(getattr(nobodys, field))(2**31 - 1))

    answers = [said_over_http(world, method, request, other) for request in (theirs, nobodys)]

    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert owner.get(look).status_code == 200


def said_over_http(world, method, request, caller):
    """Status and body of a refusal, without what differs from call to call."""
    answer = http.request(**addressed(world, method, request, caller.token))
    body = answer.json()
    body.pop("request_id")
    return answer.status_code, body

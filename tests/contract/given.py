"""What each RPC of the contract needs that its contract cannot tell: the objects that calls are about, made anew for each."""

from typing import Any

from gamehall_server.servicers import SERVICERS
from people import CANARIES, PASSWORD, fresh, numbers

from tests.contract.callers import Cast
from tests.contract.doors import Outcome, http
from tests.contract.given_records import RECORDS, Given
from tests.contract.records import a_bystander
from tests.modules.providers import twin
from tests.modules.signing_in import provider_of, put

METHODS = {method.full_name: method for servicer in SERVICERS for method in servicer.service.methods}


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


def a_permission(cast: Cast) -> dict[str, Any]:
    word = fresh("MADE_")
    assert cast.admin.post("/auth/permissions", {"permission": word, "name": "made"}).status_code == 200
    return {"permission": word}


def a_role(cast: Cast) -> dict[str, Any]:
    word = fresh("ROLE_MADE_")
    assert cast.admin.post("/auth/roles", {"role": word, "name": "made"}).status_code == 201
    return {"role": word}


def a_client(cast: Cast) -> dict[str, Any]:
    key = fresh("made.")
    told = cast.admin.post("/auth/clients", {"client_key": key, "name": "made"})
    assert told.status_code == 200
    CANARIES.add(told.json()["secret"])
    return {"client_key": key}


def a_session(cast: Cast) -> dict[str, Any]:
    return {"username": cast.owner.username, "client_id": "web"}


def another_session(cast: Cast) -> dict[str, Any]:
    form = {"grant_type": "password", "client_id": "web", "username": cast.owner.username, "password": PASSWORD}
    assert http.post(cast.owner.url + "/oauth/token", data=form).status_code == 200
    sessions = cast.owner.get("/users/me/sessions").json()["content"]
    return {"user_id": str(cast.owner.id), "id": next(each["id"] for each in sessions if not each["current"])}


def a_session_to_end(cast: Cast) -> dict[str, Any]:
    username = fresh("new")
    assert cast.owner.post("/users", {"username": username, "email": f"{username}@example.com", "password": PASSWORD}).status_code == 200
    return {"username": username}


def without_roles(cast: Cast) -> int:
    """A user who holds nothing, so that whoever may give roles may give this one none."""
    number = a_bystander(cast)
    assert cast.admin.put(f"/auth/users/{number}/roles", []).status_code == 200
    return number


def a_change_of_a_user(cast: Cast) -> dict[str, Any]:
    told = {"username": cast.owner.username, "email": f"{cast.owner.username}@example.com", "description": fresh("changed")}
    return {"id": str(cast.owner.id), "user": told}


def a_tag(cast: Cast) -> dict[str, Any]:
    return {"user_id": str(cast.owner.id), "tag": fresh("tag")}


def a_password_of_everybody(cast: Cast) -> dict[str, Any]:
    # Refused when all else is right: a good one would end the owner's sessions.
    return {"id": str(cast.owner.id), "password": "12345678"}


def a_wrong_code(cast: Cast) -> dict[str, Any]:
    return {"id": str(cast.owner.id), "reset": {"password": PASSWORD, "secret": "wrong"}}


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


def a_device(cast: Cast) -> dict[str, Any]:
    added = cast.owner.post("/devices", {"name": "mine", "users": [{"id": cast.owner.id}]})
    assert added.status_code == 201
    return {"id": added.json()["id"]}


def a_second_factor(cast: Cast) -> dict[str, Any]:
    answer = cast.owner.post("/users/me/second-factor")
    assert answer.status_code == 200
    CANARIES.update(answer.json().values())
    return {"user_id": str(cast.owner.id)}


def an_entry(cast: Cast) -> dict[str, Any]:
    word = fresh("did")
    assert cast.owner.post("/audit/logs", {"action_name": word, "action_description": "made"}).status_code == 200
    return {"id": cast.owner.get("/audit/logs", params={"filter_action_name": word}).json()["content"][0]["id"]}


def a_way_to_the_login_page(cast: Cast) -> dict[str, Any]:
    asked = {"response_type": "code", "client_id": cast.application, "state": "there", "scope": "read"}
    return {**asked, "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}


def a_login(cast: Cast) -> dict[str, Any]:
    return {**a_way_to_the_login_page(cast), "username": cast.owner.username, "password": PASSWORD, "decision": "allow"}


def a_token_of_a_server(cast: Cast) -> dict[str, Any]:
    key, secret = cast.server
    return {"client_id": key, "client_secret": secret, "token": "none of ours"}


ROLES, CLIENTS, PERMISSIONS = (f"gamehall.access.v1.{name}Service" for name in ("Role", "Client", "Permission"))
DEVICES = "gamehall.devices.v1.DeviceService"
SECOND = "gamehall.users.v1.SecondFactorService"
GIVEN = {
    **RECORDS,
    f"{ROLES}.CreateRole": Given(lambda cast: {"role": {"role": fresh("ROLE_"), "name": "made"}}),
    f"{ROLES}.GetRole": Given(a_role),
    f"{ROLES}.UpdateRole": Given(lambda cast: (made := a_role(cast)) | {"role_resource": made | {"name": "other"}}),
    f"{ROLES}.DeleteRole": Given(a_role),
    # None that a caller would have to hold: what one may give is tested with the roles.
    f"{ROLES}.SetRolePermissions": Given(a_role),
    f"{ROLES}.GetClientRoles": Given(a_client),
    f"{ROLES}.SetClientRoles": Given(a_client),
    f"{CLIENTS}.CreateClient": Given(lambda cast: {"client": {"client_key": fresh("made."), "name": "made", "is_public": True}}),
    f"{CLIENTS}.GetClient": Given(a_client),
    f"{CLIENTS}.UpdateClient": Given(lambda cast: (made := a_client(cast)) | {"client": made | {"name": "other"}}),
    f"{CLIENTS}.DeleteClient": Given(a_client),
    f"{CLIENTS}.SetGrantTypes": Given(a_client),
    f"{CLIENTS}.SetRedirectURIs": Given(a_client),
    f"{PERMISSIONS}.CreatePermission": Given(lambda cast: {"permission": {"permission": fresh("MADE_"), "name": "made"}}),
    f"{PERMISSIONS}.GetPermission": Given(a_permission),
    f"{PERMISSIONS}.UpdatePermission": Given(lambda cast: (made := a_permission(cast)) | {"permission_resource": made | {"name": "other"}}),
    f"{PERMISSIONS}.DeletePermission": Given(a_permission),
    "gamehall.users.v1.UserRoleService.GetUserRoles": Given(lambda cast: {"user_id": str(cast.owner.id)}),
    "gamehall.users.v1.UserRoleService.SetUserRoles": Given(lambda cast: {"user_id": str(without_roles(cast))}),
    "gamehall.auth.v1.IssuedTokenService.GetIssuedToken": Given(a_session),
    "gamehall.auth.v1.IssuedTokenService.DeleteIssuedTokens": Given(a_session_to_end),
    "gamehall.auth.v1.AuthorizationService.Authorize": Given(a_login),
    "gamehall.auth.v1.AuthorizationService.GetLoginPage": Given(a_way_to_the_login_page),
    "gamehall.auth.v1.AuthorizationService.IntrospectToken": Given(a_token_of_a_server),
    "gamehall.auth.v1.AuthorizationService.RevokeToken": Given(a_token_of_a_server),
    "gamehall.auth.v1.SessionService.ListSessions": Given(lambda cast: {"user_id": str(cast.owner.id)}, "/users/{user_id}/identities"),
    "gamehall.auth.v1.SessionService.GetSession": Given(another_session, "/users/{user_id}/sessions/{id}"),
    "gamehall.auth.v1.SessionService.EndSession": Given(another_session, "/users/{user_id}/sessions/{id}"),
    "gamehall.auth.v1.SessionService.EndSessions": Given(
        lambda cast: {"user_id": str(cast.owner.id), "others": True}, "/users/{user_id}/sessions"
    ),
    "gamehall.auth.v1.TokenService.CreateToken": Given(a_sign_in),
    "gamehall.comments.v1.CommentService.DeleteComment": Given(a_comment_of, "/comments/{id}"),
    "gamehall.comments.v1.CommentService.GetComment": Given(a_comment_of, "/comments/{id}"),
    "gamehall.comments.v1.CommentService.UpdateComment": Given(a_comment_of, "/comments/{id}"),
    "gamehall.configs.v1.ConfigService.CreateConfig": Given(lambda cast: {"config": {"name": fresh("config")}}),
    "gamehall.configs.v1.ConfigService.DeleteConfig": Given(a_public_config, "/configs/{name}"),
    "gamehall.configs.v1.ConfigService.GetConfig": Given(a_public_config, "/configs/{name}"),
    "gamehall.configs.v1.ConfigService.UpdateConfig": Given(a_change_of_a_config, "/configs/{name}"),
    f"{DEVICES}.AddDeviceUsers": Given(lambda cast: a_device(cast) | {"users": [{"id": cast.admin.id}]}, "/devices/{id}"),
    f"{DEVICES}.DeleteDevice": Given(a_device, "/devices/{id}"),
    f"{DEVICES}.DeleteDeviceUser": Given(lambda cast: a_device(cast) | {"user_id": str(cast.owner.id)}, "/devices/{id}"),
    f"{DEVICES}.DeleteDeviceUsers": Given(a_device, "/devices/{id}"),
    f"{DEVICES}.GetDevice": Given(a_device, "/devices/{id}"),
    f"{DEVICES}.UpdateDevice": Given(lambda cast: a_device(cast) | {"device": {"name": fresh("other")}}, "/devices/{id}"),
    "gamehall.maintenance.v1.MaintenanceService.DeleteMaintenance": Given(lambda cast: a_notice(cast) and {}, "/maintenance"),
    "gamehall.maintenance.v1.MaintenanceService.GetMaintenance": Given(lambda cast: a_notice(cast) and {}),
    "gamehall.maintenance.v1.MaintenanceService.SetMaintenance": Given(a_notice, "/maintenance"),
    "gamehall.maintenance.v1.MaintenanceService.UpdateMaintenance": Given(a_notice, "/maintenance"),
    "gamehall.logs.v1.UserLogService.CreateUserLog": Given(lambda cast: {"log": {"action_name": "did", "action_description": "made"}}),
    "gamehall.logs.v1.UserLogService.GetUserLog": Given(an_entry, "/audit/logs/{id}"),
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
    "gamehall.users.v1.PasswordService.SetPassword": Given(
        a_password_of_everybody, "/users/{id}", Outcome("INVALID_ARGUMENT", "INVALID_VALUE")
    ),
    "gamehall.users.v1.PasswordService.StartPasswordReset": Given(lambda cast: {"id": str(next(numbers) + 10**9)}),
    "gamehall.users.v1.PasswordService.SubmitPasswordReset": Given(lambda cast: {"username": fresh("nobody")}),
    "gamehall.users.v1.PasswordService.FinishPasswordReset": Given(a_wrong_code, ends=Outcome("INVALID_ARGUMENT", "RESET_CODE")),
    f"{SECOND}.GetSecondFactor": Given(lambda cast: {"user_id": str(cast.owner.id)}, "/users/{user_id}/second-factor"),
    f"{SECOND}.StartSecondFactor": Given(lambda cast: {"user_id": str(cast.owner.id)}, "/users/{user_id}/second-factor"),
    # Right ones would be asked for whenever the owner signs in.
    f"{SECOND}.ConfirmSecondFactor": Given(
        lambda cast: a_second_factor(cast) | {"otp": "wrong"},
        "/users/{user_id}/second-factor",
        Outcome("INVALID_ARGUMENT", "SECOND_FACTOR_WRONG"),
    ),
    f"{SECOND}.DisableSecondFactor": Given(
        lambda cast: {"user_id": str(cast.owner.id), "otp": "wrong"}, "/users/{user_id}/second-factor", Outcome("NOT_FOUND", "NOT_FOUND")
    ),
    f"{SECOND}.RemoveSecondFactor": Given(a_second_factor),
    "gamehall.users.v1.UserService.AddUserTag": Given(a_tag),
    "gamehall.users.v1.UserService.ListUserTags": Given(lambda cast: {"user_id": str(cast.owner.id)}),
    "gamehall.users.v1.UserService.RemoveUserTag": Given(a_tag),
    "gamehall.users.v1.UserService.UpdateUser": Given(a_change_of_a_user, "/users/{id}"),
    "gamehall.users.v1.UserService.GetUser": Given(lambda cast: {"id": str(cast.owner.id)}, "/users/{id}"),
}
NOTHING = Given(lambda cast: {})

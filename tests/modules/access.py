"""What tests of roles, permissions and clients begin with."""

from gamehall_server.kit.storage import Query
from gamehall_server.modules.access.bootstrap import permissions
from people import CANARIES, fresh
from sqlalchemy import update

from tests.contract.doors import published_refusal
from tests.modules.oauth import ask

MADE_UP = Query(update(permissions).where(permissions.c.permission == "COMMENTS_ADMIN").values(locked=False))
ADMINISTERS = ("ROLES_ADMIN", "CLIENTS_ADMIN", "PERMISSIONS_ADMIN")


def made(admin, path, **body):
    answer = admin.post(path, body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def role_maker(admin):
    """Makes roles with these permissions."""

    def make(*permissions):
        word = fresh("ROLE_")
        made(admin, "/auth/roles", role=word, name=word)
        assert admin.put(f"/auth/roles/{word}/permissions", list(permissions)).status_code == 200
        return word

    return make


def client_maker(admin):
    """Makes clients with these roles that may ask for tokens of their own."""

    def make(*roles, grants=("client_credentials",), **body):
        key = fresh("server.")
        told = made(admin, "/auth/clients", client_key=key, name=key, **body)
        CANARIES.update([told["secret"]] if "secret" in told else [])
        assert admin.put(f"/auth/clients/{key}/grant-types", list(grants)).status_code == 204
        assert admin.put(f"/auth/clients/{key}/roles", list(roles)).status_code == 200
        return told

    return make


def own_token(world, client, secret=None):
    form = {"grant_type": "client_credentials", "client_id": client["client_key"], "client_secret": secret or client["secret"]}
    return ask(world, **form)


def refused(answer, reason, field=None):
    assert published_refusal(answer).reason == reason, answer.text
    if field is not None:
        assert [result["field"] for result in answer.json()["result"]] == [field]

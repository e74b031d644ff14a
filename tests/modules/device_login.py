"""A device that signs in, in tests."""

import secrets

from gamehall_server.kit.storage import Query, table_of
from gamehall_server.modules.devices.tables import DeviceSecretRow
from people import CANARIES, fresh
from sqlalchemy import func, select

from tests.modules.oauth import ask
from tests.modules.signing_in import signed_in_by

AUTO_CREATE = "device_login_auto_create"
NEW_PASSWORD = "seven quiet kettles"
WRONG = "w" * 40
CANARIES.update({NEW_PASSWORD, WRONG})
device_secrets = table_of(DeviceSecretRow).table
hashes = Query(select(device_secrets.c.secret_hash).where(device_secrets.c.device_id.like("%")))
devices_that_sign_in = Query(select(func.count()).select_from(device_secrets))
CLIENTS = {}


def client_of(world):
    """The client of a world that lets devices sign in."""
    if world.url not in CLIENTS:
        CLIENTS[world.url] = world.application("device", "refresh_token")[0]
    return CLIENTS[world.url]


class Box:
    """A device: its id, the secret that it made, and the application on it."""

    def __init__(self, client):
        self.id, self.secret, self.client = fresh("box-") + secrets.token_urlsafe(12), secrets.token_urlsafe(32), client
        CANARIES.add(self.secret)

    def form(self, **more):
        return {"grant_type": "device", "client_id": self.client, "device_id": self.id, "device_secret": self.secret, **more}

    def signed_in(self, world):
        return signed_in_by(world, self.form())


def refresh_of(world, box, person):
    form = {"grant_type": "refresh_token", "client_id": box.client, "refresh_token": person.refresh_token}
    return ask(world, **form).status_code == 200

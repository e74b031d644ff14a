"""Nakama, by its REST API (apigrpc.swagger.json): storage objects that everybody may read.

NAKAMA_SERVER_KEY: the server key, "defaultkey" where nobody changed it. Sessions last a minute by default, so devices sign in anew before
each scenario; only the logins that are measured are by e-mail address and password, for each takes half a second.
"""

import json
from base64 import b64encode
from itertools import count

from bench.scripts.script import PAGE, PASSWORD, Call, Script

# Of each, what may be read by everybody and written by its owner.
PERMISSIONS = {"permission_read": 2, "permission_write": 1}
LOGIN_USERS = 8


class Nakama(Script):
    """Pages have no total, for Nakama's have none."""

    items = "objects"

    def prepare(self) -> None:
        """Signs devices and addresses in, which makes their users, and writes."""
        self._basic = "Basic " + b64encode(f"{self.settings.get('NAKAMA_SERVER_KEY', 'defaultkey')}:".encode()).decode()
        self._numbers = count(self.objects)
        self.renew()
        self._ids = [self.site.ask(Call("GET", "/v2/account", token))["user"]["id"] for token in self._tokens]
        for number in range(self.objects):
            self.site.ask(self._write(number % self.users, f"object{number}"))
        for number in range(LOGIN_USERS):
            self.site.ask(self._sign_in(number, create=True))

    def renew(self) -> None:
        """POST /v2/account/authenticate/device."""
        path = "/v2/account/authenticate/device?create=true"
        devices = [Call("POST", path, self._basic, {"id": f"bench-device-{self.tag}-{number}"}) for number in range(self.users)]
        self._tokens = [f"Bearer {self.site.ask(device)['token']}" for device in devices]

    def account(self) -> Call:
        """GET /v2/account."""
        return Call("GET", "/v2/account", self._tokens[self.any_user()])

    def read(self) -> Call:
        """POST /v2/storage with one object's id."""
        number = self.chance.randrange(self.objects)
        wanted = {"collection": self._collection, "key": f"object{number}", "user_id": self._ids[number % self.users]}
        return Call("POST", "/v2/storage", self._tokens[self.any_user()], {"object_ids": [wanted]})

    def write(self) -> Call:
        """PUT /v2/storage with one object that is new."""
        return self._write(self.any_user(), f"written{next(self._numbers)}", "written")

    def list(self) -> Call:
        """GET /v2/storage/{collection} of one user."""
        path = f"/v2/storage/{self._collection}?user_id={self._ids[self.any_user()]}&limit={PAGE}"
        return Call("GET", path, self._tokens[self.any_user()])

    def login(self) -> Call:
        """POST /v2/account/authenticate/email."""
        return self._sign_in(self.chance.randrange(LOGIN_USERS), create=False)

    @property
    def _collection(self) -> str:
        return f"bench{self.tag}"

    def _sign_in(self, number: int, *, create: bool) -> Call:
        path = f"/v2/account/authenticate/email?create={str(create).lower()}"
        return Call("POST", path, self._basic, {"email": f"bench{self.tag}{number}@example.com", "password": PASSWORD})

    def _write(self, number: int, key: str, collection: str = "") -> Call:
        # An object's value is JSON within a string.
        made = {"collection": collection or self._collection, "key": key, "value": json.dumps({"content": self.text()}), **PERMISSIONS}
        return Call("PUT", "/v2/storage", self._tokens[number], {"objects": [made]})

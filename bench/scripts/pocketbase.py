"""PocketBase 0.23 and newer, by its Web API: a collection of the run's own, which signed-in users may read and write.

POCKETBASE_EMAIL, POCKETBASE_PASSWORD: a superuser, who makes the collection and the users. Rate limits must be off, as they are by default.
"""

from urllib.parse import urlencode

from bench.scripts.script import PAGE, PASSWORD, Call, Refused, Script

SIGNED_IN = "@request.auth.id != ''"


class PocketBase(Script):
    """Pages have their exact total, as PocketBase gives it unless told not to."""

    items = "items"

    def prepare(self) -> None:
        """Makes the collection and the users, who sign in and write."""
        try:
            email, password = (self.settings[f"POCKETBASE_{name}"] for name in ("EMAIL", "PASSWORD"))
        except KeyError as missing:
            raise Refused(f"{missing.args[0]} is not set: a superuser is needed") from None
        chief = self.site.ask(self._sign_in("_superusers", email, password))["token"]
        rules = dict.fromkeys(("listRule", "viewRule", "createRule"), SIGNED_IN)
        fields = [{"name": "owner", "type": "number"}, {"name": "content", "type": "text"}]
        index = f"CREATE INDEX idx_{self._collection} ON {self._collection} (owner)"
        made = {"name": self._collection, "type": "base", "fields": fields, "indexes": [index], **rules}
        self.site.ask(Call("POST", "/api/collections", chief, made))
        users = [
            Call("POST", "/api/collections/users/records", chief, {"email": email, "password": PASSWORD, "passwordConfirm": PASSWORD})
            for email in map(self._email, range(self.users))
        ]
        self._ids = [self.site.ask(user)["id"] for user in users]
        self._tokens = [self.site.ask(self._sign_in("users", self._email(number), PASSWORD))["token"] for number in range(self.users)]
        self._made = [self.site.ask(self._write(number % self.users, number % self.users))["id"] for number in range(self.objects)]

    def account(self) -> Call:
        """GET of the own record among the users."""
        number = self.any_user()
        return Call("GET", f"/api/collections/users/records/{self._ids[number]}", self._tokens[number])

    def read(self) -> Call:
        """GET /api/collections/{name}/records/{id}."""
        return Call("GET", f"{self._records}/{self.chance.choice(self._made)}", self._tokens[self.any_user()])

    def write(self) -> Call:
        """POST /api/collections/{name}/records, of nobody whose pages are read."""
        return self._write(self.any_user(), -1)

    def list(self) -> Call:
        """GET /api/collections/{name}/records of one owner."""
        query = {"page": 1, "perPage": PAGE, "filter": f"owner={self.any_user()}"}
        return Call("GET", f"{self._records}?{urlencode(query)}", self._tokens[self.any_user()])

    def login(self) -> Call:
        """POST /api/collections/users/auth-with-password."""
        return self._sign_in("users", self._email(self.any_user()), PASSWORD)

    @property
    def _collection(self) -> str:
        return f"bench{self.tag}"

    @property
    def _records(self) -> str:
        return f"/api/collections/{self._collection}/records"

    def _email(self, number: int) -> str:
        return f"bench{self.tag}{number}@example.com"

    def _sign_in(self, collection: str, email: str, password: str) -> Call:
        return Call("POST", f"/api/collections/{collection}/auth-with-password", "", {"identity": email, "password": password})

    def _write(self, number: int, owner: int) -> Call:
        return Call("POST", self._records, self._tokens[number], {"owner": owner, "content": self.text()})

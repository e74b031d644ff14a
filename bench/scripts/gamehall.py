"""Gamehall: comments are the objects, each user's about a subject of the own."""

from urllib.parse import urlencode

from bench.scripts.script import PAGE, PASSWORD, Call, Script


class Gamehall(Script):
    """REST as published; the total of every list is exact."""

    items = "content"

    def prepare(self) -> None:
        """Registers users, who sign in and write."""
        for number in range(self.users):
            name = self._name(number)
            self.site.ask(Call("POST", "/users", "", {"username": name, "email": f"{name}@example.com", "password": PASSWORD}))
        self._tokens = [f"Bearer {self.site.ask(self._sign_in(number))['access_token']}" for number in range(self.users)]
        self._made = [self.site.ask(self._write(number % self.users))["id"] for number in range(self.objects)]

    def account(self) -> Call:
        """GET /users/me."""
        return Call("GET", "/users/me", self._tokens[self.any_user()])

    def read(self) -> Call:
        """GET /comments/{id}."""
        return Call("GET", f"/comments/{self.chance.choice(self._made)}", self._tokens[self.any_user()])

    def write(self) -> Call:
        """POST /comments, about something else than the pages that are read."""
        return self._write(self.any_user(), "written")

    def list(self) -> Call:
        """GET /comments about one subject."""
        query = {"context": "bench", "context_id": self._name(self.any_user()), "size": PAGE, "page": 1}
        return Call("GET", f"/comments?{urlencode(query)}", self._tokens[self.any_user()])

    def login(self) -> Call:
        """POST /oauth/token with a password."""
        return self._sign_in(self.any_user())

    def _name(self, number: int) -> str:
        return f"bench{self.tag}{number}"

    def _sign_in(self, number: int) -> Call:
        form = {"grant_type": "password", "client_id": "web", "username": self._name(number), "password": PASSWORD}
        return Call("POST", "/oauth/token", "", urlencode(form))

    def _write(self, number: int, context: str = "bench") -> Call:
        body = {"context": context, "context_id": self._name(number), "content": self.text()}
        return Call("POST", "/comments", self._tokens[number], body)

"""Nakama's and PocketBase's REST APIs as their public documents have them: verbs, paths, fields and authorization, and nothing else.

Nakama: apigrpc/apigrpc.swagger.json and the storage pages of its documentation. PocketBase: the Web API reference of 0.23 and newer. What
is not documented is refused, and pages go out in chunks, as Go's server sends what is longer than its buffer.
"""

import json
import re
import threading
from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, urlsplit

SUPERUSER = {"identity": "chief@example.com", "password": "a superuser's password"}
NAKAMA_KEY = "another key"


class Wrong(Exception):
    """A request that the documents do not have."""


def fields(body, needed, allowed=()):
    """Refuses a body that lacks a field, or has one that is not documented."""
    if not isinstance(body, dict) or not set(needed) <= set(body) <= {*needed, *allowed}:
        raise Wrong(f"{body}: needs {needed}, may have {allowed}")


class Nakama:
    """Sessions, accounts and storage."""

    def __init__(self):
        self.users, self.tokens, self.objects, self.numbers = {}, {}, {}, count(1)
        self.routes = (
            ("POST", r"/v2/account/authenticate/(device|email)", {"create", "username"}, self.authenticate),
            ("GET", r"/v2/account", set(), self.account),
            ("PUT", r"/v2/storage", set(), self.write),
            ("POST", r"/v2/storage", set(), self.read),
            ("GET", r"/v2/storage/([^/]+)", {"user_id", "limit", "cursor"}, self.list),
        )

    def caller(self, authorization):
        if not authorization.startswith("Bearer ") or authorization[7:] not in self.tokens:
            raise Wrong("Auth token invalid")
        return self.tokens[authorization[7:]]

    def authenticate(self, authorization, query, body, kind):
        if authorization != "Basic " + b64encode(f"{NAKAMA_KEY}:".encode()).decode():
            raise Wrong("Server key invalid")
        fields(body, ("id",) if kind == "device" else ("email", "password"), ("vars",))
        if kind == "device" and not 10 <= len(body["id"]) <= 128:
            raise Wrong("Device ID invalid, must be 10-128 bytes")
        known = kind, *body.values()
        if known not in self.users and query.get("create") != "true":
            raise Wrong("User account not found")
        user = self.users.setdefault(known, f"user-{len(self.users)}")
        token = f"token-{next(self.numbers)}"
        self.tokens[token] = user
        return {"token": token, "refresh_token": "r", "created": True}

    def account(self, authorization, query, body):
        return {"user": {"id": self.caller(authorization)}, "wallet": "{}"}

    def write(self, authorization, query, body):
        user = self.caller(authorization)
        fields(body, ("objects",))
        for made in body["objects"]:
            fields(made, ("collection", "key", "value"), ("version", "permission_read", "permission_write"))
            json.loads(made["value"])
            self.objects[made["collection"], made["key"], user] = {**made, "user_id": user}
        return {"acks": [{"collection": made["collection"], "key": made["key"], "version": "v"} for made in body["objects"]]}

    def read(self, authorization, query, body):
        self.caller(authorization)
        fields(body, ("object_ids",))
        for wanted in body["object_ids"]:
            fields(wanted, ("collection", "key", "user_id"))
        return {"objects": [self.objects[one["collection"], one["key"], one["user_id"]] for one in body["object_ids"]]}

    def list(self, authorization, query, body, collection):
        self.caller(authorization)
        found = [made for (where, _, owner), made in self.objects.items() if where == collection and owner == query["user_id"]]
        return {"objects": found[: int(query["limit"])], "cursor": "c"}


class PocketBase:
    """Collections, records and tokens."""

    def __init__(self):
        self.collections, self.records, self.tokens, self.numbers = {"users"}, {}, {}, count(1)
        records = r"/api/collections/([^/]+)/records"
        self.routes = (
            ("POST", r"/api/collections/([^/]+)/auth-with-password", {"expand", "fields"}, self.sign_in),
            ("POST", r"/api/collections", {"fields"}, self.make_collection),
            ("POST", records, {"expand", "fields"}, self.create),
            ("GET", records, {"page", "perPage", "sort", "filter", "expand", "fields", "skipTotal"}, self.list),
            ("GET", records + r"/([^/]+)", {"expand", "fields"}, self.view),
        )

    def caller(self, authorization):
        if authorization not in self.tokens:
            raise Wrong("The request requires valid record authorization token.")
        return self.tokens[authorization]

    def sign_in(self, authorization, query, body, collection):
        fields(body, ("identity", "password"), ("identityField",))
        users = [record for (where, _), record in self.records.items() if where == collection]
        known = [user["id"] for user in users if (user["email"], user["password"]) == (body["identity"], body["password"])]
        if collection == "_superusers" and body == SUPERUSER:
            known = ["superuser"]
        if not known:
            raise Wrong("Failed to authenticate.")
        token = f"token-{next(self.numbers)}"
        self.tokens[token] = known[0]
        return {"token": token, "record": {"id": known[0]}}

    def make_collection(self, authorization, query, body):
        if self.caller(authorization) != "superuser":
            raise Wrong("The authorized record is not allowed to perform this action.")
        rules = ("listRule", "viewRule", "createRule", "updateRule", "deleteRule")
        fields(body, ("name", "type", "fields"), ("indexes", *rules))
        if not all({"name", "type"} <= set(field) for field in body["fields"]):
            raise Wrong("a field has a name and a type")
        self.collections.add(body["name"])
        return body

    def create(self, authorization, query, body, collection):
        self.caller(authorization)
        if collection not in self.collections:
            raise Wrong("Missing collection context.")
        if collection == "users":
            fields(body, ("email", "password", "passwordConfirm"), ("name", "emailVisibility", "verified"))
        made = {**body, "id": f"record{next(self.numbers)}", "collectionName": collection}
        self.records[collection, made["id"]] = made
        return made

    def view(self, authorization, query, body, collection, number):
        caller = self.caller(authorization)
        if collection == "users" and caller != number:
            raise Wrong("users see themselves alone")
        return self.records[collection, number]

    def list(self, authorization, query, body, collection):
        self.caller(authorization)
        owner = int(re.fullmatch(r"owner=(-?\d+)", query["filter"]).group(1))
        found = [record for (where, _), record in self.records.items() if where == collection and record["owner"] == owner]
        size = int(query["perPage"])
        return {"page": 1, "perPage": size, "totalItems": len(found), "totalPages": -(-len(found) // size), "items": found[:size]}


@contextmanager
def documented(api):
    """Serves one of them; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # As Go's server, which writes head and body at once.
        wbufsize = -1

        def answer(self):
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                if sent and self.headers["Content-Type"] != "application/json":
                    raise Wrong("bodies are JSON")
                status, told = 200, self.called(json.loads(sent) if sent else None)
            except Wrong as wrong:
                status, told = 400, {"message": str(wrong)}
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if len(body) > 2048:
                self.send_header("Transfer-Encoding", "chunked")
                parts = [body[at : at + 1000] for at in range(0, len(body), 1000)]
                body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])
            else:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def called(self, body):
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            for verb, path, allowed, work in api.routes:
                matched = re.fullmatch(path, parts.path)
                if verb == self.command and matched:
                    if not set(query) <= allowed:
                        raise Wrong(f"query: {set(query) - allowed}")
                    return work(self.headers.get("Authorization", ""), query, body, *matched.groups())
            raise Wrong(f"{self.command} {self.path} is not documented")

        do_GET = do_POST = do_PUT = answer

        def log_message(self, *_):
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

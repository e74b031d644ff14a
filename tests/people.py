"""The people of the tests: each holds a token and speaks to both doors as a real client does."""

import itertools
from dataclasses import dataclass, field
from typing import Any

import grpc
import requests
from gamehall.auth.v1 import sessions_pb2_grpc, tokens_pb2_grpc
from gamehall.categories.v1 import categories_pb2_grpc
from gamehall.comments.v1 import comments_pb2_grpc
from gamehall.configs.v1 import configs_pb2_grpc
from gamehall.locations.v1 import locations_pb2_grpc
from gamehall.logs.v1 import user_logs_pb2_grpc
from gamehall.maintenance.v1 import maintenance_pb2_grpc
from gamehall.platform.v1 import platform_pb2_grpc
from gamehall.templates.v1 import families_pb2_grpc, templates_pb2_grpc
from gamehall.users.v1 import passwords_pb2_grpc, second_factor_pb2_grpc, users_pb2_grpc

numbers = itertools.count(1)
PASSWORD = "correct horse battery"
# Every secret of the run: none may ever stand in a log (conftest.watched_log).
CANARIES = {PASSWORD}


class Stubs:
    """Generated stubs over one channel, with the caller's token in the metadata of every call."""

    def __init__(self, channel: grpc.Channel, token: str | None) -> None:
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        channel = grpc.intercept_channel(channel, _Metadata(metadata))
        self.comments = comments_pb2_grpc.CommentServiceStub(channel)
        self.users = users_pb2_grpc.UserServiceStub(channel)
        self.passwords = passwords_pb2_grpc.PasswordServiceStub(channel)
        self.sessions = sessions_pb2_grpc.SessionServiceStub(channel)
        self.second_factors = second_factor_pb2_grpc.SecondFactorServiceStub(channel)
        self.tokens = tokens_pb2_grpc.TokenServiceStub(channel)
        self.logs = user_logs_pb2_grpc.UserLogServiceStub(channel)
        self.locations = locations_pb2_grpc.LocationServiceStub(channel)
        self.configs = configs_pb2_grpc.ConfigServiceStub(channel)
        self.maintenance = maintenance_pb2_grpc.MaintenanceServiceStub(channel)
        self.platform = platform_pb2_grpc.PlatformServiceStub(channel)
        self.categories = categories_pb2_grpc.CategoryServiceStub(channel)
        self.category_templates = families_pb2_grpc.CategoryTemplateServiceStub(channel)
        self.templates = templates_pb2_grpc.TemplateServiceStub(channel)
        self.property_types = templates_pb2_grpc.PropertyTypeServiceStub(channel)
        self.channel = channel


class _Metadata(grpc.UnaryUnaryClientInterceptor):
    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self._metadata = metadata

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(details._replace(metadata=(*(details.metadata or ()), *self._metadata)), request)


@dataclass
class Person:
    """Somebody with a token, or nobody in particular."""

    url: str
    channel: grpc.Channel
    token: str | None = None
    id: int | None = None
    username: str = ""
    refresh_token: str = ""
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        CANARIES.update(secret for secret in (self.token, self.refresh_token) if secret)
        if self.token:
            self.session.headers["Authorization"] = f"Bearer {self.token}"
        self.grpc = Stubs(self.channel, self.token)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(self.url + path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.session.post(self.url + path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.session.put(self.url + path, json=json, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.session.delete(self.url + path, **options)

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.url + path, **options)


def fresh(word: str) -> str:
    """A name nobody has yet, also in another process of the same run."""
    import os

    return f"{word}{os.getpid()}x{next(numbers)}"

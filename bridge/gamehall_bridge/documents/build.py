"""The two documents, built from the routes that a deployment serves."""

from collections.abc import Iterable
from typing import Any

import gamehall_server
import orjson
from gamehall_server.kit.comments import comment
from gamehall_server.kit.invoke import Rpc

from gamehall_bridge.documents.errors import error_answers, error_models
from gamehall_bridge.documents.operations import BASIC, BEARER, CLIENT_GRANT, PASSWORD_GRANT, Operations, id_of, tag_of
from gamehall_bridge.documents.schemas import Schemas
from gamehall_bridge.routes import Route, routes_of

_ABOUT = """An open game backend.

Unknown fields of a request are ignored, and null is the same as absent. Moments are unix seconds. Money is an exact JSON number.
Every refusal has the model Result, at the token endpoint RFC 6749's; `GET /error-codes` lists the codes."""
_VERBS = ("get", "put", "post", "delete", "options", "head", "patch")
_TOKEN = "/oauth/token"  # noqa: S105  # A path.


def swagger(rpcs: Iterable[Rpc]) -> bytes:
    """Swagger 2.0, with the published names: what swagger-codegen makes of it is the SDK that people know."""
    return _document(list(rpcs), modern=False)


def openapi(rpcs: Iterable[Rpc]) -> bytes:
    """OpenAPI 3.1."""
    return _document(list(rpcs), modern=True)


def _document(rpcs: list[Rpc], modern: bool) -> bytes:
    schemas = Schemas(modern, [kind for rpc in rpcs for kind in (rpc.descriptor.input_type, rpc.descriptor.output_type)])
    schemas.made.update(error_models(schemas))
    operations = Operations(schemas)
    routes = [route for rpc in rpcs for route in routes_of(rpc) if route.verb.lower() in _VERBS]
    names = names_of(routes)
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, str] = {}
    for route in sorted(routes, key=lambda route: (route.path, route.verb)):
        paths.setdefault(route.path.replace("=**}", "}"), {})[route.verb.lower()] = operations.of(route, names[route.verb, route.path])
        tags.setdefault(tag_of(route), comment(route.rpc.descriptor.containing_service.full_name))
    info = {"title": "Gamehall", "version": gamehall_server.__version__, "description": _ABOUT, "license": {"name": "Apache-2.0"}}
    shared = {"info": info, "tags": [{"name": name, "description": tags[name]} for name in sorted(tags)], "paths": paths}
    models = dict(sorted(schemas.made.items()))
    if modern:
        components = {"schemas": models, "responses": error_answers(schemas), "securitySchemes": _security(modern)}
        return orjson.dumps({"openapi": "3.1.0", **shared, "servers": [{"url": "/"}], "components": components})
    more = {"definitions": models, "responses": error_answers(schemas), "securityDefinitions": _security(modern)}
    return orjson.dumps({"swagger": "2.0", **shared, "basePath": "/", **more})


def names_of(routes: list[Route]) -> dict[tuple[str, str], str]:
    """An operationId for each route: the published one; where a name is taken, with its tag before it or a number behind."""
    found: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    for route in sorted(routes, key=lambda route: not route.rpc.rules.published.operation):
        name = id_of(route)
        choices = (name, f"{tag_of(route)}_{name}", *(f"{name}_{number}" for number in range(2, len(routes) + 2)))
        found[route.verb, route.path] = next(choice for choice in choices if choice not in taken)
        taken.add(found[route.verb, route.path])
    return found


def _security(modern: bool) -> dict[str, Any]:
    if not modern:
        flow = {"type": "oauth2", "tokenUrl": _TOKEN, "scopes": {}}
        return {
            CLIENT_GRANT: {**flow, "flow": "application"},
            PASSWORD_GRANT: {**flow, "flow": "password"},
            BASIC: {"type": "basic", "description": "The id and the secret of a client."},
        }
    flow = {"tokenUrl": _TOKEN, "scopes": {}}
    return {
        CLIENT_GRANT: {"type": "oauth2", "flows": {"clientCredentials": flow}},
        PASSWORD_GRANT: {"type": "oauth2", "flows": {"password": flow}},
        BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        BASIC: {"type": "http", "scheme": "basic", "description": "The id and the secret of a client."},
    }

"""What proofs of rules have in common: triggers, globals and rules made through the API, and waiting until rules have done their work."""

import time
from collections.abc import Callable
from typing import Any

from prove import books
from prove.caller import Caller
from prove.product import Product
from prove.proof import Found

PATIENCE = 120.0
# What waits for the rules, and what they have put off.
WAITS = "SELECT (SELECT count(*) FROM delivery WHERE consumer = 'rules' AND due IS NOT NULL) + (SELECT count(*) FROM bre_delayed)"
USER, NUMBER = {"type": "parameter", "of": "user"}, {"type": "parameter", "of": "number"}


class Chief:
    """The administrator's hand."""

    def __init__(self, product: Product) -> None:
        self._port, self._token = product.http_port, product.chief()

    def ask(self, verb: str, path: str, body: object = None) -> Any:
        """What an answer says. Raises RuntimeError where it is a refusal."""
        with Caller(self._port, self._token) as caller:
            told = caller.ask(verb, path, body)
        if told.status >= 300:
            raise RuntimeError(f"{verb} {path}: {told.status} {told.body[:500].decode(errors='replace')}")
        return told.json() if told.body else None

    def trigger(self, name: str, **parameters: str) -> str:
        """Makes a trigger with these parameters: name=type."""
        told = [{"name": each, "type": type} for each, type in parameters.items()]
        self.ask("POST", "/bre/triggers", {"event_name": name, "trigger_name": name, "trigger_description": name, "parameters": told})
        return name

    def counter(self, key: str, **scopes: str) -> str:
        """The id of a new global of whole numbers, one for each of these scopes: name=type."""
        told = [{"name": each, "type": type} for each, type in scopes.items()]
        made = self.ask("POST", "/bre/globals/definitions", {"key": key, "type": "integer", "scopes": told})
        return str(made["id"])

    def rule(self, event: str, *actions: object, **more: object) -> str:
        """The id of a new rule."""
        return str(self.ask("POST", "/bre/rules", {"name": event, "event_name": event, "actions": list(actions), **more})["id"])

    def fire(self, event: str, **params: object) -> int:
        """The status of the answer to an event."""
        with Caller(self._port, self._token) as caller:
            return caller.ask("POST", "/bre/events", {"event_name": event, "params": params}).status


def constant(value: object, type: str) -> dict[str, Any]:
    """A value of a variable type."""
    return {"type": "constant", "value": value, "value_type": type}


def action(name: str, **mapping: object) -> dict[str, Any]:
    """An action with its variables."""
    return {"type": name, "mapping": mapping}


def applied(kind: str, op: str, *args: object) -> dict[str, Any]:
    """An operator with its arguments."""
    return {"type": kind, "op": op, "args": list(args)}


def counts(counter: str, **more: object) -> dict[str, Any]:
    """Counts a global up, of which `scopes` are expressions by name."""
    scopes = {"type": "map", "map": more.pop("scopes", {})}
    return action("increment_global", **{"global": constant(counter, "global")}, scopes=scopes, **more)


def tags(tag: object, user: object = USER, **more: object) -> dict[str, Any]:
    """Tags a user with what an expression gives."""
    return action("add_user_tag", user=user, tag=tag, **more)


def fires(event: str, more: dict[str, Any] | None = None, /, **parameters: object) -> dict[str, Any]:
    """Fires an event whose parameters are expressions; `more` are further variables of the action."""
    return action("fire_event", event={"type": "event_context", "event_name": event, "parameters": parameters}, **(more or {}))


def above(number: int) -> dict[str, Any]:
    """Whether the event's number is above this one."""
    return applied("predicate", "GT", NUMBER, constant(number, "integer"))


def waiting(url: str) -> int:
    """How much rules have yet to do."""
    return int(books.rows(url, WAITS)[0][0])


def settled(found: Found, url: str, what: str, look: Callable[[str], int] = waiting) -> bool:
    """Waits until rules have nothing to do; whether that came."""
    deadline = time.monotonic() + PATIENCE
    while look(url) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found.check(look(url) == 0, f"{what}: {look(url)} still wait after {PATIENCE:.0f} s")

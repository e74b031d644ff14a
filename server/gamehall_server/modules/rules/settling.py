"""The rules that every deployment starts with."""

from typing import Any

from gamehall.rules.v1 import rules_pb2 as pb
from google.protobuf.json_format import ParseDict

from gamehall_server.kit.storage import Handle
from gamehall_server.modules.access import ROLE_USER
from gamehall_server.modules.rules import tables
from gamehall_server.modules.rules.ruleset import DEFAULT_ROLE, compiled, known

_GIVES_ROLE = {
    "eventName": "user_registered",
    "actions": [
        {
            "type": "assign_role",
            "mapping": {
                "user": {"parameter": {"of": "user"}},
                "role": {"constant": {"value": ROLE_USER, "valueType": "role"}},
            },
        }
    ],
}


async def settle_rules(db: Handle) -> None:
    """Adds the rule that gives every new user the role of users, where it is missing."""
    kept: list[Any] = await db.all(tables.every_rule)
    if any(row.id == DEFAULT_ROLE for row in kept):
        return
    rule = ParseDict(_GIVES_ROLE, pb.Rule())
    actions = pb.Rule(actions=rule.actions).SerializeToString(deterministic=True)
    values = {"id": DEFAULT_ROLE, "name": "Users hold the role of users", "event_name": rule.event_name, "enabled": True, "sort": 1000}
    told = "Gives everybody who registers ROLE_USER. Another role, or a condition, may stand here."
    db.later(
        tables.rules.insert, **values, description=told, start_date=None, end_date=None, condition=None, condition_text=None,
        actions=actions, system_rule=True, evaluation_count=0, run_count=0,
    )  # fmt: skip
    tables.keep_names(db, DEFAULT_ROLE, compiled(rule, await known(db)).names, new=True)

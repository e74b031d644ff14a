"""The calls that the published SDK makes about events, their triggers and their log."""

from collections.abc import Iterator
from typing import Any

from tests.sdk.steps_of_media import ADMIN, USER

Call = dict[str, Any]


def triggers() -> Iterator[Call]:
    """A trigger of the application's own, and an event of it."""
    tag, name = "RuleEngineTriggers", "$boss.event_name"
    parameter = {"$model": "BreTriggerParameterDefinition", "name": "player", "type": "user", "optional": False}
    trigger = {"$model": "BreTriggerResource", "event_name": "$given.word", "trigger_name": "Boss defeated", "tags": ["battle"]}
    trigger |= {"trigger_description": "Somebody has defeated the boss.", "parameters": [parameter]}
    whole = {"breTriggerResource": trigger}
    made = {"name": "boss", "status": 201, "vary": ["event_name:word", "trigger_name"]}
    yield {"call": f"{tag}.createBRETrigger", **ADMIN, **made, "tells": {"event_name": "$given.word"}, "with": [whole]}
    twice = {"breTriggerResource": trigger | {"parameters": [parameter, parameter]}}
    yield {"call": f"{tag}.createBRETrigger", **ADMIN, "refused": 400, "field": "parameters[1].name", "with": [twice]}
    yield {"call": f"{tag}.getBRETrigger", **USER, "tells": {"event_name": name}, "with": [name]}
    yield {"call": f"{tag}.getBRETrigger", **USER, "refused": 404, "field": "event_name", "with": ["none"]}
    asked = {"filterSystem": False, "filterCategory": "custom", "filterTags": "battle", "filterName": "boss", "filterSearch": "defeated"}
    yield {"call": f"{tag}.getBRETriggers", **USER, "with": [{**asked, "size": 3}]}
    yield {"call": f"{tag}.getBRETriggers", **USER, "refused": 400, "field": "size", "with": [{"size": -1}]}
    yield {"call": f"{tag}.updateBRETrigger", **ADMIN, "tells": {"event_name": name}, "vary": ["trigger_name"], "with": [name, whole]}
    ours = {"breTriggerResource": {**trigger, "event_name": "user_updated"}}
    yield {"call": f"{tag}.updateBRETrigger", **ADMIN, "refused": 403, "field": None, "with": ["user_updated", ours]}
    yield from events(name)
    yield {"call": f"{tag}.deleteBRETrigger", **ADMIN, "with": [name]}
    yield {"call": f"{tag}.deleteBRETrigger", **ADMIN, "refused": 404, "field": "event_name", "with": [name]}


def events(name: str) -> Iterator[Call]:
    """An event, and where the log has it."""
    tag = "RuleEngineEvents.sendBREEvent"
    event = {"$model": "BreEvent", "event_name": name, "params": {"player": "$user.id"}}
    yield {"call": tag, **USER, "name": "sent", "vary": [], "with": [{"breEvent": event}]}
    yield {"call": tag, **USER, "refused": 400, "field": "params.player", "with": [{"breEvent": {**event, "params": {"player": "x"}}}]}
    asked = {"filterStartDate": "GT,1500000000", "filterEventName": name, "filterEventId": "$sent", "order": "id:DESC"}
    yield {"call": "Logs.getBREEventLogs", **ADMIN, "name": "logs", "tells": {"total_elements": 1}, "with": [asked]}
    yield {"call": "Logs.getBREEventLogs", **ADMIN, "refused": 400, "field": "order", "with": [{"order": "nothing"}]}
    logged = {"id": "$logs.content.0.id", "event_id": "$sent", "event_name": name, "parameters": {"player": "$user.id"}}
    yield {"call": "Logs.getBREEventLog", **ADMIN, "tells": logged, "with": ["$logs.content.0.id"]}
    yield {"call": "Logs.getBREEventLog", **ADMIN, "refused": 404, "field": "id", "with": ["none"]}


def variables() -> Iterator[Call]:
    """The types of values, and the values of one."""
    tag = "RuleEngineVariables"
    yield {"call": f"{tag}.getBREVariableTypes", **USER}
    yield {"call": f"{tag}.getBREVariableTypes", "refused": 401}
    yield {"call": f"{tag}.getBREVariableValues", **USER, "with": ["user", {"filterName": "a", "size": 2}]}
    yield {"call": f"{tag}.getBREVariableValues", **USER, "refused": 404, "field": "name", "with": ["integer", {}]}


def of_rules() -> Iterator[Call]:
    """All of them."""
    yield from triggers()
    yield from variables()

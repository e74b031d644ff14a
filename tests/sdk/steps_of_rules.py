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
    yield from rules()
    yield from events(name)
    yield from forwards()
    # Rules that were made with other words still send it.
    yield {"call": f"{tag}.deleteBRETrigger", **ADMIN, "refused": 400, "field": "event_name", "with": [name]}
    spare = {"breTriggerResource": {**trigger, "event_name": "$given.tag"}}
    yield {"call": f"{tag}.createBRETrigger", **ADMIN, "name": "spare_trigger", "status": 201, "with": [spare]}
    yield {"call": f"{tag}.deleteBRETrigger", **ADMIN, "with": ["$spare_trigger.event_name"]}
    yield {"call": f"{tag}.deleteBRETrigger", **ADMIN, "refused": 404, "field": "event_name", "with": ["$given.tag"]}


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


def forwards() -> Iterator[Call]:
    """A rule that posts an event where nobody answers, and what the log says of it."""
    url = "http://127.0.0.1:1/events"
    sends = {"$model": "ActionContextobject", "type": "forward_event", "mapping": {"url": constant(url)}}
    rule = {"$model": "BreRule", "name": "Tell the game", "event_name": "$boss.event_name", "actions": [sends]}
    made = {"call": "RuleEngineRules.createBRERule", **ADMIN, "name": "sends", "status": 201}
    yield {**made, "with": [{"breRule": rule}]}
    event = {"$model": "BreEvent", "event_name": "$boss.event_name", "params": {"player": "$user.id"}}
    yield {"call": "RuleEngineEvents.sendBREEvent", **USER, "name": "forwarded", "with": [{"breEvent": event}]}
    tag = "Logs.getBREForwardLog"
    asked = {"filterStartDate": "GT,1500000000", "filterEndDate": "GT,1500000000", "filterStatusCode": 0, "order": "id:DESC"}
    wait = {"until": "content.0.end_date"}
    yield {"call": f"{tag}s", **ADMIN, "name": "posts", **wait, "with": [{**asked, "filterUrl": url}]}
    yield {"call": f"{tag}s", **ADMIN, "refused": 400, "field": "order", "with": [{"order": "nothing"}]}
    told = {"id": "$posts.content.0.id", "url": url, "rule_id": "$sends.id", "event_id": "$forwarded", "success": False, "retryable": True}
    yield {"call": tag, **ADMIN, "tells": told, "with": ["$posts.content.0.id"]}
    yield {"call": tag, **ADMIN, "refused": 404, "field": "id", "with": ["none"]}
    yield {"call": "RuleEngineRules.deleteBRERule", **ADMIN, "with": ["$sends.id"]}


def variables() -> Iterator[Call]:
    """The types of values, and the values of one."""
    tag = "RuleEngineVariables"
    yield {"call": f"{tag}.getBREVariableTypes", **USER}
    yield {"call": f"{tag}.getBREVariableTypes", "refused": 401}
    yield {"call": f"{tag}.getBREVariableValues", **USER, "with": ["user", {"filterName": "a", "size": 2}]}
    yield {"call": f"{tag}.getBREVariableValues", **USER, "refused": 404, "field": "name", "with": ["integer", {}]}


def constant(value: Any, type: str = "string") -> Call:
    """A value in an expression."""
    return {"$model": "ConstantResource", "type": "constant", "value": value, "value_type": type}


def operation(kind: str, op: str, *args: Call) -> Call:
    """An operator's."""
    model = "".join(part.capitalize() for part in kind.split("_"))
    return {"$model": f"{model}Resource", "type": kind, "op": op, "args": list(args)}


PLAYER: Call = {"$model": "ParameterResource", "type": "parameter", "of": "user"}
NAME: Call = {"$model": "ParameterResource", "type": "parameter", "of": "username"}


def conditions() -> Call:
    """An expression of every kind."""
    counted = {"$model": "GlobalResource", "type": "global", "global_def_id": "$visits.id", "scopes": {"user": PLAYER}}
    below = {"$model": "GlobalCheckAndIncrementResource", "type": "global_check_and_increment"}
    below |= {"global_resource": counted, "check_value_resource": constant(5, "integer")}
    whole = operation("integer_operation", "ADD", PLAYER, constant(1, "integer"))
    real = operation("double_operation", "DIV", whole, constant(2.5, "number"))
    least = operation("default_operation", "MIN", whole, operation("operation", "STRING_LENGTH", NAME))
    past = operation("predicate", "LT", operation("date_operation", "CURRENT_TIME"), constant(0, "date"))
    named = {"$model": "UsernameLookupResource", "type": "username_lookup", "lookup_key": NAME}
    config = {"$model": "ConfigLookupResource", "type": "config_lookup", "lookup_key": constant("app.name")}
    email = {"$model": "LookupResource", "type": "lookup", "lookup_key": PLAYER, "value_type": "user.email"}
    lower = operation("string_operation", "LOWER", email)
    parts = [
        *(past, below, operation("predicate", "GT", real, least), operation("predicate", "EQ", counted, whole)),
        *(operation("predicate", "EQ", named, PLAYER), operation("predicate", "EQ", config, lower)),
    ]
    return operation("predicate", "AND", *parts)


def rules() -> Iterator[Call]:
    """A global, and a rule with every kind of expression."""
    tag = "RuleEngineGlobals"
    scope = {"$model": "BreGlobalScopeDefinition", "name": "user", "type": "user"}
    visits = {"$model": "BreGlobalResource", "id": "$given.word", "key": "$given.word", "name": "Visits", "type": "integer"}
    whole = {"breGlobalResource": visits | {"description": "How often.", "scopes": [scope]}}
    yield {"call": f"{tag}.createBREGlobal", **ADMIN, "name": "visits", "status": 201, "vary": ["id:word", "key:word"], "with": [whole]}
    wrong = {"breGlobalResource": visits | {"type": "dragon"}}
    yield {"call": f"{tag}.createBREGlobal", **ADMIN, "refused": 400, "field": "type", "with": [wrong]}
    yield {"call": f"{tag}.getBREGlobal", **USER, "tells": {"id": "$visits.id"}, "with": ["$visits.id"]}
    yield {"call": f"{tag}.getBREGlobal", **USER, "refused": 404, "field": "id", "with": ["none"]}
    yield {"call": f"{tag}.getBREGlobals", **USER, "with": [{"filterSystem": False, "size": 2}]}
    yield {"call": f"{tag}.getBREGlobals", **USER, "refused": 400, "field": "page", "with": [{"page": -1}]}
    yield {"call": f"{tag}.updateBREGlobal", **ADMIN, "tells": {"id": "$visits.id"}, "vary": ["name"], "with": ["$visits.id", whole]}
    yield {"call": f"{tag}.updateBREGlobal", **ADMIN, "refused": 404, "field": "id", "with": ["none", whole]}
    yield from rule()
    yield {"call": f"{tag}.deleteBREGlobal", **ADMIN, "refused": 400, "field": "id", "with": ["$visits.id"]}
    yield {"call": "RuleEngineRules.deleteBRERule", **ADMIN, "with": ["$rule.id"]}
    yield {"call": "RuleEngineRules.deleteBRERule", **ADMIN, "refused": 404, "field": "id", "with": ["$rule.id"]}
    spare = {"breGlobalResource": visits | {"id": "$given.tag", "key": "$given.tag"}}
    yield {"call": f"{tag}.createBREGlobal", **ADMIN, "name": "spare", "status": 201, "with": [spare]}
    yield {"call": f"{tag}.deleteBREGlobal", **ADMIN, "with": ["$spare.id"]}


def rule() -> Iterator[Call]:
    """The rule."""
    tag = "RuleEngineRules"
    tagged = {"$model": "ActionContextobject", "type": "add_user_tag", "mapping": {"user": PLAYER, "tag": constant("new")}}
    fired = {"$model": "EventContextResource", "type": "event_context", "event_name": "$boss.event_name", "parameters": {"player": PLAYER}}
    fires = {"$model": "ActionContextobject", "type": "fire_event", "mapping": {"event": fired}}
    kept = {"$model": "MapResource", "type": "map", "map": {"user": PLAYER}}
    counts = {"type": "increment_global", "mapping": {"global": constant("$visits.id", "global"), "scopes": kept}}
    one = {"$model": "BreRule", "name": "Tag newcomers", "description": "All of them.", "event_name": "user_registered", "enabled": True}
    one |= {"sort": 400, "start_date": 1500000000, "end_date": 4000000000, "condition": conditions()}
    one |= {"actions": [tagged, fires, {"$model": "ActionContextobject", **counts}]}
    whole = {"breRule": one}
    yield {"call": f"{tag}.createBRERule", **ADMIN, "name": "rule", "status": 201, "vary": ["name"], "with": [whole]}
    none = {"breRule": one | {"event_name": "none"}}
    yield {"call": f"{tag}.createBRERule", **ADMIN, "refused": 400, "field": "event_name", "with": [none]}
    yield {"call": f"{tag}.getBRERule", **ADMIN, "tells": {"id": "$rule.id"}, "with": ["$rule.id"]}
    yield {"call": f"{tag}.getBRERule", **ADMIN, "refused": 404, "field": "id", "with": ["none"]}
    asked = {"filterName": "newcomers", "filterEnabled": True, "filterSystem": False, "filterTrigger": "user_registered"}
    asked |= {"filterAction": "fire_event", "filterCondition": "now"}
    yield {"call": f"{tag}.getBRERules", **ADMIN, "with": [asked]}
    yield {"call": f"{tag}.getBRERules", **ADMIN, "refused": 400, "field": "size", "with": [{"size": -1}]}
    yield {"call": f"{tag}.updateBRERule", **ADMIN, "tells": {"id": "$rule.id"}, "vary": ["name"], "with": ["$rule.id", whole]}
    yield {"call": f"{tag}.updateBRERule", **ADMIN, "refused": 404, "field": "id", "with": ["none", whole]}
    off = {"$model": "BooleanResource", "value": False}
    yield {"call": f"{tag}.setBRERule", **ADMIN, "status": 200, "vary": [], "with": ["$rule.id", {"enabled": off}]}
    yield {"call": f"{tag}.setBRERule", **ADMIN, "refused": 404, "field": "id", "with": ["none", {"enabled": off}]}
    bare = operation("predicate", "NOT", constant(True, "boolean"))
    told = {"call": f"{tag}.getBREExpressionAsString", **ADMIN}
    yield {**told, "vary": [], "with": [{"expression": bare}]}
    yield {**told, "refused": 400, "field": "type", "with": [{"expression": {"$model": "Expressionobject", "type": "none"}}]}


def catalogues() -> Iterator[Call]:
    """What rules are made of."""
    yield {
        "call": "RuleEngineActions.getBREActions",
        **USER,
        "with": [{"filterCategory": "user", "filterName": "role", "filterSearch": "gives"}],
    }
    yield {"call": "RuleEngineActions.getBREActions", "refused": 401, "with": [{}]}
    tag = "RuleEngineExpressions"
    yield {"call": f"{tag}.getBREExpressions", **USER, "with": [{}]}
    yield {
        "call": f"{tag}.getBREExpressions",
        **USER,
        "refused": 400,
        "field": "filter_type_group",
        "with": [{"filterTypeGroup": "dragon"}],
    }
    yield {"call": f"{tag}.getBREExpression", **USER, "tells": {"type": "predicate"}, "with": ["predicate"]}
    yield {"call": f"{tag}.getBREExpression", **USER, "refused": 404, "field": "type", "with": ["dragon"]}
    yield {"call": f"{tag}.getExpressionAsText", **USER, "vary": [], "with": [{"expression": constant(5, "integer")}]}
    wrong = {"$model": "ExpressionResource", "type": "dragon"}
    yield {"call": f"{tag}.getExpressionAsText", **USER, "refused": 400, "field": "type", "with": [{"expression": wrong}]}


def of_rules() -> Iterator[Call]:
    """All of them."""
    yield from triggers()
    yield from variables()
    yield from catalogues()

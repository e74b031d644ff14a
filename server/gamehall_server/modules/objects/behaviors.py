"""Behaviors of objects: one of each type, as their template says, and with the limits that all of their group have."""

from decimal import Decimal
from typing import Any, NamedTuple

from gamehall.common.v1.behavior_pb2 import Behavior
from gamehall.objects.v1 import objects_pb2 as pb
from gamehall.templates.v1.item_template_pb2 import ItemTemplate

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import random_uuid
from gamehall_server.kit.errors import Invalid, Violation
from gamehall_server.kit.storage import lock
from gamehall_server.modules.objects import tables

NONE = 0


class Group(NamedTuple):
    """The group that a behavior is of, and its limits: a behavior of the same type, with all but the name."""

    kind: str
    name: str
    limits: bytes


def kind_of(behavior: Any) -> str:
    """The type of a behavior."""
    kind: str = behavior.WhichOneof("kind")
    return kind


def follow(template: ItemTemplate, behaviors: Any, path: str) -> list[Violation]:
    """Adds what a template requires; gives what is wrong with the rest."""
    wrong, own = [], {}
    for at, each in enumerate(behaviors):
        if kind_of(each) in own:
            wrong.append(Violation(f"{path}[{at}].type_hint", "the type of another behavior too"))
        own[kind_of(each)] = each, at
    for definition in template.behaviors:
        kind = kind_of(definition.behavior)
        if kind in own and not definition.modifiable and own[kind][0] != definition.behavior:
            wrong.append(Violation(f"{path}[{own[kind][1]}]", "the template lets nobody change it"))
        elif kind not in own and definition.required:
            behaviors.add().CopyFrom(definition.behavior)
    for at, each in enumerate(behaviors):
        price = each.price_overridable
        if price.min_price and price.max_price and Decimal(price.min_price) > Decimal(price.max_price):
            wrong.append(Violation(f"{path}[{at}].price_overridable.min_price", "must be at most max_price"))
    return wrong


def group_of(behavior: Any) -> Group | None:
    """The group of a behavior, which gets a random name where it has none."""
    kind, limits = kind_of(behavior), Behavior()
    if kind == "limited_gettable" and behavior.limited_gettable.HasField("group"):
        group = behavior.limited_gettable.group
        group.name = group.name or random_uuid()
        limits.limited_gettable.CopyFrom(behavior.limited_gettable)
        limits.limited_gettable.group.ClearField("name")
        return Group(kind, group.name, limits.SerializeToString(deterministic=True))
    if kind == "time_period_gettable":
        inner = behavior.time_period_gettable
        inner.group_name = inner.group_name or random_uuid()
        limits.time_period_gettable.CopyFrom(inner)
        limits.time_period_gettable.ClearField("group_name")
        return Group(kind, inner.group_name, limits.SerializeToString(deterministic=True))
    return None


async def settle(call: Call, behaviors: Any, path: str, object: int, *, cascade: bool) -> list[Group]:
    """The groups of behaviors. Raises Invalid where others of a group have other limits, unless they are to get these."""
    found, wrong = [], []
    for at, each in enumerate(behaviors):
        group = group_of(each)
        if group is None:
            continue
        found.append(group)
        await lock(call.db, f"behaviors {group.kind} {group.name}")
        limits = await tables.limits_of(call.db, group.kind, group.name, object)
        if limits in (None, group.limits):
            continue
        if not cascade:
            wrong.append(Violation(f"{path}[{at}]", "others of its group have other limits: with cascade they get these"))
            continue
        await _give(call, group, object)
    if wrong:
        raise Invalid(violations=tuple(wrong))
    return found


async def _give(call: Call, group: Group, but: int) -> None:
    """Gives the limits of a group to all objects of it but one."""
    for id, kept in await tables.others(call.db, group.kind, group.name, but):
        told = pb.Object.FromString(kept)
        for each in told.behaviors:
            if kind_of(each) == group.kind:
                each.MergeFromString(group.limits)
        tables.behave(call.db, id, told.SerializeToString(deterministic=True))
    tables.limit(call.db, group.kind, group.name, but, group.limits)


def keep(call: Call, object: int, groups: list[Group], *, new: bool) -> None:
    """Keeps which groups the behaviors of an object are of."""
    if not new:
        tables.forget(call.db, object)
    for group in groups:
        call.db.later(tables.groups.insert, object_id=object, kind=group.kind, name=group.name, limits=group.limits)

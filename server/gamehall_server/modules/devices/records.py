"""The records of devices: what is right for one, and how it is shown."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from gamehall.devices.v1 import devices_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, Violation
from gamehall_server.kit.mapping import Embed, compile_values
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.storage import table_of
from gamehall_server.kit.tags import wrong_with_tags
from gamehall_server.modules import users
from gamehall_server.modules.devices import tables
from gamehall_server.modules.devices.tables import DeviceRow
from gamehall_server.modules.templates import Templated

ADMIN = "DEVICES_ADMIN"
MOBILE = "mobile_device"
ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
# What a path would take for something else.
NO_IDS = (".", "..", "templates")
LONGEST_NAME, LONGEST_VALUE = 100, 1000
WORDS = {"condition": ("New", "Defective", "Reconditioned"), "status": ("Active", "PendingActive", "Inactive", "Repair")}
PLATFORMS = ("APNS", "GCM")
# What has no column of its name, or of its kind.
UNSTORED = frozenset({"users", "tags", "data", "user", MOBILE})
NOT_WRITTEN = UNSTORED | {"id", "device_type", "owner", "created_date", "updated_date"}
User = tuple[Any, ...]

KIND = "device"
table = table_of(DeviceRow).table
devices = Resource(
    DeviceRow,
    pb.Device,
    owner="owner_id",
    embeds={"owner": Embed("owner_id", users.summary)},
    unstored=UNSTORED,
    parts=(Templated(KIND, table, pb.Device),),
)
_names = tuple(devices.table.columns.keys())
_plain = compile_values(pb.Device, devices.table, [f for f in pb.Device.DESCRIPTOR.fields if f.name not in NOT_WRITTEN])
_mobile = compile_values(pb.MobileDevice, devices.table, list(pb.MobileDevice.DESCRIPTOR.fields))


def usable(device_id: str) -> bool:
    """Whether a device may have this id."""
    return ID.fullmatch(device_id) is not None and device_id not in NO_IDS


def values_of(device: pb.Device) -> dict[str, Any]:
    """The columns of what a caller tells of a device, but for its id and its owner. Raises Invalid."""
    wrong: list[Violation] = []
    for name, words in WORDS.items():
        wrong += _unless_one_of(words, getattr(device, name), name)
    wrong += _unless_one_of(PLATFORMS, device.mobile_device.notification_platform, "mobile_device.notification_platform")
    wrong += wrong_with_tags(device.tags, "device.tags")
    for name in device.data:
        if len(name) > LONGEST_NAME or len(device.data[name]) > LONGEST_VALUE:
            told = f"at most {LONGEST_NAME} characters in a name, {LONGEST_VALUE} in a value"
            wrong.append(Violation(f"device.data.{name[:LONGEST_NAME]}", told))
    if wrong:
        raise Invalid(violations=tuple(wrong))
    mobile = device.HasField("mobile_device") or device.device_type == MOBILE
    return {
        **_plain(device),
        **_mobile(device.mobile_device),
        "device_type": MOBILE if mobile else device.device_type or None,
        "data_json": msgspec.json.encode(dict(device.data), order="sorted").decode() if device.data else None,
    }


def _unless_one_of(words: tuple[str, ...], told: str, field: str) -> list[Violation]:
    return [Violation(f"device.{field}", f"must be one of: {', '.join(words)}")] if told and told not in words else []


def complete(call: Call, device: pb.Device, row: tuple[Any, ...], tags: Iterable[str], people: Iterable[User]) -> None:
    """Adds to a device what its own columns do not tell by their names. Who may only see the own devices learns of other users what
    everybody may."""
    kept = dict(zip(_names, row, strict=False))
    if kept["device_type"] == MOBILE:
        device.mobile_device.SetInParent()
        for field in pb.MobileDevice.DESCRIPTOR.fields:
            if kept[field.name] is not None:
                setattr(device.mobile_device, field.name, kept[field.name])
    if kept["data_json"]:
        device.data.update(msgspec.json.decode(kept["data_json"]))
    if device.HasField("owner"):
        device.user.CopyFrom(device.owner)
    device.tags.extend(tags)
    for number, username, display_name, avatar_url in people:
        known = number == call.user_id or call.may(ADMIN)
        device.users.add(id=number, username=username if known else "", display_name=display_name, avatar_url=avatar_url)


async def show(call: Call, row: Any, tags: Iterable[str], people: Iterable[User], device: pb.Device) -> None:
    """Fills `device` with a row that this call has loaded or written, which has these tags and users."""
    values = row if isinstance(row, tuple) else tuple(getattr(row, name) for name in _names)
    await devices.show(call, values, device)
    complete(call, device, values, tags, people)


async def tags_and_users(call: Call, ids: list[str]) -> dict[str, tuple[list[str], list[User]]]:
    """Tags and users of devices: two statements, however many devices."""
    found: dict[str, tuple[list[str], list[User]]] = defaultdict(lambda: ([], []))
    for id, tag in await tables.tags_of(call.db, ids):
        found[id][0].append(tag)
    for id, *user in await tables.users_of(call.db, ids):
        found[id][1].append(tuple(user))
    return found

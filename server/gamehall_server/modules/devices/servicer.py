"""Devices as their owners and administrators deal with them."""

from collections.abc import Sequence
from typing import Any

from gamehall.common.v1.user_pb2 import UserReference
from gamehall.devices.v1 import devices_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Duplicate, Forbidden, Invalid, NotFound, Violation
from gamehall_server.kit.filters import Filter, Written, whole, words
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.storage import lock
from gamehall_server.kit.verbs import List
from gamehall_server.modules.devices import tables
from gamehall_server.modules.devices.records import ADMIN, KIND, User, complete, devices, show, tags_and_users, usable, values_of
from gamehall_server.modules.devices.signing import stop_signing_in
from gamehall_server.modules.templates import by_property

MOST_USERS = 100


class Devices:
    """gamehall.devices.v1.DeviceService."""

    service = pb.DESCRIPTOR.services_by_name["DeviceService"]

    def __init__(self) -> None:
        tagged = Written(tables.has_tag, lambda text: words(text, "filter_tag"))
        filters: dict[str, Written | Filter] = {"filter_tag": tagged, "filter_property": by_property(KIND, devices.table)}
        self._page: Any = List(devices, filters).bound_to(self.service.methods_by_name["ListDevices"])

    async def ListDevices(self, request: pb.ListDevicesRequest, call: Call) -> pb.ListDevicesResponse:
        page: Rows = await self._page(request, call)
        answer = page.message()
        assert isinstance(answer, pb.ListDevicesResponse)
        known = await tags_and_users(call, [device.id for device in answer.content])
        for device, row in zip(answer.content, page.rows, strict=True):
            complete(call, device, row, *known[device.id])
        return answer

    async def GetDevice(self, request: pb.GetDeviceRequest, call: Call) -> pb.GetDeviceResponse:
        row, answer = await devices.load(call, request.id), pb.GetDeviceResponse()
        tags, people = (await tags_and_users(call, [row.id]))[row.id]
        await show(call, row, tags, people, answer.device)
        return answer

    async def CreateDevice(self, request: pb.CreateDeviceRequest, call: Call) -> pb.CreateDeviceResponse:
        device, answer = request.device, pb.CreateDeviceResponse()
        found = await devices.check(call, device, "device")
        values = values_of(device)
        if device.id and not usable(device.id):
            raise Invalid("1 to 64 letters, digits, _ . : or -, and no word of a path", field="device.id")
        owner = await _owner(call, device, call.user_id)
        people = await _users(call, device.users, "device.users")
        id = device.id or await tables.free_id(call.db)
        await lock(call.db, tables.lock_of(id))
        if await tables.known_device(call.db, id) is not None:
            raise Duplicate(violations=(Violation("device.id", Duplicate.default_message),))
        row = await devices.add(call, {"id": id, "owner_id": owner, **values})
        await devices.keep(call, id, device, found, new=True)
        tags = sorted(set(device.tags))
        tables.add_tags(call.db, id, tags)
        tables.add_users(call.db, id, [person[0] for person in people])
        call.emit("device_registered", device=id, user=owner)
        await show(call, row, tags, people, answer.device)
        return answer

    async def UpdateDevice(self, request: pb.UpdateDeviceRequest, call: Call) -> pb.UpdateDeviceResponse:
        device, answer = request.device, pb.UpdateDeviceResponse()
        found = await devices.check(call, device, "device")
        values = values_of(device)
        if device.id and device.id != request.id:
            raise Invalid("must be the id in the path: a device keeps its id", field="device.id")
        row = await devices.load(call, request.id, lock=True)
        had = row.owner_id
        owner = await _owner(call, device, had)
        _, people = (await tags_and_users(call, [row.id]))[row.id]
        if device.users:
            people = await self._replace_users(call, row.id, people, await _users(call, device.users, "device.users"))
        if owner != had:
            await stop_signing_in(call, row.id)
            call.changed(f"device:{row.id}", {"owner": had}, {"owner": owner})
        tags = sorted(set(device.tags))
        tables.change_tags(call.db, row.id, tags)
        await devices.change(call, row, **values, owner_id=owner)
        await devices.keep(call, row.id, device, found, new=False)
        call.emit("device_updated", device=row.id, user=owner)
        await show(call, row, tags, people, answer.device)
        return answer

    async def DeleteDevice(self, request: pb.DeleteDeviceRequest, call: Call) -> pb.DeleteDeviceResponse:
        row = await devices.load(call, request.id, lock=True)
        await stop_signing_in(call, row.id)
        await devices.remove(call, row)
        call.emit("device_deleted", device=row.id, user=row.owner_id)
        return pb.DeleteDeviceResponse()

    async def AddDeviceUsers(self, request: pb.AddDeviceUsersRequest, call: Call) -> pb.AddDeviceUsersResponse:
        row, answer = await devices.load(call, request.id, lock=True), pb.AddDeviceUsersResponse()
        tags, people = (await tags_and_users(call, [row.id]))[row.id]
        wanted = {person[0]: person for person in (*people, *await _users(call, request.users, "users"))}
        if len(wanted) > MOST_USERS:
            raise Invalid(f"at most {MOST_USERS} on one device", field="users")
        people = await self._replace_users(call, row.id, people, [wanted[id] for id in sorted(wanted)])
        await self._note(call, row)
        await show(call, row, tags, people, answer.device)
        return answer

    async def DeleteDeviceUsers(self, request: pb.DeleteDeviceUsersRequest, call: Call) -> pb.DeleteDeviceUsersResponse:
        given = words(request.filter_id, "filter_id") if request.filter_id else ()
        chosen = {whole(word, "filter_id") for word in given}
        row = await devices.load(call, request.id, lock=True)
        _, people = (await tags_and_users(call, [row.id]))[row.id]
        await self._replace_users(call, row.id, people, [person for person in people if chosen and person[0] not in chosen])
        await self._note(call, row)
        return pb.DeleteDeviceUsersResponse()

    async def DeleteDeviceUser(self, request: pb.DeleteDeviceUserRequest, call: Call) -> pb.DeleteDeviceUserResponse:
        row = await devices.load(call, request.id, lock=True)
        _, people = (await tags_and_users(call, [row.id]))[row.id]
        left = [person for person in people if person[0] != int(request.user_id)]
        if len(left) == len(people):
            raise NotFound("This device has no user with this id.", field="user_id")
        await self._replace_users(call, row.id, people, left)
        await self._note(call, row)
        return pb.DeleteDeviceUserResponse()

    async def _replace_users(self, call: Call, id: str, had: list[User], wanted: list[User]) -> list[User]:
        """Lets these and no others use a device that is locked; gives them."""
        before, after = ([person[0] for person in people] for people in (had, wanted))
        if gone := set(before) - set(after):
            tables.remove_users(call.db, id, gone)
        tables.add_users(call.db, id, sorted(set(after) - set(before)))
        call.changed(f"device:{id}", {"users": before}, {"users": after})
        return wanted

    async def _note(self, call: Call, row: Any) -> None:
        await devices.change(call, row)
        call.emit("device_updated", device=row.id, user=row.owner_id)


async def _owner(call: Call, device: pb.Device, now: int | None) -> int | None:
    """Who owns the device from now on. Raises Forbidden where that is not the caller's to say, and Invalid for nobody."""
    name, told = ("owner", device.owner) if device.HasField("owner") else ("user", device.user)
    if told.id == now or not (device.HasField("owner") or device.HasField("user")):
        return now
    if not call.may(ADMIN):
        raise Forbidden(f"Another owner needs the permission {ADMIN}.", field=f"device.{name}")
    if not await tables.some_users(call.db, [told.id]):
        raise Invalid("no user has this id", field=f"device.{name}.id")
    return int(told.id)


async def _users(call: Call, asked: Sequence[UserReference], field: str) -> list[User]:
    """The users whom a request names, each once. Raises Invalid for those whom there are not."""
    found = await tables.some_users(call.db, {user.id for user in asked}) if asked else {}
    wrong = tuple(Violation(f"{field}[{at}].id", "no user has this id") for at, user in enumerate(asked) if user.id not in found)
    if wrong:
        raise Invalid(violations=wrong)
    return [found[id] for id in sorted(found)]

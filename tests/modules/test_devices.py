"""Devices, through both doors: owners, administrators, users of a device, filters, and what is refused."""

import pytest
from gamehall.common.v1.user_pb2 import UserReference
from gamehall.devices.v1.devices_pb2 import (
    AddDeviceUsersRequest,
    CreateDeviceRequest,
    DeleteDeviceRequest,
    DeleteDeviceUserRequest,
    Device,
    GetDeviceRequest,
    ListDevicesRequest,
    MobileDevice,
    UpdateDeviceRequest,
)
from gamehall.devices.v1.devices_pb2_grpc import DeviceServiceStub
from people import fresh

PLAIN = {
    "device_type": "console",
    "name": "Living room",
    "description": "Under the television.",
    "location": "At home",
    "mac_address": "00:00:5E:00:53:01",
    "make": "Acme",
    "model": "Box 3",
    "os": "BoxOS 7",
    "serial": "A-1",
    "tags": ["beta", "first"],
}
OF_2017 = {"authorization": "a push token", "condition": "New", "status": "Active", "data": {"colour": "red", "ears": "2"}}
PHONE = {"device_type": "mobile_device", "imei": "490154203237518", "notification_platform": "APNS", "number": "+14076658943"}


def added(person, **told):
    answer = person.post("/devices", told)
    assert answer.status_code == 201, answer.text
    return answer.json()


def refused_for(answer, status=400):
    """The fields that a refusal names."""
    assert answer.status_code == status, answer.text
    return [each["field"] for each in answer.json()["result"]]


def listed(person, **asked):
    answer = person.get("/devices", params=asked)
    assert answer.status_code == 200, answer.text
    return [device["id"] for device in answer.json()["content"]]


def users_of(person, device):
    return [user["id"] for user in person.get(f"/devices/{device['id']}").json()["users"]]


@pytest.mark.parametrize("told", [PLAIN, OF_2017, PHONE, {}, {**PLAIN, **OF_2017, **PHONE}])
def test_a_device_is_shown_as_it_was_told(ann, told):
    device = added(ann, **told)

    assert {name: device[name] for name in told} == told
    assert device["owner"] == device["user"]
    assert (device["owner"]["id"], device["owner"]["username"]) == (ann.id, ann.username)
    assert device["created_date"] == device["updated_date"] > 1
    assert ann.get(f"/devices/{device['id']}").json() == device
    assert [each for each in ann.get("/devices").json()["content"] if each["id"] == device["id"]] == [device]


def test_what_only_a_mobile_device_has_no_other_shows(ann):
    device = added(ann, **{**PHONE, "device_type": "console"})

    assert device.keys().isdisjoint({"imei", "notification_platform", "number"})


def test_an_id_that_is_made_up_is_text_that_a_client_of_2017_reads_as_a_number(ann):
    ids = [added(ann)["id"] for _ in range(5)]

    assert len(set(ids)) == 5
    assert all(isinstance(id, str) and 0 < int(id) < 2**31 for id in ids)


def test_an_id_that_is_told_is_kept_and_taken_once(ann, bob):
    id = fresh("tv.") + ":a_b-c"
    assert added(ann, id=id)["id"] == id

    assert refused_for(bob.post("/devices", {"id": id})) == ["id"]
    assert ann.get(f"/devices/{id}").json()["owner"]["id"] == ann.id


@pytest.mark.parametrize("id", ["templates", "..", "a/b", "a b", "é", "x" * 65])
def test_an_id_that_a_path_would_take_for_something_else_is_refused(ann, id):
    assert refused_for(ann.post("/devices", {"id": id})) == ["id"]


def test_a_device_keeps_its_id(ann):
    device = added(ann)

    assert refused_for(ann.put(f"/devices/{device['id']}", {"id": "another"})) == ["id"]
    assert ann.put(f"/devices/{device['id']}", {"id": device["id"]}).status_code == 200


@pytest.mark.parametrize(
    "told, field",
    [
        ({"condition": "new"}, "condition"),
        ({"status": "Broken"}, "status"),
        ({"device_type": "mobile_device", "notification_platform": "SMS"}, "notification_platform"),
        ({"tags": ["x", " "]}, "tags[1]"),
        ({"tags": ["x" * 65]}, "tags[0]"),
        ({"data": {"a": "x" * 1001}}, "data.a"),
        ({"name": "x" * 201}, "name"),
        ({"additional_properties": {"colour": {"type": "tint", "value": "red"}}}, "additional_properties.colour.type"),
        ({"template": "tv"}, "template"),
        ({"users": [{"id": 2**31 - 1}]}, "users[0].id"),
        ({"users": [{"username": "ann"}]}, "users[0].id"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(ann, told, field):
    device = added(ann, **PLAIN)

    assert refused_for(ann.post("/devices", told)) == [field]
    assert refused_for(ann.put(f"/devices/{device['id']}", told)) == [field]
    assert ann.get(f"/devices/{device['id']}").json() == device
    assert listed(ann) == [device["id"]]


def test_an_update_replaces_what_is_told(ann):
    device = added(ann, **PLAIN, **OF_2017)

    answer = ann.put(f"/devices/{device['id']}", {**PHONE, "name": "Kitchen", "tags": ["second"]})

    now = answer.json()
    assert answer.status_code == 200
    assert now == ann.get(f"/devices/{device['id']}").json()
    assert {name: now[name] for name in PHONE} == PHONE
    assert (now["name"], now["tags"], now["data"]) == ("Kitchen", ["second"], {})
    assert now.keys().isdisjoint({"description", "make", "serial", "authorization", "condition", "status"})
    assert (now["owner"], now["created_date"]) == (device["owner"], device["created_date"])


def test_what_was_read_can_be_written_back(ann, bob):
    device = added(ann, **{**PLAIN, **OF_2017, **PHONE}, users=[{"id": bob.id}])

    now = ann.put(f"/devices/{device['id']}", device).json()

    assert {**now, "updated_date": 0} == {**device, "updated_date": 0}


def test_only_owners_and_administrators_reach_a_device(ann, bob, admin, nobody):
    device = added(ann, users=[{"id": bob.id}])
    path = f"/devices/{device['id']}"

    for person, status in ((bob, 404), (nobody, 401)):
        assert person.get(path).status_code == status
        assert person.put(path, PLAIN).status_code == status
        assert person.post(f"{path}/users", [{"id": bob.id}]).status_code == status
        assert person.delete(f"{path}/users").status_code == status
        assert person.delete(f"{path}/users/{bob.id}").status_code == status
        assert person.delete(path).status_code == status
    assert ann.get(path).json() == device
    assert device["id"] not in listed(bob)
    assert admin.get(path).json()["id"] == device["id"]
    assert admin.put(path, {**PLAIN, "name": "seen"}).status_code == 200
    assert ann.get(path).json()["owner"]["id"] == ann.id
    assert admin.delete(path).status_code == 204
    assert ann.get(path).status_code == 404


def test_users_add_devices_for_themselves_and_administrators_for_others(ann, bob, admin):
    assert refused_for(ann.post("/devices", {"owner": {"id": bob.id}}), 403) == ["owner"]
    assert refused_for(ann.post("/devices", {"user": {"id": bob.id}}), 403) == ["user"]
    assert refused_for(admin.post("/devices", {"owner": {"id": 2**31 - 1}})) == ["owner.id"]
    for name in ("owner", "user"):
        device = added(admin, **{name: {"id": ann.id}})
        assert ann.get(f"/devices/{device['id']}").json()["owner"]["username"] == ann.username
    # The name of 2017 stands aside for today's.
    assert added(admin, owner={"id": ann.id}, user={"id": bob.id})["owner"]["id"] == ann.id


def test_an_administrator_gives_a_device_to_another_owner(ann, bob, admin):
    device = added(ann)
    path = f"/devices/{device['id']}"

    assert refused_for(ann.put(path, {"owner": {"id": bob.id}}), 403) == ["owner"]
    assert admin.put(path, {"owner": {"id": bob.id}}).status_code == 200

    assert ann.get(path).status_code == 404
    assert bob.get(path).json()["owner"]["id"] == bob.id


def test_a_clients_device_is_nobodys(world, ann, admin):
    server = world.client()
    device = added(server, name="a kiosk")

    assert device.keys().isdisjoint({"owner", "user"})
    assert ann.get(f"/devices/{device['id']}").status_code == 404
    assert server.get("/devices").status_code == 403
    assert admin.get(f"/devices/{device['id']}").json() == device


def test_users_come_and_go(ann, bob, world):
    carol, device = world.person("carol"), added(ann)
    path = f"/devices/{device['id']}/users"

    answer = ann.post(path, [{"id": carol.id}, {"id": bob.id}, {"id": bob.id}])
    assert answer.status_code == 201
    assert [user["id"] for user in answer.json()["users"]] == sorted([bob.id, carol.id])
    assert ann.post(path, [{"id": ann.id}, {"id": bob.id}]).status_code == 201
    assert users_of(ann, device) == sorted([ann.id, bob.id, carol.id])
    assert ann.delete(f"{path}/me").status_code == 204
    assert refused_for(ann.delete(f"{path}/{ann.id}"), 404) == ["user_id"]
    assert users_of(ann, device) == sorted([bob.id, carol.id])
    assert ann.delete(path, params={"filter_id": f"{bob.id},{ann.id}"}).status_code == 204
    assert users_of(ann, device) == [carol.id]
    assert ann.delete(path).status_code == 204
    assert users_of(ann, device) == []


def test_an_update_replaces_users_but_leaves_them_where_it_names_none(ann, bob):
    device = added(ann, users=[{"id": ann.id}])
    path = f"/devices/{device['id']}"

    assert ann.put(path, {"name": "other"}).status_code == 200
    assert users_of(ann, device) == [ann.id]
    assert ann.put(path, {"users": [{"id": bob.id}]}).status_code == 200
    assert users_of(ann, device) == [bob.id]


def test_wrong_users_are_refused_whole(ann, bob):
    device = added(ann)
    path = f"/devices/{device['id']}/users"

    assert refused_for(ann.post(path, [{"id": bob.id}, {"id": 2**31 - 1}])) == ["users[1].id"]
    assert refused_for(ann.post(path, [])) == ["users"]
    assert refused_for(ann.delete(path, params={"filter_id": "ann"})) == ["filter_id"]
    assert users_of(ann, device) == []


def test_a_device_has_a_hundred_users_at_most(ann, admin):
    everybody = [user["id"] for user in admin.get("/users?size=1000").json()["content"]]
    while len(everybody) < 101:
        name = fresh("one")
        made = ann.post("/users", {"username": name, "email": f"{name}@example.com", "password": "a quiet rainy afternoon"})
        everybody.append(made.json()["id"])
    device = added(ann, users=[{"id": id} for id in everybody[:100]])

    answer = ann.post(f"/devices/{device['id']}/users", [{"id": everybody[100]}])

    assert refused_for(answer) == ["users"]
    assert len(users_of(ann, device)) == 100


def test_nobody_learns_a_sign_in_name_by_naming_a_user(ann, bob, admin):
    device = added(ann, users=[{"id": ann.id}, {"id": bob.id}])

    assert {user["id"]: user["username"] for user in device["users"]} == {ann.id: ann.username, bob.id: ""}
    shown = admin.get(f"/devices/{device['id']}").json()["users"]
    assert {user["id"]: user["username"] for user in shown} == {ann.id: ann.username, bob.id: bob.username}


@pytest.mark.parametrize(
    "filter, field", [("make", "make"), ("model", "model"), ("os", "os"), ("serial", "serial"), ("type", "device_type")]
)
def test_a_list_chooses_by_what_a_device_is(ann, filter, field):
    word = fresh("kind")
    device, _ = added(ann, **{field: word}), added(ann, **{field: "another"})

    assert listed(ann, **{f"filter_{filter}": word}) == [device["id"]]
    assert listed(ann, **{f"filter_{filter}": fresh("none")}) == []


def test_a_list_chooses_by_one_of_several_tags(ann, bob):
    devices = [added(ann, tags=tags)["id"] for tags in (["a", "b"], ["b"], ["c"], [])]
    added(bob, tags=["a"])

    assert listed(ann, filter_tag="b") == sorted(devices[:2])
    assert listed(ann, filter_tag="a, c") == sorted([devices[0], devices[2]])
    assert listed(ann, filter_tag="z") == []
    assert refused_for(ann.get("/devices?filter_tag=,")) == ["filter_tag"]


def test_a_removed_device_leaves_nothing(ann, bob):
    id = fresh("tv.")
    added(ann, id=id, tags=["a"], users=[{"id": bob.id}], data={"a": "b"})

    assert ann.delete(f"/devices/{id}").status_code == 204

    assert ann.delete(f"/devices/{id}").status_code == 404
    again = added(bob, id=id)
    assert (again["tags"], again["users"], again["data"]) == ([], [], {})


def test_a_repeated_key_adds_one_device(ann):
    first, again = (ann.post("/devices", PLAIN, headers={"Idempotency-Key": "one"}) for _ in range(2))

    assert first.json() == again.json()
    assert listed(ann) == [first.json()["id"]]


def test_grpc_does_the_same(ann, bob, refused):
    stub, others = DeviceServiceStub(ann.grpc.channel), DeviceServiceStub(bob.grpc.channel)
    phone = Device(name="Mine", mobile_device=MobileDevice(imei="1"), tags=["a"], data={"b": "c"}, users=[UserReference(id=bob.id)])

    made = stub.CreateDevice(CreateDeviceRequest(device=phone)).device

    assert (made.device_type, made.mobile_device.imei, made.owner.id, list(made.tags)) == ("mobile_device", "1", ann.id, ["a"])
    assert stub.GetDevice(GetDeviceRequest(id=made.id)).device == made
    assert list(stub.ListDevices(ListDevicesRequest(filter_type="mobile_device")).content) == [made]
    assert ann.get(f"/devices/{made.id}").json()["imei"] == "1"
    with refused("NOT_FOUND"):
        others.GetDevice(GetDeviceRequest(id=made.id))
    with refused("INVALID_ARGUMENT"):
        stub.UpdateDevice(UpdateDeviceRequest(id=made.id, device=Device(status="broken")))
    now = stub.UpdateDevice(UpdateDeviceRequest(id=made.id, device=Device(device_type="console"))).device
    assert (now.device_type, now.WhichOneof("kind"), len(now.users)) == ("console", None, 1)
    added_to = stub.AddDeviceUsers(AddDeviceUsersRequest(id=made.id, users=[UserReference(id=ann.id)])).device
    assert {user.id for user in added_to.users} == {ann.id, bob.id}
    stub.DeleteDeviceUser(DeleteDeviceUserRequest(id=made.id, user_id=str(bob.id)))
    with refused("NOT_FOUND"):
        stub.DeleteDeviceUser(DeleteDeviceUserRequest(id=made.id, user_id=str(bob.id)))
    stub.DeleteDevice(DeleteDeviceRequest(id=made.id))
    with refused("NOT_FOUND"):
        stub.GetDevice(GetDeviceRequest(id=made.id))

"""Any RPC through any door, made from its descriptor alone, and how the call ended."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import grpc
import requests
from gamehall.options.v1 import options_pb2
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_bridge.scalars import words_of
from gamehall_server.kit.variants import variants_of
from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.json_format import MessageToDict, MessageToJson, ParseDict
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value
from google.rpc import error_details_pb2, status_pb2
from worlds import World

REASON = "ERROR_REASON_"
CODES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
REQUIRED = field_behavior_pb2.FieldBehavior.Value("REQUIRED")


class Outcome(NamedTuple):
    """How a call ended: the name of a gRPC status, and why when it is not OK."""

    code: str
    reason: str = ""


OK = Outcome("OK")
# Its connections stay open from call to call. Nothing of the machine, such as a .netrc, finds its way into a header.
http = requests.Session()
http.trust_env = False
Door = Callable[[World, MethodDescriptor, Message, str | None], Outcome]


def rules_of(method: MethodDescriptor) -> options_pb2.MethodRules:
    """What the contract says of a method."""
    return method.GetOptions().Extensions[options_pb2.method]


def minimal(descriptor: Descriptor) -> dict[str, Any]:
    """The least that a message of this type must hold, as far as the contract tells."""
    return {field.name: _least(field) for field in descriptor.fields if REQUIRED in _behavior(field)}


def request_of(method: MethodDescriptor, **fields: Any) -> Message:
    """The least request of a method; fields given by name come first."""
    return message_factory.GetMessageClass(method.input_type)(**{**minimal(method.input_type), **fields})


def over_grpc(world: World, method: MethodDescriptor, request: Message, token: str | None) -> Outcome:
    """Calls through gRPC."""
    answer = message_factory.GetMessageClass(method.output_type)
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = world.channel.unary_stream if method.server_streaming else world.channel.unary_unary
    call = kind(path, type(request).SerializeToString, answer.FromString)
    try:
        answered = call(request, metadata=[("authorization", f"Bearer {token}")] if token else [])
        if method.server_streaming:
            next(answered)
            answered.cancel()
    except grpc.RpcError as refusal:
        return Outcome(refusal.code().name, reason_of(refusal))
    return OK


def reason_of(refusal: Any) -> str:
    """The word of a refusal's ErrorInfo."""
    told = dict(refusal.trailing_metadata() or ())
    info = error_details_pb2.ErrorInfo()
    for detail in status_pb2.Status.FromString(told.get("grpc-status-details-bin", b"")).details:
        if detail.Unpack(info):
            return str(info.reason)
    return f"no reason: {refusal.details()}"


def over_http(world: World, method: MethodDescriptor, request: Message, token: str | None) -> Outcome:
    """Calls through HTTP/JSON; a refusal must have the published shape."""
    answer = http.request(**addressed(world, method, request, token), stream=method.server_streaming, allow_redirects=False)
    if answer.ok:
        if method.server_streaming:
            assert next(events(answer)).startswith("data: {")
            answer.close()
        return OK
    if rules_of(method).oauth:
        return Outcome(CODES.get(answer.status_code, str(answer.status_code)), answer.json()["error"].upper())
    return published_refusal(answer)


def events(answer: requests.Response) -> Iterator[str]:
    """The server-sent events of an answer, each as it comes: the data of a message, or the lines of another event."""
    found: list[str] = []
    number = 0
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            found.append(line)
        elif found:
            if found[0].startswith("id:"):
                number += 1
                assert found[:2] == [f"id: {number}", "event: message"]
                yield "\n".join(found[2:])
            elif not found[0].startswith(("retry:", ":")):
                yield "\n".join(found)
            found = []


def published_refusal(answer: requests.Response) -> Outcome:
    """What a refusal says; it must have the published shape."""
    body = answer.json()
    signs = {"error", "error_description"} if answer.status_code == 401 else set()
    assert set(body) == {"code", "request_id", "result"} | signs, answer.text
    assert all(set(result) == {"field", "message", "details"} and result["message"] for result in body["result"]), answer.text
    assert body["result"]
    assert answer.headers["x-request-id"] == body["request_id"]
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert answer.headers.get("www-authenticate", "none").startswith("Bearer") is (answer.status_code == 401)
    code = CODES.get(answer.status_code, str(answer.status_code))
    return Outcome(code, ErrorReason.Name(body["code"]).removeprefix(REASON))


def over_connect(world: World, method: MethodDescriptor, request: Message, token: str | None) -> Outcome:
    """Calls as a browser does that speaks Connect in JSON."""
    headers = {"content-type": "application/json", "connect-protocol-version": "1", **_signed(token)}
    if method.server_streaming:
        return _first_of(method, spoken(world, method, request, token, "application/connect+proto"))
    answer = http.post(spoken_at(world, method), MessageToJson(request), headers=headers)
    told = answer.json()
    if answer.ok:
        ParseDict(told, message_factory.GetMessageClass(method.output_type)())
        return OK
    return connect_refusal(answer)


def connect_refusal(answer: requests.Response) -> Outcome:
    """What a refusal in Connect's form says."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert told.keys() == {"code", "message", "details"}
    assert told["message"]
    first = told["details"][0]
    info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(first["value"] + "=="))
    assert (first["type"], info.domain) == ("google.rpc.ErrorInfo", "gamehall")
    return Outcome(told["code"].upper(), info.reason)


def over_grpc_web(world: World, method: MethodDescriptor, request: Message, token: str | None) -> Outcome:
    """Calls as a browser does that speaks gRPC-Web."""
    answer = spoken(world, method, request, token, "application/grpc-web+proto")
    return _first_of(method, answer) if method.server_streaming else web_outcome(answer, method)


def spoken(world: World, method: MethodDescriptor, request: Message, token: str | None, content_type: str) -> requests.Response:
    """The answer to a request in one frame."""
    payload = request.SerializeToString()
    headers = {"content-type": content_type, **_signed(token)}
    body = b"\0" + len(payload).to_bytes(4, "big") + payload
    return http.post(spoken_at(world, method), body, headers=headers, stream=method.server_streaming)


def frames_of(answer: requests.Response) -> Iterator[tuple[int, bytes]]:
    """Flags and content of each frame, as it comes."""
    while head := answer.raw.read(5):
        yield head[0], answer.raw.read(int.from_bytes(head[1:], "big"))


def _first_of(method: MethodDescriptor, answer: requests.Response) -> Outcome:
    """Whether a stream gave a message, or why not."""
    assert answer.status_code == 200
    flags, content = next(frames_of(answer))
    answer.close()
    if flags == 0:
        message_factory.GetMessageClass(method.output_type).FromString(content)
        return OK
    if flags == 0x80:
        return _trailers(content)
    error = json.loads(content)["error"]
    info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(error["details"][0]["value"] + "=="))
    return Outcome(error["code"].upper(), info.reason)


def web_outcome(answer: requests.Response, method: MethodDescriptor) -> Outcome:
    """What the frames of a gRPC-Web answer say."""
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/grpc-web+proto")
    frames, rest = [], answer.content
    while rest:
        end = 5 + int.from_bytes(rest[1:5], "big")
        frames.append((rest[0], rest[5:end]))
        rest = rest[end:]
    assert [flags for flags, _ in frames] == ([0, 0x80] if len(frames) == 2 else [0x80])
    outcome = _trailers(frames[-1][1])
    assert (outcome == OK) is (len(frames) == 2)
    if outcome == OK:
        message_factory.GetMessageClass(method.output_type).FromString(frames[0][1])
    return outcome


def _trailers(content: bytes) -> Outcome:
    """What a frame of trailers says."""
    lines = dict(line.split(": ", 1) for line in content.decode("ascii").split("\r\n") if line)
    code = {code.value[0]: code.name for code in grpc.StatusCode}[int(lines["grpc-status"])]
    if code == "OK":
        return OK
    assert lines["grpc-message"]
    details = status_pb2.Status.FromString(base64.b64decode(lines["grpc-status-details-bin"] + "=="))
    assert details.code == int(lines["grpc-status"])
    return Outcome(code, error_details_pb2.ErrorInfo.FromString(details.details[0].value).reason)


def spoken_at(world: World, method: MethodDescriptor) -> str:
    """The address of an RPC for Connect and gRPC-Web."""
    return f"{world.url}/{method.containing_service.full_name}/{method.name}"


def _signed(token: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


DOORS: dict[str, Door] = {"http": over_http, "grpc": over_grpc, "connect": over_connect, "grpc-web": over_grpc_web}


def as_published(message: Message) -> dict[str, Any]:
    """A message as JSON with the contract's names, and the published words of enumerations."""
    return _in_words(message.DESCRIPTOR, MessageToDict(message, preserving_proto_field_name=True))


def _in_words(descriptor: Any, told: Any) -> Any:
    for field in descriptor.fields:
        if field.name not in told:
            continue
        value = told[field.name]
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            inner = field.message_type.fields_by_name["value"].message_type
            for each in value.values() if inner is not None else ():
                _in_words(inner, each)
            continue
        if field.enum_type is not None:
            words = {field.enum_type.values_by_number[number].name: word for number, word in words_of(field.enum_type).items()}
            told[field.name] = words.get(value, value)
        elif field.message_type is not None and not field.message_type.full_name.startswith("google."):
            for each in value if field.is_repeated else [value]:
                _in_words(field.message_type, each)
    kinds = variants_of(descriptor)
    arm = next((name for name in kinds.by_arm if name in told), None) if kinds is not None else None
    if kinds is not None and arm is not None:
        # An object of one of several kinds: its word beside what it tells.
        word, inside = kinds.by_arm[arm], told.pop(arm)
        told.update({**inside, **({kinds.key: word} if word else {})})
    return told


def addressed(world: World, method: MethodDescriptor, request: Message, token: str | None) -> dict[str, Any]:
    """The HTTP request of a call, as the method's binding says; arguments of http.request."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = str(rule.WhichOneof("pattern"))
    path = getattr(rule, verb)
    values = {
        name: str(told).lower() if told in (True, False) and told.__class__ is bool else told
        for name, told in as_published(request).items()
    }
    for name in [name for name in values if f"{{{name}}}" in path]:
        path = path.replace(f"{{{name}}}", str(values.pop(name)))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return {"method": verb.upper(), "url": world.url + path, "headers": headers, **_content(method, rule.body, values)}


def _content(method: MethodDescriptor, body: str, values: dict[str, Any]) -> dict[str, Any]:
    if body and rules_of(method).oauth:
        return {"data": values}
    if not body or body == "*":
        return {"json": values} if body else {"params": values}
    field = method.input_type.fields_by_name[body]
    of_names = field.message_type is not None and (not field.is_repeated or field.message_type.GetOptions().map_entry)
    content = values.pop(body, {} if of_names else [] if field.is_repeated else None)
    return {"json": content if field.message_type or field.is_repeated else {"value": content}, "params": values}


def _behavior(field: FieldDescriptor) -> Any:
    return field.GetOptions().Extensions[field_behavior_pb2.field_behavior]


def _least(field: FieldDescriptor) -> Any:
    if field.GetOptions().Extensions[options_pb2.field].user_id:
        return "me"
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {}
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Value":
        return Value(number_value=1)
    if field.message_type is not None:
        kinds = variants_of(field.message_type)
        first = None if kinds is None else field.message_type.fields_by_name[next(iter(kinds.by_arm))]
        least = minimal(field.message_type) | ({} if first is None else {first.name: _least(first)})
        return [least] if field.is_repeated else least
    if field.type == FieldDescriptor.TYPE_STRING:
        return "x" * max(1, field.GetOptions().Extensions[options_pb2.field].min_length)
    return 1

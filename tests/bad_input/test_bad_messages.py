"""Bad input through gRPC, on both engines: never INTERNAL, and nothing changed."""

import base64
import contextlib

import grpc
import pytest
from gamehall.users.v1.users_pb2 import CreateUserRequest, User
from google.protobuf import message_factory
from google.protobuf.message import DecodeError
from people import PASSWORD

from tests.bad_input.attacks import (
    CREATE_USER,
    METHODS,
    PNG,
    about,
    each_service,
    fields_of,
    name_of,
    refused,
)

BYTES = {
    "a byte": b"\xff",
    "fifty bytes": b"\xff" * 50,
    "zeros": b"\0" * 50,
    "a tag without its value": b"\x0a",
    "a length beyond the end": b"\x0a\x7f",
    "a length of 2^63": b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    "an endless varint": b"\x08" + b"\xff" * 11,
    "field zero": b"\x02\x00",
    "an end of no group": b"\x0c",
    "an endless group": b"\x0b" * 1000,
    "a wire type that is none": b"\x0e\x00",
    "deep": b"\x0b" * 200 + b"\x0c" * 200,
    "JSON": b'{"id": 1}',
    "an image": PNG,
}


@each_service(METHODS)
def test_grpc_refuses_what_is_no_message(caller, unchanged, those):
    for method in those:
        with about(method):
            for name, payload in BYTES.items():
                with contextlib.suppress(DecodeError):
                    # Bytes may happen to be fields that nobody knows.
                    message_factory.GetMessageClass(method.input_type).FromString(payload)
                    continue
                refusal = refused(caller, name_of(method), payload)
                assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT, name
                assert method.input_type.full_name in refusal.details()
                assert fields_of(refusal) == set()


def test_grpc_refuses_text_that_is_no_text(caller, unchanged):
    for text in (b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"a\xf0\x9f"):
        field = b"\x12" + bytes([len(text)]) + text
        payload = b"\x0a" + bytes([len(field)]) + field
        for method in ("/gamehall.users.v1.UserService/CreateUser", "/gamehall.comments.v1.CommentService/CreateComment"):
            assert refused(caller, method, payload).code() is grpc.StatusCode.INVALID_ARGUMENT


def test_grpc_passes_over_fields_of_another_type_and_fields_it_does_not_know(caller, unchanged):
    unknown = b"\x10\x01" + b"\xfa\x7f\x03abc" + b"\x08\x05"

    refusal = refused(caller, CREATE_USER, unknown)

    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert fields_of(refusal) == {"user"}


def test_grpc_refuses_messages_that_are_too_large(caller, unchanged):
    for size, code in ((4_000_000, grpc.StatusCode.INVALID_ARGUMENT), (5_000_000, grpc.StatusCode.RESOURCE_EXHAUSTED)):
        request = CreateUserRequest(user=User(description="a" * size))
        assert refused(caller, CREATE_USER, request).code() is code
        assert refused(caller, CREATE_USER, request, compression=grpc.Compression.Gzip).code() is code


def test_grpc_refuses_messages_that_are_too_deep(caller, unchanged):
    request = CreateUserRequest()
    value = request.user.additional_properties["a"]
    for _ in range(40):
        value = value.map.map["a"]

    refusal = refused(caller, CREATE_USER, request)

    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert fields_of(refusal) == set()


UNKNOWN = [
    "/gamehall.users.v1.UserService/Nothing",
    "/gamehall.users.v1.UserService/createUser",
    "/gamehall.users.v1.UserService/CreateUser/",
    "/no.such.Service/Nothing",
    "/users",
    "/",
    "//",
    "/%00/%00",
]


@pytest.mark.parametrize("method", UNKNOWN)
def test_grpc_knows_no_other_methods(caller, unchanged, method):
    with pytest.raises(grpc.RpcError) as raised:
        caller.world.channel.unary_unary(method)(b"", timeout=20)

    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_grpc_refuses_a_path_that_is_no_text_and_goes_on(caller, unchanged):
    # The native engine takes it for broken HTTP/2, and closes the connection.
    expected = {"grpcio": "UNIMPLEMENTED", "native": "UNAVAILABLE"}[caller.world.server.engine]
    for path in (b"/\xff", b"/gamehall.users.v1.UserService/\xed\xa0\x80", b"\xc0\x80"):
        channel = grpc.insecure_channel(caller.world.grpc_address, [("grpc.use_local_subchannel_pool", 1)])
        with channel, pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary(path)(b"", timeout=20)

        assert raised.value.code().name == expected, path
        assert refused(caller, CREATE_USER, b"\xff").code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic YTpi", "a.b.c", "Bearer a.b.c", "Bearer " + "a" * 9000, "Bearer {}", "Bearer ..."]
)
def test_grpc_refuses_metadata_that_is_no_token(caller, unchanged, value):
    refusal = refused(caller, "/gamehall.users.v1.UserService/GetUser", b"\x0a\x02me", metadata=(("authorization", value),))

    assert refusal.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("key", ["", "a b", "a" * 256, " "])
def test_grpc_refuses_a_key_that_is_none(caller, unchanged, key):
    payload = b"\x0a\x09\x12\x01a\x1a\x01b\x22\x01c"
    metadata = (("authorization", f"Bearer {caller.person.token}"), ("idempotency-key", key))

    refusal = refused(caller, "/gamehall.comments.v1.CommentService/CreateComment", payload, metadata=metadata)

    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert fields_of(refusal) == {"Idempotency-Key"}


@pytest.mark.parametrize("credentials", [b"a\0b:c", b"a%00b:c", b"\xff", b"a" * 9000, b"%ed%a0%80:a"], ids=lambda value: repr(value[:9]))
def test_grpc_refuses_a_client_that_names_itself_badly(caller, unchanged, credentials):
    metadata = (("authorization", "Basic " + base64.b64encode(credentials).decode()),)

    refusal = refused(caller, "/gamehall.auth.v1.TokenService/CreateToken", b"", metadata=metadata)

    assert refusal.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INVALID_ARGUMENT)


def test_grpc_refuses_metadata_that_is_too_large(caller, unchanged):
    """On a channel of its own: an engine may close the connection."""
    with grpc.insecure_channel(caller.world.grpc_address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = channel.unary_unary("/gamehall.platform.v1.PlatformService/GetVersion")
        with pytest.raises(grpc.RpcError) as raised:
            call(b"", timeout=20, metadata=(("x", "a" * 20_000),))

        # The native engine answers with HTTP status 431 before gRPC begins: clients make UNKNOWN of it.
        expected = {"grpcio": {"RESOURCE_EXHAUSTED"}, "native": {"RESOURCE_EXHAUSTED", "UNKNOWN"}}
        assert raised.value.code().name in expected[caller.world.server.engine]
        assert call(b"", timeout=20)


def test_grpc_tells_of_many_wrong_fields_within_what_a_client_takes(caller, unchanged):
    many, long = CreateUserRequest(), CreateUserRequest(user=User(username="a", email="a@example.com", password=PASSWORD))
    for number in range(2000):
        many.user.additional_properties[f"a\0{number}"].long.value = 1
    for letter in ("a", "ä", "\U0001f3b2"):
        long.user.additional_properties[letter * 20_000].text.value = "\0"

    for request in (many, long):
        refusal = refused(caller, CREATE_USER, request)
        assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert any(name.startswith("user.additional_properties") for name in fields_of(refusal))

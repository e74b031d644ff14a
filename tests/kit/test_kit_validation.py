"""Field rules of the contract, as they are compiled."""

import pytest
from gamehall.auth.v1.tokens_pb2 import CreateTokenRequest
from gamehall.comments.v1.comments_pb2 import Comment, CreateCommentRequest, GetCommentRequest, ListCommentsRequest, UpdateCommentRequest
from gamehall.common.v1.property_pb2 import Property
from gamehall.maintenance.v1.maintenance_pb2 import Maintenance, SetMaintenanceRequest
from gamehall.platform.v1.platform_pb2 import GetClockRequest, UpdateClockRequest
from gamehall.users.v1.passwords_pb2 import SetPasswordRequest
from gamehall.users.v1.users_pb2 import CreateUserRequest, User
from gamehall_server.kit.validation import compile_check
from gamehall_server.servicers import SERVICERS
from google.protobuf import message_factory
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value
from hypothesis import example, given, settings
from hypothesis import strategies as st

NUL = "must not contain the character NUL"
CHECKS = {
    kind: compile_check(kind.DESCRIPTOR)
    for kind in (CreateCommentRequest, CreateTokenRequest, CreateUserRequest, GetCommentRequest, ListCommentsRequest)
}
quick = settings(max_examples=50, deadline=None, database=None)


def wrong_with(message: Message) -> dict[str, str]:
    check = CHECKS.get(type(message)) or compile_check(message.DESCRIPTOR)
    return {violation.field: violation.message for violation in check(message)}


def comment(**fields: str) -> CreateCommentRequest:
    return CreateCommentRequest(comment=Comment(**{"context": "video", "context_id": "37", "content": "hello", **fields}))


def user(**fields: object) -> CreateUserRequest:
    return CreateUserRequest(user=User(**{"username": "ann", "email": "ann@example.com", "password": "long enough", **fields}))


def notice(value: object) -> SetMaintenanceRequest:
    made = SetMaintenanceRequest(maintenance=Maintenance(message="Down", access_locked=True))
    made.maintenance.details.fields["level"].CopyFrom(free(value))
    return made


def free(value: object) -> Value:
    made = Value()
    if isinstance(value, dict):
        made.struct_value.update(value)
    elif isinstance(value, list):
        made.list_value.extend(value)
    else:
        made.string_value = str(value)
    return made


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert [wrong_with(message) for message in (comment(), user(), GetCommentRequest(id=1), GetClockRequest())] == [{}] * 4


def test_every_wrong_field_is_named_by_its_path() -> None:
    assert wrong_with(comment(context="", context_id="x" * 101, content="a\0b")) == {
        "comment.context": "required",
        "comment.context_id": "at most 100 characters",
        "comment.content": NUL,
    }


def test_a_missing_message_is_one_violation() -> None:
    assert wrong_with(CreateCommentRequest()) == {"comment": "required"}


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0\u2003"])
def test_blanks_are_no_text(blank: str) -> None:
    assert wrong_with(comment(content=blank)) == {"comment.content": "required"}


@quick
@given(st.text(min_size=1, max_size=130).filter(str.strip))
@example("é" * 100)
@example("🎲" * 101)
def test_lengths_are_counted_in_characters(text: str) -> None:
    wanted = {"comment.context": NUL} if "\0" in text else {"comment.context": "at most 100 characters"} if len(text) > 100 else {}

    assert wrong_with(comment(context=text)) == wanted


def test_what_only_the_server_writes_is_not_looked_at() -> None:
    assert wrong_with(comment(summary="\0" * 1000)) == {}


def test_a_shortest_length_binds_what_is_there() -> None:
    assert wrong_with(SetPasswordRequest(id="1", password="short")) == {"password": "at least 8 characters"}
    assert wrong_with(CreateTokenRequest(grant_type="")) == {}


def test_what_may_be_absent_may_be_empty() -> None:
    assert wrong_with(user(display_name="", first_name="")) == {}


@quick
@given(st.integers(-(2**31), 2**31 - 1))
@example(0)
@example(1000)
@example(1001)
@example(-1)
def test_a_number_without_presence_is_absent_when_it_is_zero(size: int) -> None:
    wanted = {} if 0 <= size <= 1000 else {"size": "at least 1" if size < 0 else "at most 1000"}

    assert wrong_with(ListCommentsRequest(context="a", context_id="b", size=size)) == wanted


@quick
@given(st.integers(-(2**63), 2**63 - 1))
@example(0)
@example(-1)
@example(253402300799)
@example(253402300800)
def test_a_number_with_presence_is_there_when_it_is_zero(now: int) -> None:
    wanted = {} if 0 <= now <= 253402300799 else {"now": "at least 0" if now < 0 else "at most 253402300799"}

    assert wrong_with(UpdateClockRequest(now=now)) == wanted


def test_a_required_number_is_not_zero() -> None:
    assert wrong_with(GetCommentRequest()) == {"id": "required"}
    assert wrong_with(UpdateCommentRequest(content="x")) == {"id": "required"}
    assert wrong_with(GetCommentRequest(id=-1)) == {}


@pytest.mark.parametrize("value", ["a\0b", {"a": "b\0"}, {"a\0": "b"}, ["x", ["y\0"]], {"a": {"b": ["c", {"d": "\0"}]}}])
def test_a_nul_is_found_however_deep(value: object) -> None:
    assert wrong_with(notice(value)) == {"maintenance.details": NUL}


@pytest.mark.parametrize("value", ["\\000", {"a": "\\000", "b": 1.5}, {"\\000": 0}, ["\\0", 2.0, True, None], "ab\x01"])
def test_what_only_looks_like_a_nul_is_none(value: object) -> None:
    assert wrong_with(notice(value)) == {}


def test_a_nul_in_a_name_is_found() -> None:
    assert wrong_with(user(additional_properties={"a\0": Property()})) == {
        "user.additional_properties": NUL,
        "user.additional_properties.a\0.type": "required",
    }


def test_a_nul_in_a_property_is_found_however_deep() -> None:
    told = Property()
    told.list.values.add().map.map["a"].text.value = "b\0"

    assert wrong_with(user(additional_properties={"level": told})) == {
        "user.additional_properties.level.list.values[0].map.map.a.text.value": NUL
    }


@pytest.mark.parametrize(
    "method", [method for servicer in SERVICERS for method in servicer.service.methods], ids=lambda method: method.full_name
)
def test_every_request_of_the_contract_can_be_checked(method) -> None:
    empty = message_factory.GetMessageClass(method.input_type)()

    assert all(violation.message == "required" for violation in compile_check(method.input_type)(empty))

"""How a team tests with pytest-grpc: name the stub's class, and `grpc_stub` is one that speaks to the running server."""

import pytest
from gamehall.comments.v1.comments_pb2 import Comment, CreateCommentRequest, GetCommentRequest
from gamehall.comments.v1.comments_pb2_grpc import CommentServiceStub
from google.rpc import error_details_pb2, status_pb2
from people import fresh


@pytest.fixture(scope="module")
def grpc_stub_cls():
    return CommentServiceStub


@pytest.fixture
def signed(ann):
    """What a signed-in caller sends along."""
    return (("authorization", f"Bearer {ann.token}"),)


def test_the_stub_speaks_to_the_running_server(grpc_stub, signed, ann):
    said = Comment(context="video", context_id=fresh("plugin"), content="through pytest-grpc")

    written = grpc_stub.CreateComment(CreateCommentRequest(comment=said), metadata=signed).comment

    assert written.user.id == ann.id
    assert grpc_stub.GetComment(GetCommentRequest(id=written.id)).comment == written
    # The same deployment, through its other door.
    assert ann.get(f"/comments/{written.id}").json()["content"] == "through pytest-grpc"


def test_a_refusal_tells_the_field(grpc_stub, signed, refused):
    with refused("INVALID_ARGUMENT") as refusal:
        grpc_stub.CreateComment(CreateCommentRequest(comment=Comment(context="video", context_id="37")), metadata=signed)

    bad = error_details_pb2.BadRequest()
    status = status_pb2.Status.FromString(dict(refusal[0].trailing_metadata())["grpc-status-details-bin"])
    assert any(detail.Unpack(bad) for detail in status.details)
    assert [violation.field for violation in bad.field_violations] == ["comment.content"]


def test_a_channel_of_ones_own(grpc_create_channel, refused):
    with grpc_create_channel() as channel, refused("UNAUTHENTICATED"):
        CommentServiceStub(channel).CreateComment(CreateCommentRequest())

"""Contract and code cannot drift apart: what does not fit stops the server with a sentence."""

from collections.abc import Callable

import pytest
from gamehall.comments.v1 import comments_pb2 as pb
from gamehall.users.v1 import users_pb2
from gamehall_server.kit.clock import SystemClock
from gamehall_server.kit.columns import Moment
from gamehall_server.kit.invoke import App
from gamehall_server.kit.mapping import Computed, Embed, Mapper
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.rpc import Drift, Rpc, bind
from gamehall_server.kit.storage import table_of
from gamehall_server.kit.verbs import Create, Delete, Get, List, Update
from gamehall_server.modules.comments.servicer import Comments, comments
from gamehall_server.modules.users import summary
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from sqlalchemy import BigInteger
from sqlmodel import Field

from tests.databases import NoteRow, Toy

SERVICE = pb.DESCRIPTOR.services_by_name["CommentService"]
AUTHOR = {"user": Embed("user_id", summary)}
SUMMARY = {"summary": Computed("content", str)}


class RemarkRow(Toy, table=True):
    """A toy table that fits the message of comments but for the object they are about."""

    __tablename__ = "remark"

    id: int = Field(primary_key=True, sa_type=BigInteger)
    content: str
    user_id: int | None = Field(default=None, sa_type=BigInteger)
    created_date: int = Field(sa_type=Moment)
    updated_date: int = Field(sa_type=Moment)


def rpc(name: str) -> MethodDescriptor:
    return SERVICE.methods_by_name[name]


def remarks() -> Resource[RemarkRow]:
    """A resource whose message says what its table does not keep, made up from what it keeps."""
    made_up = {**SUMMARY, "context": Computed("content", str), "context_id": Computed("content", str)}
    return Resource(RemarkRow, pb.Comment, embeds=AUTHOR, computed=made_up)


def stopped(work: Callable[[], object]) -> str:
    with pytest.raises(Drift) as drift:
        work()
    return str(drift.value)


def test_the_real_servicer_fits() -> None:
    assert [each.name.rpartition("/")[2] for each in bind(Comments())] == [method.name for method in SERVICE.methods]


def test_a_method_that_nobody_wrote() -> None:
    class Half:
        service = SERVICE
        ListComments, CreateComment, GetComment, UpdateComment = List(comments), Create(comments), Get(comments), Update(comments)

    assert stopped(lambda: bind(Half())) == "Half does not write gamehall.comments.v1.CommentService.DeleteComment"


def test_a_method_without_a_policy() -> None:
    file = descriptor_pb2.FileDescriptorProto(
        name="toy.proto", package="toy", message_type=[descriptor_pb2.DescriptorProto(name="Nothing")]
    )
    method = descriptor_pb2.MethodDescriptorProto(name="Do", input_type=".toy.Nothing", output_type=".toy.Nothing")
    file.service.add(name="Toys", method=[method])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)

    async def do(request: object, call: object) -> object:
        return request

    descriptor = pool.FindServiceByName("toy.Toys").methods_by_name["Do"]
    assert stopped(lambda: Rpc(descriptor, do)) == "/toy.Toys/Do has no policy"  # type: ignore[arg-type]


def test_a_service_that_is_served_twice() -> None:
    app = lambda: App(None, None, SystemClock(), [Comments(), Comments()])  # type: ignore[arg-type]  # noqa: E731

    assert stopped(app) == "/gamehall.comments.v1.CommentService/ListComments is served twice"


def test_a_field_without_a_column() -> None:
    assert stopped(lambda: Resource(NoteRow, pb.Comment)) == "gamehall.comments.v1.Comment.context has no column in note"
    assert (
        stopped(lambda: Resource(RemarkRow, pb.Comment, computed=SUMMARY)) == "gamehall.comments.v1.Comment.context has no column in remark"
    )


def test_a_record_inside_that_shows_too_much() -> None:
    table = table_of(RemarkRow).table
    author = {"user": Embed("user_id", (*summary, table.columns["content"]))}

    sentence = stopped(lambda: Mapper(pb.Comment, comments.table, author, SUMMARY))

    assert sentence == "gamehall.common.v1.UserReference has no field content"


@pytest.mark.parametrize(
    "verb, name, sentence",
    [
        (Create, "GetComment", "gamehall.comments.v1.GetCommentRequest does not carry Comment"),
        (Get, "ListComments", "gamehall.comments.v1.ListCommentsRequest does not name a comment by id"),
        (Get, "DeleteComment", "gamehall.comments.v1.CommentService.DeleteComment answers without a comment"),
        (Update, "ListComments", "gamehall.comments.v1.ListCommentsRequest does not name a comment by id"),
        (Delete, "CreateComment", "gamehall.comments.v1.CreateCommentRequest does not name a comment by id"),
        (Delete, "ListComments", "gamehall.comments.v1.ListCommentsRequest does not name a comment by id"),
        (List, "GetComment", "gamehall.comments.v1.GetCommentRequest lacks one of order, page, size"),
    ],
)
def test_a_verb_at_the_wrong_rpc(verb: Callable[..., object], name: str, sentence: str) -> None:
    assert stopped(lambda: verb(comments).bound_to(rpc(name))) == sentence  # type: ignore[attr-defined]


def test_a_verb_of_another_message() -> None:
    get_user = users_pb2.DESCRIPTOR.services_by_name["UserService"].methods_by_name["GetUser"]

    assert stopped(lambda: Delete(comments).bound_to(get_user)) == "gamehall.users.v1.GetUserResponse neither carries Comment nor is empty"


def test_a_filter_without_a_column() -> None:
    sentence = stopped(lambda: List(remarks()).bound_to(rpc("ListComments")))

    assert sentence == "gamehall.comments.v1.ListCommentsRequest.context has no column in remark"


def test_a_writable_field_without_a_column() -> None:
    sentence = stopped(lambda: Create(remarks()).bound_to(rpc("CreateComment")))

    assert sentence == "gamehall.comments.v1.Comment.context has no column in remark"

"""The benchmark compares like with like: every server gives the same answers to the same questions about the same data."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from databases import shared_postgres
from gamehall.comments.v1 import comments_pb2 as pb
from gamehall.comments.v1.comments_pb2_grpc import CommentServiceStub

from bench import answers, dataset
from bench.fill import fill
from bench.servers import SUBJECTS, Subject, running
from bench.tokens import reference_tokens

COMMENTS = 2_000
pytestmark = pytest.mark.xdist_group("bench")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """The address of a filled database, and the product's tokens."""
    url = shared_postgres().fresh() if request.param == "postgresql" else f"sqlite:///{tmp_path_factory.mktemp('bench') / 'bench.db'}"
    return url, fill(url, COMMENTS)


@pytest.mark.parametrize("subject", [subject for subject in SUBJECTS if subject.http], ids=lambda subject: subject.name)
def test_every_server_gives_the_same_answers(subject: Subject, filled: tuple[str, list[str]], tmp_path: Path) -> None:
    url, tokens = filled
    if not subject.product:
        tokens = reference_tokens()

    with running(subject, url, tmp_path / "log") as server:
        answers.check(server.http_port, tokens[answers.CALLER - 1], COMMENTS)


def test_the_references_answer_over_grpc_as_gamehall_does(filled: tuple[str, list[str]], tmp_path: Path) -> None:
    url, tokens = filled
    product, raw = (next(subject for subject in SUBJECTS if subject.name == name) for name in ("gamehall", "raw-grpc"))

    assert told(raw, url, tmp_path, reference_tokens()) == told(product, url, tmp_path, tokens)


def told(subject: Subject, url: str, folder: Path, tokens: list[str]) -> list[object]:
    """What a server answers: to calls that read, to one that writes, to a wrong token and to a wrong number."""
    page = pb.ListCommentsRequest(context=dataset.CONTEXT, context_id="7", size=5, page=2)
    new = pb.Comment(context="song", context_id="37", content="This video was very funny, but I hated it anyways!")
    with running(subject, url, folder / subject.name) as server, grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        service = CommentServiceStub(channel)
        caller = [("authorization", f"Bearer {tokens[answers.CALLER - 1]}")]
        written = service.CreateComment(pb.CreateCommentRequest(comment=new), metadata=caller).comment
        assert service.GetComment(pb.GetCommentRequest(id=written.id), metadata=caller).comment == written
        for own in ("id", "created_date", "updated_date"):
            written.ClearField(own)
        refused = [
            refusal(service.GetComment, pb.GetCommentRequest(id=1), [("authorization", "Bearer nothing")]),
            refusal(service.GetComment, pb.GetCommentRequest(id=9_999_999), caller),
            refusal(service.CreateComment, pb.CreateCommentRequest(comment=pb.Comment(context="song", context_id="1")), caller),
        ]
        return [
            *(service.GetComment(pb.GetCommentRequest(id=number), metadata=caller) for number in (1, 50, 777)),
            service.ListComments(page, metadata=caller),
            written,
            refused,
        ]


def refusal(method: Any, request: Any, metadata: list[tuple[str, str]]) -> grpc.StatusCode:
    """The code with which a call is refused."""
    with pytest.raises(grpc.RpcError) as refused:
        method(request, metadata=metadata)
    code: grpc.StatusCode = refused.value.code()
    return code

"""The benchmark compares like with like: every server gives the same answers to the same questions about the same data."""

from pathlib import Path

import pytest
from databases import shared_postgres

from bench import answers
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

"""What a kind of posts tells of itself."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gamehall_server.kit.clock import Micros
from gamehall_server.kit.storage import Handle

JSON = "application/json"
# The kind whose lanes the log can be asked for; the status of a place that wants nothing ever again.
WEBHOOK, GONE = "webhook", 410


class Job(NamedTuple):
    """One post that is to be sent now. `fence` tells the try apart from every other; `tries`: how many ended before. `message_id` is the
    same for every try, and after a replay. `at`: when it was first to be sent."""

    id: int
    fence: int
    lane: str
    key: str
    message_id: str
    payload: str
    url: str
    at: Micros
    tries: int
    attempts: str

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return self.lane.partition("/")[0]


class Post(NamedTuple):
    """What is sent: the very bytes, and headers beside their type, which is the kind's."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class Result(NamedTuple):
    """How a try ended. `status` is 0 where there was no answer, and `error` says why. `dead`: no other try follows."""

    job: Job
    url: str
    began: Micros
    ended: Micros
    status: int
    response: str
    error: str
    dead: bool
    # In microseconds: what the other server asks for with Retry-After.
    wait: Micros = 0

    @property
    def success(self) -> bool:
        """Whether the other server has taken it."""
        return 200 <= self.status < 300 and not self.error


class Kind:
    """How posts of one kind are sent. `name` begins the names of its lanes; `content_type` is what they all are."""

    name = ""
    content_type = JSON

    def open(self, lane: str) -> bool:
        """Whether posts of a lane are to be sent now, as far as this process knows."""
        return True

    async def prepare(self, db: Handle, jobs: Sequence[Job]) -> dict[int, Post | str]:
        """What is to be sent for each job, by its id; a text says why one is given up. Asked once for all that are sent together."""
        raise NotImplementedError

    async def settle(self, db: Handle, results: Sequence[Result]) -> None:
        """Writes what follows from how tries ended, in the transaction that ends them."""

"""Events that rules post to URLs."""

from collections.abc import Sequence

from gamehall_server.kit.storage import Handle
from gamehall_server.modules.forwards import Job, Kind, Post

KIND = "rule"


class ToUrls(Kind):
    """How they are sent: as webhooks are, and unsigned, for the URL is all that is known of the other server."""

    name = KIND

    async def prepare(self, db: Handle, jobs: Sequence[Job]) -> dict[int, Post | str]:
        """The message as it was kept."""
        return {job.id: Post(job.url, job.payload.encode(), {"webhook-id": job.message_id}) for job in jobs}

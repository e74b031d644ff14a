"""The notice of maintenance as every call meets it: in memory."""

from gamehall.maintenance.v1 import maintenance_pb2 as pb
from gamehall.options.v1.errors_pb2 import ErrorReason
from google.protobuf import json_format

from gamehall_server.kit.call import Caller
from gamehall_server.kit.errors import Unavailable
from gamehall_server.kit.kept import Kept
from gamehall_server.kit.rpc import Rpc
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.maintenance.tables import notice

ADMIN = "MAINTENANCE_ADMIN"
RETRY_SECONDS = 60


class Notice:
    """What `GET /maintenance` tells; None when there is none."""

    def __init__(self) -> None:
        self.kept: Kept[pb.Maintenance | None] = Kept(_read)

    def gate(self, rpc: Rpc, caller: Caller | None) -> None:
        """Refuses everybody but administrators while the deployment is locked, except where the contract says `in_maintenance`."""
        notice = self.kept.value
        if notice is None or not notice.access_locked or rpc.rules.in_maintenance:
            return
        if caller is None or ADMIN not in caller.permissions:
            raise Unavailable(notice.message, reason=ErrorReason.ERROR_REASON_MAINTENANCE, retry_after=RETRY_SECONDS)


async def _read(db: Handle) -> pb.Maintenance | None:
    row = await db.one(notice)
    if row is None:
        return None
    message, access_locked, details = row
    told = pb.Maintenance(message=message, access_locked=access_locked)
    if details is not None:
        json_format.Parse(details, told.details)
    return told

"""Maintenance: one notice that is given, changed and taken away."""

from gamehall.maintenance.v1 import maintenance_pb2 as pb
from google.protobuf import json_format

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import NotFound
from gamehall_server.kit.storage import Query
from gamehall_server.modules.maintenance.notice import Notice
from gamehall_server.modules.maintenance.tables import change, put


class Maintenance:
    """gamehall.maintenance.v1.MaintenanceService."""

    service = pb.DESCRIPTOR.services_by_name["MaintenanceService"]

    def __init__(self, notice: Notice) -> None:
        self._kept = notice.kept

    async def GetMaintenance(self, request: pb.GetMaintenanceRequest, call: Call) -> pb.GetMaintenanceResponse:
        if self._kept.value is None:
            raise NotFound("There is no notice of maintenance.")
        return pb.GetMaintenanceResponse(maintenance=self._kept.value)

    async def SetMaintenance(self, request: pb.SetMaintenanceRequest, call: Call) -> pb.SetMaintenanceResponse:
        await self._keep(call, "set", put, request.maintenance)
        return pb.SetMaintenanceResponse()

    async def UpdateMaintenance(self, request: pb.UpdateMaintenanceRequest, call: Call) -> pb.UpdateMaintenanceResponse:
        if not await self._keep(call, "updated", change, request.maintenance):
            raise NotFound("There is no notice of maintenance to change.")
        return pb.UpdateMaintenanceResponse()

    async def DeleteMaintenance(self, request: pb.DeleteMaintenanceRequest, call: Call) -> pb.DeleteMaintenanceResponse:
        await self._keep(call, "deleted", put, None)
        return pb.DeleteMaintenanceResponse()

    async def _keep(self, call: Call, past: str, query: Query[tuple[object, ...]], notice: pb.Maintenance | None) -> int:
        """Writes the notice, tells of it, and lets every call know once it is committed. Gives how many rows there were to write."""
        message, locked = (None, False) if notice is None else (notice.message, notice.access_locked)
        details = json_format.MessageToJson(notice.details, indent=None) if notice and notice.HasField("details") else None
        written = await call.db.run(query, message=message, access_locked=locked, details=details)
        call.emit(f"maintenance_{past}", message=message, access_locked=locked)
        call.db.after(lambda: self._kept.put(notice))
        return written

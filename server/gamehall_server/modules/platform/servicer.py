"""Health, version and error codes, and the clock of a sandbox deployment."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from gamehall.options.v1 import errors_pb2
from gamehall.platform.v1 import platform_pb2 as pb

from gamehall_server import __version__
from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, Clock, SandboxClock
from gamehall_server.kit.health import Health

WORDS = {True: "UP", False: "DOWN"}
REASON = "ERROR_REASON_"


def error_codes() -> list[pb.ErrorCode]:
    """Every error reason of the contract, by code; docs/errors.md is made from it too."""
    codes = []
    for value in sorted(errors_pb2.ErrorReason.DESCRIPTOR.values, key=lambda value: value.number):
        told = value.GetOptions().Extensions[errors_pb2.error]
        if value.number:
            code = pb.ErrorCode(code=value.number, name=value.name.removeprefix(REASON), meaning=told.meaning, example=told.example)
            code.http_statuses.extend(told.http)
            if told.grpc:
                code.grpc_status = told.grpc
            codes.append(code)
    return codes


class Platform:
    """gamehall.platform.v1.PlatformService."""

    service = pb.DESCRIPTOR.services_by_name["PlatformService"]

    def __init__(self, health: Health) -> None:
        self._health = health

    async def GetHealth(self, request: pb.GetHealthRequest, call: Call) -> pb.GetHealthResponse:
        return pb.GetHealthResponse(status=WORDS[await self._health.look()], database=self._database())

    async def WatchHealth(self, request: pb.WatchHealthRequest, call: Call) -> AsyncGenerator[pb.WatchHealthResponse, None]:
        async with aclosing(self._health.watch()) as states:
            async for serving in states:
                yield pb.WatchHealthResponse(status=WORDS[serving], database=self._database())

    def _database(self) -> pb.Component:
        return pb.Component(status=WORDS[self._health.database])

    async def GetVersion(self, request: pb.GetVersionRequest, call: Call) -> pb.GetVersionResponse:
        return pb.GetVersionResponse(version=__version__)

    async def ListErrorCodes(self, request: pb.ListErrorCodesRequest, call: Call) -> pb.ListErrorCodesResponse:
        return pb.ListErrorCodesResponse(error_codes=error_codes())


class Sandbox:
    """gamehall.platform.v1.SandboxService. Served only with --sandbox."""

    service = pb.DESCRIPTOR.services_by_name["SandboxService"]

    def __init__(self, clock: Clock) -> None:
        if not isinstance(clock, SandboxClock):
            raise TypeError("only a sandbox has a clock to set")
        self._clock = clock

    async def GetClock(self, request: pb.GetClockRequest, call: Call) -> pb.GetClockResponse:
        return pb.GetClockResponse(clock=self._shown())

    async def UpdateClock(self, request: pb.UpdateClockRequest, call: Call) -> pb.UpdateClockResponse:
        if request.HasField("frozen"):
            self._clock.freeze(request.frozen)
        if request.HasField("now"):
            self._clock.set(request.now * SECOND)
        if request.HasField("advance_seconds"):
            self._clock.set(self._clock.now() + request.advance_seconds * SECOND)
        return pb.UpdateClockResponse(clock=self._shown())

    def _shown(self) -> pb.Clock:
        return pb.Clock(now=self._clock.now() // SECOND, frozen=self._clock.frozen)

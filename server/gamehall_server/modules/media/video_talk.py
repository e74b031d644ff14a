"""What users say and think of videos, and which videos are related."""

from typing import Any

from gamehall.media.v1 import video_talk_pb2 as pb
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import NotFound
from gamehall_server.kit.mapping import Embed
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.rpc import Method
from gamehall_server.kit.verbs import Create, Delete, List, Update
from gamehall_server.modules import dispositions
from gamehall_server.modules.media import moderation, tables
from gamehall_server.modules.media.search import ADMIN, KIND
from gamehall_server.modules.media.videos import talk, thoughts, videos

_to = tables.videos.table.alias("to_video").c
_from = tables.videos.table.alias("from_video").c
related = Resource(
    tables.RelatedVideoRow,
    pb.VideoRelationship,
    embeds={"from": Embed("from_id", (_from.id, _from.name)), "to": Embed("to_id", (_to.id, _to.name))},
    within={"video_id": "from_id"},
)


class _OfVideo:
    """A verb about a part of a video: whoever reaches the video reaches it."""

    def __init__(self, verb: Any) -> None:
        self._verb = verb

    def bound_to(self, rpc: MethodDescriptor) -> Method:
        """The method for this RPC."""
        inner = self._verb.bound_to(rpc)

        async def method(request: Any, call: Call) -> Message:
            await reach(call, request.video_id)
            answer: Message = await inner(request, call)
            return answer

        return method


class _Comment(_OfVideo):
    """As above, for a comment whose path tells what it is about."""

    def bound_to(self, rpc: MethodDescriptor) -> Method:
        """The method for this RPC."""
        inner = super().bound_to(rpc)

        async def method(request: Any, call: Call) -> Any:
            request.comment.context, request.comment.context_id = KIND, str(request.video_id)
            return await inner(request, call)

        return method


class VideoTalk:
    """gamehall.media.v1.VideoTalkService."""

    service = pb.DESCRIPTOR.services_by_name["VideoTalkService"]

    ListVideoComments = _OfVideo(List(talk))
    CreateVideoComment = _Comment(Create(talk))
    UpdateVideoComment = Update(talk)
    DeleteVideoComment = Delete(talk)
    ListVideoDispositions = _OfVideo(List(thoughts))
    DeleteVideoDisposition = Delete(thoughts)
    ListRelatedVideos = _OfVideo(List(related))
    AddRelatedVideo = _OfVideo(Create(related))
    UpdateRelatedVideo = _OfVideo(Update(related))
    RemoveRelatedVideo = _OfVideo(Delete(related))

    async def CreateVideoDisposition(self, request: pb.CreateVideoDispositionRequest, call: Call) -> pb.CreateVideoDispositionResponse:
        await reach(call, request.video_id)
        answer, inside = pb.CreateVideoDispositionResponse(), {"context_id": str(request.video_id)}
        await dispositions.keep(call, thoughts, request.disposition, ADMIN, answer.disposition, inside)
        return answer

    async def CreateVideoFlag(self, request: pb.CreateVideoFlagRequest, call: Call) -> pb.CreateVideoFlagResponse:
        await reach(call, request.video_id)
        answer = pb.CreateVideoFlagResponse()
        await moderation.flag(call, KIND, str(request.video_id), request.reason or None, call.user_id, answer.flag)
        return answer

    async def DeleteVideoFlag(self, request: pb.DeleteVideoFlagRequest, call: Call) -> pb.DeleteVideoFlagResponse:
        if call.user_id is not None:
            await moderation.unflag(call, KIND, str(request.video_id), call.user_id)
        return pb.DeleteVideoFlagResponse()


async def reach(call: Call, video_id: int) -> None:
    """What is about a video is for those who reach it. Raises NotFound."""
    try:
        await videos.load(call, video_id)
    except NotFound as missing:
        raise NotFound(missing.message, field="video_id") from None
    call.reaches()

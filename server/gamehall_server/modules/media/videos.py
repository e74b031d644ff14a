"""Videos: who sees them, who contributed to them, and how often they were viewed."""

from typing import Any

from gamehall.media.v1 import videos_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.filters import choose
from gamehall_server.kit.mapping import Computed, Embed
from gamehall_server.kit.page import Page, page_of
from gamehall_server.kit.parts import Part
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.verbs import Create, Delete, Update
from gamehall_server.modules import categories, comments, dispositions, users
from gamehall_server.modules.media import tables
from gamehall_server.modules.media.artists import artists
from gamehall_server.modules.media.moderation_tables import is_flagged
from gamehall_server.modules.media.search import ADMIN, FILTERS, KIND, OF_USER, VEIL, name_caller, without_flagged
from gamehall_server.modules.tags import Tagged
from gamehall_server.modules.templates import Templated

LAST_COMMENTS = 25
_t = tables.videos.table
_artist = tables.artists.table.c
# What everybody says and thinks of videos, as of anything else.
ABOUT: dict[str, Any] = {"fixed": {"context": KIND}, "within": {"video_id": "context_id"}}
talk, thoughts = comments.resource_of(**ABOUT), dispositions.resource_of(**ABOUT, by="disposition_id")


class _Uploader(Part):
    """A video is its caller's; VIDEOS_ADMIN may name somebody else, or nobody. One that something is attached to stays."""

    async def check(self, call: Call, message: Any, path: str) -> None:
        if not call.may(ADMIN):
            message.uploader.id = call.user_id
        elif message.HasField("uploader") and await users.summary_of(call.db, message.uploader.id) is None:
            raise Invalid("no user has this id", field=f"{path}.uploader.id")

    async def drop(self, call: Call, id: Any) -> None:
        for what, found in (
            ("comment", await talk.any_inside(call, {"context_id": str(id)})),
            ("disposition", await thoughts.any_inside(call, {"context_id": str(id)})),
            ("flag", await is_flagged(call.db, KIND, str(id))),
        ):
            if found:
                raise Invalid(f"in use by: {what}", field="id")


videos = Resource(
    tables.VideoRow,
    pb.Video,
    owner="uploader_id",
    veil=VEIL,
    embeds={
        "category": Embed("category_id", categories.summary[:2]),
        "author": Embed("author_id", (_artist.id, _artist.name)),
        "uploader": Embed("uploader_id", users.summary),
    },
    computed={"active": Computed(("published", "banned"), lambda published, banned: bool(published and not banned))},
    defaults={"privacy": pb.VIDEO_PRIVACY_PRIVATE, "published": True, "priority": 100, "views": 0, "banned": False},
    unstored=frozenset({"contributors", "comments"}),
    sorts={"author": "author_id"},
    parts=(_Uploader(), Tagged(KIND), Templated(KIND, _t, pb.Video)),
)


class Videos:
    """gamehall.media.v1.VideoService."""

    service = pb.DESCRIPTOR.services_by_name["VideoService"]

    CreateVideo = Create(videos)
    UpdateVideo = Update(videos)
    DeleteVideo = Delete(videos)

    async def ListVideos(self, request: pb.ListVideosRequest, call: Call) -> Rows:
        name_caller(request, call)
        chosen, parameters = choose(FILTERS, request)
        for each in FILTERS:
            if each.check is not None:
                await each.check(call, getattr(request, each.name))
        unflagged, more = without_flagged(request, call)
        given = {**parameters, **more}
        return await videos.page(call, (*chosen, *unflagged), given, page_of(request), request.order, pb.ListVideosResponse)

    async def ListVideosOfUser(self, request: pb.ListVideosOfUserRequest, call: Call) -> Rows:
        chosen, parameters = without_flagged(request, call)
        given = {**parameters, "of__": int(request.user_id)}
        return await videos.page(call, (*chosen, OF_USER), given, page_of(request), request.order, pb.ListVideosOfUserResponse)

    async def GetVideo(self, request: pb.GetVideoRequest, call: Call) -> pb.GetVideoResponse:
        answer = pb.GetVideoResponse()
        await videos.find(call, request.id, answer.video)
        answer.video.contributors.extend(await tables.contributions_to_video(call.db, request.id))
        last = await talk.page(call, (), {}, Page(1, LAST_COMMENTS), "created_date:DESC", pb.Video, {"context_id": str(request.id)})
        for row in last.rows:
            talk.mapper.fill(answer.video.comments.add(), row[:-1])
        return answer

    async def ViewVideo(self, request: pb.ViewVideoRequest, call: Call) -> pb.ViewVideoResponse:
        await videos.load(call, request.id)
        tables.view(call.db, request.id)
        return pb.ViewVideoResponse()

    async def AddToWhitelist(self, request: pb.AddToWhitelistRequest, call: Call) -> pb.AddToWhitelistResponse:
        await videos.load(call, request.id, lock=True)
        if await users.summary_of(call.db, request.user_id) is None:
            raise Invalid("no user has this id", field="user_id")
        await tables.invite(call.db, request.id, request.user_id)
        return pb.AddToWhitelistResponse()

    async def RemoveFromWhitelist(self, request: pb.RemoveFromWhitelistRequest, call: Call) -> pb.RemoveFromWhitelistResponse:
        await own(call, request.video_id)
        if not await tables.uninvite(call.db, request.video_id, request.id):
            raise NotFound("No user with this id is on the whitelist.", field="id")
        return pb.RemoveFromWhitelistResponse()

    async def AddContributor(self, request: pb.AddContributorRequest, call: Call) -> pb.AddContributorResponse:
        await own(call, request.video_id)
        told = request.contribution
        if told.media.id != request.video_id:
            raise Invalid("must be the video", field="contribution.media.id")
        call.reaches()
        try:
            await artists.load(call, told.artist.id, lock=True)
        except NotFound:
            raise Invalid("no artist has this id", field="contribution.artist.id") from None
        await tables.contribute(call.db, request.video_id, told.artist.id, told.role, call.now)
        return pb.AddContributorResponse()

    async def RemoveContributor(self, request: pb.RemoveContributorRequest, call: Call) -> pb.RemoveContributorResponse:
        await own(call, request.video_id)
        if not await tables.uncontribute(call.db, request.video_id, request.id):
            raise NotFound("No artist with this id contributed to it.", field="id")
        return pb.RemoveContributorResponse()


async def own(call: Call, video_id: int) -> None:
    """Locks a video of the caller's. Raises NotFound."""
    try:
        await videos.load(call, video_id, lock=True)
    except NotFound as missing:
        raise NotFound(missing.message, field="video_id") from None

"""Artists: five standard methods over one table."""

from datetime import date
from typing import Any

from gamehall.media.v1 import artists_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, Violation
from gamehall_server.kit.parts import Part
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.verbs import Create, Delete, List, Update
from gamehall_server.modules.media import tables
from gamehall_server.modules.templates import Templated, by_property

KIND = "artist"
_t = tables.artists.table


class _Days(Part):
    """Days are days of the calendar."""

    async def check(self, call: Call, message: Any, path: str) -> None:
        wrong = [Violation(f"{path}.{name}", "a day as YYYY/MM/DD") for name in ("born", "died") if not _is_day(getattr(message, name))]
        if wrong:
            raise Invalid(violations=tuple(wrong))


def _is_day(text: str) -> bool:
    if not text:
        return True
    try:
        return date.fromisoformat(text.replace("/", "-")).strftime("%4Y/%m/%d") == text
    except ValueError:
        return False


artists = Resource(
    tables.ArtistRow,
    pb.Artist,
    defaults={"priority": 100, "contribution_count": 0},
    unstored=frozenset({"contributions"}),
    parts=(_Days(), Templated(KIND, _t, pb.Artist)),
)


class Artists:
    """gamehall.media.v1.ArtistService."""

    service = pb.DESCRIPTOR.services_by_name["ArtistService"]

    ListArtists = List(artists, {"filter_property": by_property(KIND, _t)})
    CreateArtist = Create(artists)
    UpdateArtist = Update(artists)
    DeleteArtist = Delete(artists)

    async def GetArtist(self, request: pb.GetArtistRequest, call: Call) -> pb.GetArtistResponse:
        answer = pb.GetArtistResponse()
        await artists.find(call, request.id, answer.artist)
        if request.show_contributions:
            answer.artist.contributions.extend(await tables.contributions_of_artist(call.db, request.id, request.show_contributions))
        return answer

"""Every tag there is."""

from gamehall.tags.v1 import tags_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.page import describe, ordering, page_of
from gamehall_server.modules.tags.tables import tagged
from gamehall_server.modules.tags.words import some_words


class Tags:
    """gamehall.tags.v1.TagService."""

    service = pb.DESCRIPTOR.services_by_name["TagService"]

    async def ListTags(self, request: pb.ListTagsRequest, call: Call) -> pb.ListTagsResponse:
        wanted = page_of(request)
        by = ordering(request.order, tagged.table, frozenset({"tag"}), "tag:ASC")
        found, total = await some_words(call.db, wanted.size, wanted.offset, rises=by[0][1])
        answer = pb.ListTagsResponse(content=found)
        describe(wanted, total, len(found), answer.page_info)
        return answer

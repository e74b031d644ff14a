"""Comments: five standard methods over one table."""

from typing import Any

from gamehall.comments.v1 import comments_pb2 as pb

from gamehall_server.kit.mapping import Computed, Embed
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.verbs import Create, Delete, Get, List, Update
from gamehall_server.modules import users
from gamehall_server.modules.comments.tables import CommentRow, comment_totals

SUMMARY_LENGTH = 32


def summary_of(content: str) -> str:
    """The first 32 characters of a text, cut back to the end of a word (the published example does so)."""
    if len(content) <= SUMMARY_LENGTH:
        return content
    head = content[: SUMMARY_LENGTH + 1]
    return head[: head.rfind(" ")].rstrip() if " " in head.strip() else head[:SUMMARY_LENGTH]


def resource_of(**more: Any) -> Resource[CommentRow]:
    """Comments: all of them, or those on one kind of thing."""
    return Resource(
        CommentRow,
        pb.Comment,
        owner="user_id",
        embeds={"user": Embed("user_id", users.summary)},
        computed={"summary": Computed("content", summary_of)},
        order="created_date:ASC",
        totals=(comment_totals,),
        **more,
    )


comments = resource_of()


class Comments:
    """gamehall.comments.v1.CommentService."""

    service = pb.DESCRIPTOR.services_by_name["CommentService"]

    ListComments = List(comments)
    CreateComment = Create(comments)
    GetComment = Get(comments)
    UpdateComment = Update(comments)
    DeleteComment = Delete(comments)

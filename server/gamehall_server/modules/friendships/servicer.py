"""Friendships: asked and answered, by token, listed and ended."""

from typing import Any

from gamehall.common.v1.user_pb2 import UserReference
from gamehall.users.v1 import friendships_pb2 as pb

from gamehall_server.kit.call import Call, Scope
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.filters import choose
from gamehall_server.kit.page import page_of
from gamehall_server.kit.secrets import Secrets
from gamehall_server.kit.storage import lock
from gamehall_server.modules import users
from gamehall_server.modules.friendships import tables

LARGEST_ID = 2**31 - 1
# What the marks in tokens are made for.
PURPOSE = "invite"


class Friendships:
    """gamehall.users.v1.FriendshipService."""

    service = pb.DESCRIPTOR.services_by_name["FriendshipService"]

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    async def ListFriends(self, request: pb.ListFriendsRequest, call: Call) -> pb.ListFriendsResponse:
        user = await _reached(request.user_id, call)
        chosen, parameters = choose(tables.FILTERS, request)
        given = {**parameters, "user__": user}
        rows, info = await tables.friend_lists.page(call, (*chosen, tables.FRIENDS_OF), given, page_of(request), request.order)
        return pb.ListFriendsResponse(content=[_shown(row) for row in rows], page_info=info)

    async def ListInvites(self, request: pb.ListInvitesRequest, call: Call) -> pb.ListInvitesResponse:
        user = await _reached(request.user_id, call)
        rows, info = await tables.invite_lists.page(call, (tables.INVITES_OF,), {"user__": user}, page_of(request), request.order)
        return pb.ListInvitesResponse(content=[_shown(row) for row in rows], page_info=info)

    async def AddFriend(self, request: pb.AddFriendRequest, call: Call) -> pb.AddFriendResponse:
        user, other = await _both(request, call)
        if await tables.blocks(call.db, user, other):
            raise Invalid("is blocked by this user", field="id")
        if await tables.blocks(call.db, other, user):
            # As when it waits for an answer: nobody learns that they are blocked.
            return pb.AddFriendResponse()
        if await tables.has_asked(call.db, user, other):
            await self._befriend(call, user, other)
        elif not await tables.are_friends(call.db, user, other) and not await tables.has_asked(call.db, other, user):
            tables.ask(call.db, other, user, call.now)
        return pb.AddFriendResponse()

    async def RemoveFriend(self, request: pb.RemoveFriendRequest, call: Call) -> pb.RemoveFriendResponse:
        user, other = await _both(request, call)
        tables.part(call.db, user, other)
        return pb.RemoveFriendResponse()

    async def GetInviteToken(self, request: pb.GetInviteTokenRequest, call: Call) -> pb.GetInviteTokenResponse:
        user = await _reached(request.user_id, call)
        return pb.GetInviteTokenResponse(token=f"{user}.{self._secrets.mark(PURPOSE, str(user).encode())}")

    async def RedeemInviteToken(self, request: pb.RedeemInviteTokenRequest, call: Call) -> pb.RedeemInviteTokenResponse:
        user = await _reached(request.user_id, call)
        number, _, mark = request.token.partition(".")
        if not (number.isascii() and number.isdecimal() and len(number) < 11 and self._secrets.marks(PURPOSE, number.encode(), mark)):
            raise Invalid("no token of a user", field="token")
        other = int(number)
        if other == user:
            raise Invalid("one's own", field="token")
        await lock(call.db, tables.lock_of(user, other))
        unwanted = await tables.blocks(call.db, user, other) or await tables.blocks(call.db, other, user)
        if unwanted or await users.summary_of(call.db, other) is None:
            raise Invalid("no token of a user", field="token")
        if not await tables.are_friends(call.db, user, other):
            await self._befriend(call, user, other)
        return pb.RedeemInviteTokenResponse()

    async def _befriend(self, call: Call, user: int, other: int) -> None:
        tables.befriend(call.db, user, other, call.now)
        call.emit("friendship_made", user=min(user, other), friend=max(user, other))


class Blocks:
    """gamehall.users.v1.BlockService."""

    service = pb.DESCRIPTOR.services_by_name["BlockService"]

    async def ListBlocked(self, request: pb.ListBlockedRequest, call: Call) -> pb.ListBlockedResponse:
        user = await _reached(request.user_id, call)
        rows, info = await tables.blocked_lists.page(call, (tables.BLOCKED_BY,), {"user__": user}, page_of(request), request.order)
        return pb.ListBlockedResponse(content=[_shown(row) for row in rows], page_info=info)

    async def BlockUser(self, request: pb.BlockUserRequest, call: Call) -> pb.BlockUserResponse:
        user, other = await _both(request, call)
        if not await tables.blocks(call.db, user, other):
            tables.block(call.db, user, other, call.now)
        return pb.BlockUserResponse()

    async def UnblockUser(self, request: pb.UnblockUserRequest, call: Call) -> pb.UnblockUserResponse:
        user, other = await _both(request, call)
        tables.unblock(call.db, user, other)
        return pb.UnblockUserResponse()


async def _both(request: Any, call: Call) -> tuple[int, int]:
    """The two whom a call is about; nobody else changes what they are to each other until it ends."""
    user, other = await _reached(request.user_id, call), request.id
    if user == other:
        raise Invalid("nobody is their own friend", field="id")
    await lock(call.db, tables.lock_of(user, other))
    if await users.summary_of(call.db, other) is None:
        raise NotFound("No user with this id.", field="id")
    return user, other


async def _reached(user_id: str, call: Call) -> int:
    """The user whom a call is about. Raises NotFound where that is neither the caller nor anybody whom the caller reaches."""
    number = int(user_id)
    if call.scope is Scope.OWN and number != call.user_id:
        raise NotFound("No user with this id.", field="user_id")
    if number != call.user_id and (number > LARGEST_ID or await users.summary_of(call.db, number) is None):
        raise NotFound("No user with this id.", field="user_id")
    return number


def _shown(row: Any) -> UserReference:
    shown = users.reference(row[2:6])
    assert shown is not None
    return shown

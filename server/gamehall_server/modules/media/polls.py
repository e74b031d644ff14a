"""Polls, and what users answer: one answer each, which they may change."""

from typing import Any

from gamehall.media.v1 import polls_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.clock import SECOND, text_id
from gamehall_server.kit.errors import Invalid, NotFound, Violation
from gamehall_server.kit.mapping import Embed
from gamehall_server.kit.parts import Part
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.verbs import Create, Delete, Get, List, Update
from gamehall_server.modules import categories, users
from gamehall_server.modules.media import polls_tables as tables
from gamehall_server.modules.tags import Tagged, tag_filters
from gamehall_server.modules.templates import Templated, by_property

KIND = "poll"
_t = tables.polls.table


class _Answers(Part):
    """Each answer has a key of its own. Those that stay keep how many gave them; of those that go nobody has given them."""

    async def check(self, call: Call, message: Any, path: str) -> None:
        seen: set[str] = set()
        wrong = []
        for at, each in enumerate(message.answers):
            if each.key in seen:
                wrong.append(Violation(f"{path}.answers[{at}].key", "the key of another answer too"))
            seen.add(each.key)
        if wrong:
            raise Invalid(violations=tuple(wrong))

    async def keep(self, call: Call, id: Any, message: Any, found: None, *, new: bool) -> None:
        if new:
            return
        counts = await tables.counts(call.db, id)
        for each in message.answers:
            each.count = counts.pop(each.key, 0)
        for gone in counts:
            tables.drop_votes(call.db, id, gone)
        tables.keep_counts(call.db, id, message)


polls = Resource(
    tables.PollRow,
    pb.Poll,
    embeds={"category": Embed("category_id", categories.summary)},
    parts=(_Answers(), Tagged(KIND), Templated(KIND, _t, pb.Poll)),
)


class Polls:
    """gamehall.media.v1.PollService."""

    service = pb.DESCRIPTOR.services_by_name["PollService"]

    ListPolls = List(polls, {**tag_filters(KIND, _t), "filter_property": by_property(KIND, _t)})
    CreatePoll = Create(polls)
    GetPoll = Get(polls)
    UpdatePoll = Update(polls)
    DeletePoll = Delete(polls)

    async def GetVote(self, request: pb.GetVoteRequest, call: Call) -> pb.GetVoteResponse:
        vote = await _vote_of(call, request.id)
        if vote is None:
            await polls.find(call, request.id, pb.Poll())
            raise NotFound("Nothing was answered.", field="id")
        return pb.GetVoteResponse(response=vote)

    async def AnswerPoll(self, request: pb.AnswerPollRequest, call: Call) -> pb.AnswerPollResponse:
        caller = call.caller
        assert caller is not None
        row = await polls.load(call, request.id, lock=True)
        poll = pb.Poll.FromString(row.answers or b"")
        by_key = {each.key: each for each in poll.answers}
        if request.answer not in by_key:
            raise Invalid(f"must be one of: {', '.join(by_key)}", field="answer")
        if not row.active:
            raise Invalid("nobody may answer this poll now", field="id")
        before = await tables.vote_of(call.db, row.id, caller.principal)
        if before is None:
            values = {"poll_id": row.id, "principal": caller.principal, "id": text_id(call.now), "answer": request.answer}
            call.db.later(tables.votes.insert, **values, user_id=caller.user_id, answered_date=call.now)
        else:
            tables.change_vote(call.db, row.id, caller.principal, request.answer, call.now)
        if before is None or before[1] != request.answer:
            by_key[request.answer].count += 1
            if before is not None:
                by_key[before[1]].count -= 1
            tables.keep_counts(call.db, row.id, poll)
        call.emit("poll_answered", poll=row.id, answer=request.answer, user=caller.user_id)
        return pb.AnswerPollResponse(response=await _vote_of(call, row.id))


async def _vote_of(call: Call, poll: str) -> pb.PollVote | None:
    assert call.caller is not None
    found = await tables.vote_of(call.db, poll, call.caller.principal)
    if found is None:
        return None
    id, answer, at, *who = found
    return pb.PollVote(id=id, poll_id=poll, answer=answer, answered_date=at // SECOND, user=users.reference(who))

"""Posts to other servers: kept until they are answered, sent in order, tried again, and told in a log. What is sent and how each kind of
them is signed is another module's."""

from gamehall_server.modules.forwards.kinds import GONE, WEBHOOK, Job, Kind, Post, Result
from gamehall_server.modules.forwards.messages import message
from gamehall_server.modules.forwards.posting import Posting, Terms
from gamehall_server.modules.forwards.tables import (
    Forward,
    drop_lane,
    end_lane,
    forward,
    lane_of,
    messages,
    send_again,
    sweep_forwards,
)

__all__ = [
    "GONE",
    "WEBHOOK",
    "Forward",
    "Job",
    "Kind",
    "Post",
    "Posting",
    "Result",
    "Terms",
    "drop_lane",
    "end_lane",
    "forward",
    "lane_of",
    "message",
    "messages",
    "send_again",
    "sweep_forwards",
]

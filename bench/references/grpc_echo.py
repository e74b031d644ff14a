"""grpc.aio on uvloop answering a comment with the same comment: the token is checked, there are no rules and no database."""

import asyncio
import signal
from typing import Any

import grpc
import jwt
import uvloop
from gamehall.comments.v1 import comments_pb2 as pb

from bench.references import command_line
from bench.tokens import ALGORITHM, SECRET

known: dict[str, int] = {}


async def echo(request: pb.CreateCommentRequest, context: Any) -> pb.CreateCommentResponse:
    """CreateComment, without creating anything. A token is verified once and then known."""
    token = next((value for key, value in context.invocation_metadata() if key == "authorization"), "")
    if token not in known:
        try:
            known[token] = int(jwt.decode(token.removeprefix("Bearer "), SECRET, algorithms=[ALGORITHM])["sub"])
        except jwt.InvalidTokenError:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "not a valid token")
    return pb.CreateCommentResponse(comment=request.comment)


async def main() -> None:
    server = grpc.aio.server()
    method = grpc.unary_unary_rpc_method_handler(echo, pb.CreateCommentRequest.FromString, pb.CreateCommentResponse.SerializeToString)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("gamehall.comments.v1.CommentService", {"CreateComment": method}),)
    )
    server.add_insecure_port(f"127.0.0.1:{command_line.port()}")
    await server.start()
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()
    await server.stop(1)


if __name__ == "__main__":
    uvloop.run(main())

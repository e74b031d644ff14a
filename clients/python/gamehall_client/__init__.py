"""A client of Gamehall over gRPC.

`Client` and `AsyncClient` hold a channel that signs calls, refreshes tokens and repeats what may be repeated; the stubs on it are the
generated ones of `gamehall.*`. `refusal` reads what the server says of a call that failed.
"""

from gamehall_client.asynchronous import AsyncClient
from gamehall_client.client import Client
from gamehall_client.refusals import Refusal, refusal
from gamehall_client.session import Tokens

__version__ = "0.1.0"
__all__ = ["AsyncClient", "Client", "Refusal", "Tokens", "refusal"]

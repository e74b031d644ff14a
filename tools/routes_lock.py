"""Prints protos/routes.lock: one sorted line per HTTP binding with its RPC and policy.

`buf breaking` does not see a changed path or policy. This table does, and its diff is the review of a contract change.
"""

from gamehall_server.contract import bindings
from gamehall_server.servicers import SERVICERS

for binding in bindings([servicer.service for servicer in SERVICERS]):
    body = f"body={binding.body or '-'} answer={binding.response_body or '*'}"
    print(f"{binding.verb:6} {binding.path:50} {body:40} {binding.rpc:55} {binding.policy}")

"""Prints docs/errors.md: every error reason of the contract."""

from gamehall_server.modules.platform.servicer import error_codes

HEAD = """# Error codes

Every reason a call can fail for, as `GET /error-codes` tells them too. Made by tools/errors_page.py from
protos/gamehall/options/v1/errors.proto; do not edit.

Over HTTP the number is the `code` of `{"code", "request_id", "result": [{"field", "message", "details"}]}`; at the token endpoint the
answer is `{"error", "error_description"}` (RFC 6749 section 5.2), whose word is the reason's in lower case without `OAUTH_`. Over gRPC
the name is the `reason` of google.rpc.ErrorInfo among the status details.

| code | reason | HTTP | gRPC | meaning | example |
|---|---|---|---|---|---|"""


def main() -> None:
    """Prints the page."""
    print(HEAD)
    for code in error_codes():
        statuses = ", ".join(str(status) for status in code.http_statuses)
        print(f"| {code.code} | {code.name} | {statuses} | {code.grpc_status or '-'} | {code.meaning} | {code.example} |")


if __name__ == "__main__":
    main()

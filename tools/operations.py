"""Makes docs/operations.md from the calls recorded in a test run.

    GAMEHALL_RECORD=folder make test && python tools/operations.py folder > docs/operations.md

An operation is served when a recorded call succeeded, and, where it can refuse, another was refused. Exits 1 when one is not.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from gamehall_server.contract import bindings
from gamehall_server.kit.access import Access
from gamehall_server.servicers import SERVICERS

HEAD = """# Operations

Every operation of the contract and whether the test run saw it served: answered at least once, and refused at least once where it
can refuse, through HTTP/JSON and through gRPC. Made by tools/operations.py from the record of a test run; do not edit.

| operation | published as | rpc | who may call | HTTP | gRPC |
|---|---|---|---|---|---|"""


def recorded(folder: Path) -> Counter[tuple[str, str, bool]]:
    """(rpc, door, answered) -> calls."""
    calls: Counter[tuple[str, str, bool]] = Counter()
    for path in folder.glob("*.json"):
        for rpc, door, outcome, count in json.loads(path.read_text()):
            calls[rpc, door, outcome == "answered"] += count
    return calls


def main() -> int:
    """Prints the page; gives the exit code."""
    from gamehall.options.v1 import options_pb2

    calls = recorded(Path(sys.argv[1]))
    methods = {method.full_name: method for servicer in SERVICERS for method in servicer.service.methods}
    print(HEAD)
    missing = []
    for binding in bindings([servicer.service for servicer in SERVICERS]):
        method = methods[binding.rpc]
        rules = method.GetOptions().Extensions[options_pb2.method]
        name = f"/{method.containing_service.full_name}/{method.name}"
        can_refuse = not Access(rules.policy).open or bool(method.input_type.fields)
        shown = []
        for door in ("http", "grpc"):
            served = calls[name, door, True] > 0 and (calls[name, door, False] > 0 or not can_refuse)
            shown.append("served" if served else "NOT SERVED")
            if not served:
                missing.append(f"{name} over {door}")
        published = f"{rules.published.tag}.{rules.published.operation}" if rules.published.operation else "ours"
        print(f"| `{binding.verb} {binding.path}` | {published} | {binding.rpc} | {binding.policy} | {shown[0]} | {shown[1]} |")
    for line in missing:
        print(f"not served in this run: {line}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

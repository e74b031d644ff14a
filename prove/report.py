"""What the proofs found, as a page."""

from collections.abc import Iterator
from typing import Any

from bench import machine

# What a proof wrote down; empty when it has not run.
Result = dict[str, Any]
# Each proof with the goal it stands for and what it does.
PROOFS = {
    "kill": ("R1, without money", "kill -9 under write load"),
    "deaf": ("", "the receiver of an answer dies between our commit and its read"),
    "outage": ("R5", "PostgreSQL restarted, its connections cut, paused"),
    "faults": ("R7", "full disk, foreign lock, second process, read-only file, a clock that jumps"),
    "backing_up": ("R8", "backup while writing"),
    "upgrade": ("R9", "two versions beside each other, and the migrations"),
    "overload": ("R10", "ten times the callers"),
    "soak": ("R13", "mixed load for long"),
    "rules": ("C14", "rules under kill -9, on a clock that is set, in loops, failing, and with a backlog"),
    "refuse": ("R15", "hazards refused at start"),
    "malformed": ("S3", "malformed input"),
    "hostile": ("S4", "hostile clients"),
    "policies": ("S1", "every operation asked by every kind of caller"),
    "objects": ("S2", "others' objects, and fields that are the server's"),
    "oauth": ("S5", "the RFCs of OAuth, case by case"),
    "refresh": ("S6", "one refresh token used by many, and while its session is revoked"),
    "revocation": ("S7", "tokens used after they were revoked"),
    "canaries": ("S8", "secrets looked for in all that is left behind, and all of it tried as secrets"),
    "guessing": ("S9", "passwords guessed"),
    "ssrf": ("S10", "URLs that lead inside"),
    "signatures": ("S11", "posts of webhooks, judged by other people's libraries"),
    "escapes": ("S12", "texts that would be code, SQL, patterns or letters of their own"),
    "audit": ("S13", "rows of the audit log, and changes of them"),
    "webhooks": ("C13", "events told to a server that fails and dies, by one that dies"),
    "zombies": ("R6", "a process stopped for longer than its leases"),
    "social": ("S14", "social sign-in with what is no proof"),
}

METHOD = """\
Each proof starts the product as a person does, `gamehall serve` on a database of its own, does its worst from outside, and then reads
the database by a connection that knows nothing of the product. A figure of what must not be is told as 0; whatever else goes wrong is
listed with it, and a proof with anything wrong is missed. Random choices follow from the seed: `python -m prove.NAME --seed N` makes the
same ones. `make test` runs every proof in a short form that judges no time and no rate. What tests judge already, over all operations or
case by case (policies, objects, oauth, audit, social), is proven by running those tests and counting what they judged.
"""


def write(results: dict[str, Result]) -> str:
    """The whole page."""
    parts = [
        "# Reliability",
        "Made by `make prove`, each part by `make prove name=NAME`. Not edited by hand.",
        f"{machine.describe()}.\n{machine.versions()}.",
        METHOD.strip(),
        "## Bars\n\n" + "\n".join(_bars(results)),
    ]
    parts += ["\n".join(_found(name, result)) for name, result in results.items() if result]
    return "\n\n".join(parts) + "\n"


def line(name: str, result: Result) -> str:
    """A proof in one line: its bar, whether it holds, its figures."""
    if not result:
        return f"{name}: did not end"
    figures = ", ".join(f"{what} {number:,}" for what, number in result["counts"].items())
    return f"{name}: {'missed' if result['wrong'] else 'passed'}: {result['bar']}: {figures}"


def _bars(results: dict[str, Result]) -> Iterator[str]:
    yield "| proof | goal | what happens | bar | |"
    yield "|---|---|---|---|---|"
    for name, result in results.items():
        goal, what = PROOFS[name]
        yield f"| [{name}](#{name}) | {goal} | {what} | {result.get('bar', '')} | {_verdict(result)} |"


def _verdict(result: Result) -> str:
    if not result:
        return "not run"
    return "**missed**" if result["wrong"] else "passed"


def _found(name: str, result: Result) -> Iterator[str]:
    yield f"## {name}\n"
    day = f" on {result['date']}" if result["date"] else ""
    yield f"`make prove name={name}`{day}, {result['seconds']} s, seed {result['seed']}: {_verdict(result)}.\n"
    if (result.get("machine"), result.get("versions")) != (machine.describe(), machine.versions()) and "machine" in result:
        yield f"On another machine, or with other libraries: {result['machine']}; {result['versions']}.\n"
    groups: dict[str, list[str]] = {}
    for what, number in result["counts"].items():
        group, _, figure = what.rpartition(": ")
        groups.setdefault(group, []).append(f"{figure} {number:,}")
    for group, figures in groups.items():
        yield f"- {group}{': ' if group else ''}{', '.join(figures)}"
    for exception in result["exceptions"]:
        yield f"- Exception: {exception}"
    for what, times in result["wrong"].items():
        yield f"- **Wrong**, {times} times: {' '.join(what.split())}"

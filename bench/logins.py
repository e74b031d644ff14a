"""`python -m bench.logins`: what reads notice of a hundred people who sign in at once, written to docs/benchmarks-logins.md."""

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from bench import machine
from bench.ground import SQLiteGround
from bench.load.job import Job, Outcome
from bench.measure import IN_FLIGHT, STREAMS, generate, line, median, rate, verdict
from bench.servers import ROOT, SUBJECTS, DidNotStart, Server, ask, running

PAGE = ROOT / "docs" / "benchmarks-logins.md"
LOGINS = 100
TIMES = 2.0
# Of the measured peak.
OFFERED = 0.5
NAME, PASSWORD = "sleeper", "correct horse battery staple"
FORM = {"grant_type": "password", "client_id": "web", "password": PASSWORD}

METHOD = """\
`gamehall serve` on SQLite (native gRPC engine) is pinned to one core with all its threads, the load generator to another. First the peak of
reads of one record, with {in_flight} in flight; then half of it is offered, at even moments, whatever was answered before: a read's latency
counts from the moment it was due, so that waiting is not hidden. {rounds} rounds, each without and then with {logins} password logins in
flight (`POST /oauth/token`, {logins} users, each asking again as soon as the answer is there; argon2id with the passes that the deployment
measured for itself). Figures are medians of the rounds; a round counts only when all that was offered was answered, and nothing failed.

The bar: the p99 of the reads is at most {times:.0f} times what it is without logins."""


class Reads(NamedTuple):
    """What one door came to: calls per second at its peak, and the rounds without and with logins."""

    peak: float
    alone: list[Outcome]
    beside: list[Outcome]

    @property
    def offered(self) -> float:
        """Calls per second that were due."""
        return self.peak * OFFERED

    @property
    def times(self) -> float:
        """The p99 with logins, in times of that without."""
        return median(each.p99 for each in self.beside) / median(each.p99 for each in self.alone)

    @property
    def kept(self) -> bool:
        """Whether all that was offered was answered."""
        every = [*self.alone, *self.beside, *(each.beside for each in self.beside if each.beside)]
        on_time = all(rate(each) > 0.98 * self.offered for each in (*self.alone, *self.beside))
        return on_time and not any(each.failures for each in every)


def register(server: Server, count: int) -> list[bytes]:
    """Adds users; gives their requests to sign in."""
    requests = []
    for number in range(count):
        name = f"{NAME}{number}"
        status, answer = ask(
            server.http_port, "POST", "/users", "", {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        )
        if status != 200:
            raise DidNotStart(f"POST /users: {status} {answer}")
        form = urlencode({**FORM, "username": name})
        head = "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        requests.append(f"{head}Content-Length: {len(form)}\r\n\r\n{form}".encode())
    return requests


def sign_in_once(server: Server) -> None:
    """Returns when it is answered."""
    status, answer = ask(server.http_port, "POST", f"/oauth/token?{urlencode({**FORM, 'username': f'{NAME}0'})}", "")
    if status != 200:
        raise DidNotStart(f"POST /oauth/token: {status} {answer}")


def reads(ground: SQLiteGround, door: str, seconds: float, warmup: float, rounds: int, logins: int) -> Reads:
    """Measures one door."""
    server_core, load_core, _ = machine.cores()
    with (
        tempfile.TemporaryDirectory(prefix="gamehall-bench-") as folder,
        running(SUBJECTS[0], ground.fresh(), Path(folder) / "server.log", server_core) as server,
    ):
        sign_in = register(server, logins)

        def load(number: int, offered: float = 0.0, beside: int = 0) -> Outcome:
            job = Job(
                door=door,
                scenario="get",
                port=server.http_port if door == "http" else server.grpc_port,
                tokens=ground.tokens,
                seed=number,
                connections=IN_FLIGHT if door == "http" else IN_FLIGHT // STREAMS,
                streams=1 if door == "http" else STREAMS,
                rate=offered,
                warmup=warmup,
                seconds=seconds,
                watch={"server": server.pid},
            )
            if beside:
                job.beside = Job(
                    door="http", scenario="", port=server.http_port, requests=sign_in, seed=0, connections=beside,
                    warmup=0, seconds=0, watch={},
                )  # fmt: skip
            return generate(job, load_core)

        found = Reads(median(rate(load(number)) for number in range(min(rounds, 3))), [], [])
        for number in range(rounds):
            found.alone.append(load(number, found.offered))
            found.beside.append(load(number, found.offered, logins))
            # Those who were left without an answer are still in the queue, and the last to come is the last to be answered.
            sign_in_once(server)
            for each in (found.alone[-1], found.beside[-1]):
                print(f"  {door} {'beside logins' if each.beside else 'alone':14}{line(each)}", flush=True)
        return found


def row(door: str, found: Reads) -> str:
    """One door's line of the table."""
    signed_in = [each.beside for each in found.beside if each.beside]
    idle = 1 - median(each.cpu["server"] / each.seconds for each in found.alone)
    cells = [
        {"http": "HTTP", "grpc": "gRPC"}[door],
        f"{found.peak:,.0f}",
        f"{found.offered:,.0f}",
        *(
            f"{median(getattr(each, part) for each in each_of) * 1e3:.2f}"
            for part in ("p50", "p99")
            for each_of in (found.alone, found.beside)
        ),
        f"{found.times:.2f}x",
        verdict(found.times <= TIMES and found.kept),
        f"{idle:.0%}",
        f"{median(map(rate, signed_in)):.1f}",
        f"{median(each.p50 for each in signed_in):.1f} s",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measures, prints, and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.logins", description=__doc__)
    parser.add_argument("--date", default="", help="the date to write into the report")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of each measurement")
    parser.add_argument("--warmup", type=float, default=1.0, help="seconds of load before each measurement")
    parser.add_argument("--logins", type=int, default=LOGINS, help="logins in flight")
    parser.add_argument("--door", action="append", choices=("http", "grpc"), help="a door to measure, instead of both")
    parser.add_argument("--page", type=Path, default=PAGE)
    told = parser.parse_args()
    lines = [
        "# Reads beside logins",
        "",
        f"Made by `python -m bench.logins`{f' on {told.date}' if told.date else ''}. Not edited by hand. {machine.describe()}.",
        "",
        METHOD.format(in_flight=IN_FLIGHT, rounds=told.rounds, logins=told.logins, times=TIMES),
        "",
        "| door | peak calls/s | offered | p50 ms alone | beside logins | p99 ms alone | beside logins"
        " | times | | core idle alone | logins/s | one takes |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory(prefix="gamehall-bench-") as folder:
        ground = SQLiteGround(Path(folder))
        for door in told.door or ("http", "grpc"):
            found = reads(ground, door, told.seconds, told.warmup, told.rounds, told.logins)
            lines.append(row(door, found))
            for each in (*found.alone, *found.beside, *(each.beside for each in found.beside if each.beside)):
                if each.failures:
                    lines.append(f"\n{each.failures} calls failed at {door}, first: {each.first_failure}")
    text = "\n".join(lines) + "\n"
    print(text)
    told.page.write_text(text)


if __name__ == "__main__":
    main()

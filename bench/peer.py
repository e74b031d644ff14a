"""`python -m bench.peer --url http://host:port --kind nakama`: the same five calls at a running Nakama, PocketBase or Gamehall.

Makes users and objects through the server's own REST API, loads it with the generator of all other benchmarks, and prints calls per second
and latency. The server is no process of ours: for a fair comparison, pin it with its database to other cores than this command's generator,
which runs on `--core` alone. Users and objects stay behind: take a server that can be thrown away. A kind's own settings are in the
environment, and are told in bench/scripts.
"""

import argparse
import os
import secrets
import sys

from bench import machine
from bench.load.job import Job, Outcome
from bench.measure import generate, rate
from bench.scripts.gamehall import Gamehall
from bench.scripts.nakama import Nakama
from bench.scripts.pocketbase import PocketBase
from bench.scripts.script import PAGE, SCENARIOS, Refused, Script, Site
from bench.servers import ROOT

KINDS: dict[str, type[Script]] = {"gamehall": Gamehall, "nakama": Nakama, "pocketbase": PocketBase}
# As many as were in flight when the published figures of Nakama were taken.
IN_FLIGHT = 32
# Different requests of a scenario: what is written is new for as long as they last.
PREPARED = 20_000
TITLES = {
    "account": "account, token checked",
    "read": "read one object",
    "write": "durable write of one",
    "list": f"list {PAGE}",
    "login": "password login",
}


def measure(script: Script, scenario: str, wanted: argparse.Namespace) -> Outcome:
    """Loads the server with one scenario, after one call of it was answered as it should be."""
    script.renew()
    script.checked(scenario)
    site = script.site
    job = Job(
        door="http",
        scenario=scenario,
        host=site.host,
        port=site.port,
        requests=[site.written(getattr(script, scenario)()) for _ in range(wanted.prepared)],
        seed=0,
        connections=wanted.in_flight,
        warmup=wanted.warmup,
        seconds=wanted.seconds,
        watch={},
    )
    return generate(job, {wanted.core})


def options() -> argparse.Namespace:
    """What to measure. Whatever `make bench-peer NAME=value` says is in the environment."""
    parser = argparse.ArgumentParser(prog="python -m bench.peer", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told = os.environ
    parser.add_argument("--url", default=told.get("URL"), help="URL: where it listens, http://host:port")
    parser.add_argument("--kind", default=told.get("KIND", "nakama"), help=f"KIND: {', '.join(KINDS)}")
    parser.add_argument("--users", type=int, default=int(told.get("USERS", "20")), help="USERS: who sign in")
    parser.add_argument("--objects", type=int, default=int(told.get("OBJECTS", "2000")), help="OBJECTS: what is read")
    parser.add_argument("--in-flight", type=int, default=int(told.get("IN_FLIGHT", IN_FLIGHT)), help="IN_FLIGHT: calls at once")
    parser.add_argument("--seconds", type=float, default=float(told.get("SECONDS", "5")), help="SECONDS: of each measurement")
    parser.add_argument("--warmup", type=float, default=float(told.get("WARMUP", "1")), help="WARMUP: seconds before each")
    parser.add_argument("--core", type=int, default=int(told.get("CORE", max(machine.cores()[1]))), help="CORE: the generator's")
    parser.add_argument("--prepared", type=int, default=PREPARED, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if not wanted.url:
        parser.error("where is the server? --url http://host:port")
    if wanted.kind not in KINDS:
        parser.error(f"unknown kind {wanted.kind!r}: {', '.join(KINDS)}")
    if wanted.objects < PAGE * wanted.users:
        parser.error(f"every user needs {PAGE} objects: {PAGE * wanted.users} for {wanted.users} users")
    return wanted


def main() -> None:
    """Prepares, measures, prints."""
    wanted = options()
    os.chdir(ROOT)
    try:
        site = Site(wanted.url)
        script = KINDS[wanted.kind](site, secrets.token_hex(4), wanted.users, wanted.objects, os.environ)
        script.prepare()
        print(f"{wanted.kind} at {wanted.url}, {wanted.in_flight} in flight, {wanted.objects:,} objects of {wanted.users} users\n")
        print(f"{'call':24}{'calls/s':>10}{'p50 ms':>10}{'p99 ms':>10}")
        failed = False
        for scenario in SCENARIOS:
            found = measure(script, scenario, wanted)
            print(f"{TITLES[scenario]:24}{rate(found):10,.1f}{found.p50 * 1e3:10.2f}{found.p99 * 1e3:10.2f}", flush=True)
            if found.failures:
                failed = True
                print(f"  {found.failures} FAILED, first: {found.first_failure}")
        site.close()
    except (Refused, ValueError, OSError) as problem:
        sys.exit(f"bench-peer: {problem}")
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()

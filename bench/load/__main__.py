"""The generator's process: one Job in JSON on standard input, one Outcome in JSON on standard output."""

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import uvloop

from bench.load import http1, http2, pace, requests
from bench.load.job import Job, Outcome
from bench.load.tally import Tally
from bench.machine import cpu_seconds


async def connect(job: Job) -> Tally[Any]:
    """Prepares the requests and opens the connections; the load runs from here on."""
    loop = asyncio.get_running_loop()
    data = requests.Data(job.records, job.objects)
    tally: Tally[Any]
    make: Callable[..., asyncio.Protocol]
    if job.door == "http":
        tally = Tally(job.requests or requests.http(job.scenario, job.tokens, job.seed, data))
        make = partial(pace.ByHttp if job.rate else http1.Connection, tally)
    else:
        tally = Tally(requests.grpc(job.scenario, job.tokens, job.seed, data))
        make = partial(pace.ByGrpc if job.rate else http2.Connection, tally, requests.PATHS[job.scenario], job.streams)
    if job.rate:
        make = partial(make, pace=pace.Pace(job.rate))
    loop.set_exception_handler(lambda _, context: tally.fail(f"{context}"))
    for _ in range(job.connections):
        await loop.create_connection(make, job.host, job.port)
    return tally


async def measure(job: Job) -> Outcome:
    """Loads the server, and reads the counters at both ends of the window."""
    tallies = [await connect(each) for each in (job.beside, job) if each is not None]
    gc.freeze()
    await asyncio.sleep(job.warmup)
    before = {name: cpu_seconds(pid) for name, pid in job.watch.items()} | {"generator": time.process_time()}
    for tally in tallies:
        tally.open()
    began = time.perf_counter()
    await asyncio.sleep(job.seconds)
    seconds, ended = time.perf_counter() - began, [(len(tally.latencies), tally.failures) for tally in tallies]
    after = {name: cpu_seconds(pid) for name, pid in job.watch.items()} | {"generator": time.process_time()}
    cpu = {name: after[name] - before[name] for name in after}
    outcomes = [outcome(tally, *counts, seconds, cpu) for tally, counts in zip(tallies, ended, strict=True)]
    outcomes[-1].beside = outcomes[0] if job.beside is not None else None
    return outcomes[-1]


def outcome(tally: Tally[Any], calls: int, failures: int, seconds: float, cpu: dict[str, float]) -> Outcome:
    """What was counted until the window's end; nothing more is asked."""
    tally.stopping = True
    latencies = sorted(tally.latencies[:calls]) or [0.0]
    return Outcome(
        calls=calls,
        failures=failures,
        first_failure=tally.first_failure,
        seconds=seconds,
        p50=latencies[calls // 2],
        p99=latencies[calls * 99 // 100],
        cpu=cpu,
    )


if __name__ == "__main__":
    found = uvloop.run(measure(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)))
    sys.stdout.buffer.write(msgspec.json.encode(found))

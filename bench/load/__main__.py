"""The generator's process: one Job in JSON on standard input, one Outcome in JSON on standard output."""

import asyncio
import gc
import sys
import time
from functools import partial
from typing import Any

import msgspec
import uvloop

from bench.load import http1, http2, requests
from bench.load.job import Job, Outcome
from bench.load.tally import Tally
from bench.machine import cpu_seconds

HOST = "127.0.0.1"


async def connect(job: Job) -> Tally[Any]:
    """Prepares the requests and opens the connections; the load runs from here on."""
    loop = asyncio.get_running_loop()
    data = requests.Data(job.records, job.objects)
    if job.door == "http":
        plain = Tally(requests.http(job.scenario, job.tokens, job.seed, data))
        loop.set_exception_handler(lambda _, context: plain.fail(f"{context}"))
        for _ in range(job.connections):
            await loop.create_connection(partial(http1.Connection, plain), HOST, job.port)
        return plain
    framed = Tally(requests.grpc(job.scenario, job.tokens, job.seed, data))
    loop.set_exception_handler(lambda _, context: framed.fail(f"{context}"))
    for _ in range(job.connections):
        await loop.create_connection(partial(http2.Connection, framed, requests.PATHS[job.scenario], job.streams), HOST, job.port)
    return framed


async def measure(job: Job) -> Outcome:
    """Loads the server, and reads the counters at both ends of the window."""
    tally = await connect(job)
    gc.freeze()
    await asyncio.sleep(job.warmup)
    before = {name: cpu_seconds(pid) for name, pid in job.watch.items()} | {"generator": time.process_time()}
    tally.open()
    began = time.perf_counter()
    await asyncio.sleep(job.seconds)
    seconds, calls, failures = time.perf_counter() - began, len(tally.latencies), tally.failures
    after = {name: cpu_seconds(pid) for name, pid in job.watch.items()} | {"generator": time.process_time()}
    tally.stopping = True
    latencies = sorted(tally.latencies[:calls]) or [0.0]
    return Outcome(
        calls=calls,
        failures=failures,
        first_failure=tally.first_failure,
        seconds=seconds,
        p50=latencies[calls // 2],
        p99=latencies[calls * 99 // 100],
        cpu={name: after[name] - before[name] for name in after},
    )


if __name__ == "__main__":
    found = uvloop.run(measure(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)))
    sys.stdout.buffer.write(msgspec.json.encode(found))

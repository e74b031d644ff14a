"""The bars that Gamehall is held to: ratios, because they survive another machine."""

from typing import NamedTuple

from bench.ground import Measurement


class Bar(NamedTuple):
    """`measured` must make at least `factor` times the calls per second of `reference`."""

    title: str
    measured: Measurement
    reference: Measurement
    factor: float


def _http(database: str, scenario: str, reference: str, factor: float) -> Bar:
    names = {"fastapi": "FastAPI + SQLModel", "raw": "raw ASGI + driver"}
    title = f"{database}, HTTP {scenario}, against {names[reference]}"
    return Bar(title, Measurement(database, "http", scenario, "gamehall"), Measurement(database, "http", scenario, reference), factor)


def _grpc(scenario: str) -> Bar:
    title = f"gRPC {scenario} (native engine, SQLite), against grpc.aio's echo of the same message"
    return Bar(title, Measurement("SQLite", "grpc", scenario, "gamehall"), Measurement("SQLite", "grpc", "echo", "echo"), 3)


BARS = (
    _http("SQLite", "create", "fastapi", 15),
    _http("SQLite", "list", "fastapi", 8),
    _http("SQLite", "create", "raw", 0.6),
    _http("SQLite", "list", "raw", 0.6),
    _http("PostgreSQL", "create", "fastapi", 8),
    _http("PostgreSQL", "list", "fastapi", 5),
    _grpc("create"),
    _grpc("get"),
)
MEMORY_MB = 120
FIRST_ANSWER_SECONDS = 1.5

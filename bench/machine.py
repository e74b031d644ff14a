"""What the operating system knows of a server: its cores, its CPU time, its memory. Linux only, from /proc."""

import os
import platform
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

PROC = Path("/proc")
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

# Fields of /proc/<pid>/stat after the name in parentheses.
PARENT, UTIME, CSTIME, RSS = 1, 11, 14, 21

MEASURED_WITH = (
    *("uvloop", "uvicorn", "httptools", "grpcio", "pygrpc-native", "protobuf", "orjson", "pyjwt", "pysqlite3", "asyncpg"),
    *("fastapi", "pydantic", "sqlmodel", "sqlalchemy", "aiosqlite"),
)


def _stat(pid: int) -> list[str]:
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _all_stats() -> dict[int, list[str]]:
    stats = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                stats[int(entry.name)] = _stat(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue  # It ended while we were reading.
    return stats


def _tree(root: int) -> list[list[str]]:
    """The stat lines of a process and of everything below it."""
    stats = _all_stats()
    found, level = [], {root}
    while level:
        found += [stats[pid] for pid in level if pid in stats]
        level = {pid for pid, fields in stats.items() if int(fields[PARENT]) in level}
    return found


def cpu_seconds(root: int) -> float:
    """CPU time, user and system, that a process, its threads and its children (ended ones too) have used. Steps of 10 ms."""
    return sum(int(ticks) for fields in _tree(root) for ticks in fields[UTIME : CSTIME + 1]) / TICK


def memory_mb(root: int) -> float:
    """Resident memory of a process and its children, in millions of bytes."""
    return sum(int(fields[RSS]) for fields in _tree(root)) * PAGE / 1e6


def pinned_to(cores: set[int]) -> Callable[[], None]:
    """For a child about to start: everything it becomes runs on these cores only."""
    return lambda: os.sched_setaffinity(0, cores)


def move(root: int, cores: set[int]) -> None:
    """A process and its children are on these cores from now on, and so is what they start."""
    for pid in (root, *map(int, (PROC / str(root) / "task" / str(root) / "children").read_text().split())):
        os.sched_setaffinity(pid, cores)


def cores() -> tuple[set[int], set[int], set[int]]:
    """The cores of the server, of the load generator and of PostgreSQL. With two cores the latter two share one."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise SystemExit("A benchmark needs two cores: one for the server, one for the load.")
    return {usable[0]}, {usable[1]}, {usable[2] if len(usable) > 2 else usable[1]}


def describe() -> str:
    """The machine in one line."""
    lines = (PROC / "cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE / 2**30
    return f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}, CPython {platform.python_version()}"


def versions() -> str:
    """The libraries that the figures depend on."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in MEASURED_WITH)

"""The house rules that a machine can hold."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
OURS = [path for folder in ("server", "bridge", "tools", "bench", "prove") for path in sorted((ROOT / folder).rglob("*.py"))]
PRODUCT = [path for path in OURS if path.relative_to(ROOT).parts[0] in ("server", "bridge")]
SERVICERS = [path for path in PRODUCT if path.name == "servicer.py"]
CLOCK = "server/gamehall_server/kit/clock.py"
# Where a bug is met, once per door.
# A consumer of the outbox is a door of its own, outwards.
MEETS_BUGS = {
    f"server/gamehall_server/{name}.py"
    for name in ("kit/invoke", "kit/turns", "kit/dispatch", "kit/within", "modules/rules/later", "modules/forwards/posting")
} | {"bridge/gamehall_bridge/app.py", "prove/signatures.py"}
# How long a hash takes is measured on the machine's own counter.
MEASURES = {"server/gamehall_server/modules/access/passwords.py"}
CLOCKS = {"time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "datetime.now", "datetime.utcnow", "datetime.today"}
CHANCE = {"secrets", "random", "uuid"}
# Machines of whoever wrote a file, and the places it was fetched from: neither is anybody else's business.
PLACES = re.compile(
    r"(?<![\w.<>$}])/(?:home|Users|root|tmp|work)/\w"
    r"|pythonhosted\.org|pypi\.(?:org|python)|npmjs\.(?:org|com)|proxy\.golang\.org|crates\.io"
    r"|https?://[^/\s\"'`]*(?:pypi|npm|registry|artifact|nexus|mirror)[^/\s\"'`]*"
)
IMPORTS = """
import importlib, json, sys
events = []
TELLING = ("socket.connect", "socket.bind", "subprocess.Popen", "os.system", "sqlite3.connect", "os.mkdir")
def hear(event, details):
    if event in TELLING or event == "open" and isinstance(details[1], str) and set(details[1]) & set("wax+"):
        events.append([event, str(details[0])])
sys.addaudithook(hear)
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(events))
"""


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls_of(path: Path) -> set[str]:
    """What a file calls, as it writes it: `time.time`, `select`."""
    tree = ast.parse(path.read_text())
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def imports_of(path: Path) -> set[str]:
    """The first words of the modules that a file imports."""
    tree = ast.parse(path.read_text())
    modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {module.partition(".")[0] for module in modules}


def tracked() -> list[Path]:
    """Every file that git keeps or would keep."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.check_output(command, cwd=ROOT, text=True)
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_there_is_something_to_check():
    assert len(PRODUCT) > 50
    assert len(SERVICERS) >= 5


def test_a_file_is_read_in_one_sitting():
    assert {named(path) for path in OURS if len(path.read_text().splitlines()) > LONGEST_FILE} == set()


def test_a_file_says_first_what_it_is_for():
    texts = {path: path.read_text() for path in PRODUCT if path.name != "__main__.py"}

    assert {named(path) for path, text in texts.items() if text.strip() and not ast.get_docstring(ast.parse(text))} == set()


def test_one_file_reads_the_clock_and_draws_lots():
    wrong = {}
    for path in (path for path in PRODUCT if named(path) != CLOCK):
        read = {call for call in calls_of(path) if any(call == clock or call.endswith(f".{clock}") for clock in CLOCKS)}
        wrong[named(path)] = read - ({"time.perf_counter"} if named(path) in MEASURES else set()) | imports_of(path) & CHANCE

    assert {name: calls for name, calls in wrong.items() if calls} == {}


@pytest.mark.parametrize("path", SERVICERS, ids=named)
def test_a_servicer_writes_no_sql_and_knows_no_status(path):
    written = calls_of(path) & {"select", "insert", "update", "delete", "text"}

    assert written == set()
    assert imports_of(path).isdisjoint({"sqlalchemy", "grpc", "uvicorn"})


def test_bugs_are_met_in_one_place_per_door():
    met = {}
    for path in (path for path in OURS if named(path) not in MEETS_BUGS):
        handlers = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ExceptHandler)]
        met[named(path)] = [handler.lineno for handler in handlers if handler.type is None or "Exception" in _names(handler.type)]

    assert {name: lines for name, lines in met.items() if lines} == {}


def test_the_environment_is_read_in_one_place():
    # The command line hands its own on to the process that migrates.
    reads = {"os.getenv", "os.environ.get"}

    assert {named(path) for path in PRODUCT if path.name != "settings.py" and calls_of(path) & reads} == set()


def test_permissions_in_code_are_those_of_the_contract():
    """A permission that only the code knows is seeded into no role: nobody could ever hold it."""
    word = re.compile(r"[\"']([A-Z][A-Z_]*_(?:ADMIN|USER))[\"']")
    contract = {name for path in (ROOT / "protos/gamehall").rglob("*.proto") for name in word.findall(path.read_text())}

    found = {name for path in PRODUCT for name in word.findall(path.read_text()) if not name.startswith("ROLE_")}

    assert contract
    assert found - contract == set()


def test_every_file_is_told_without_its_makers_machine():
    found = {}
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        places = sorted({match.group() for match in PLACES.finditer(text)})
        if places:
            found[named(path)] = places

    assert found == {}


def test_importing_the_product_does_no_work(tmp_path):
    modules = ["gamehall_server.main", "gamehall_server.serve", "gamehall_server.cli", "gamehall_server.migrate", "gamehall_server.admin"]
    path = os.pathsep.join(str(ROOT / folder) for folder in ("server", "bridge", "generated"))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    told = subprocess.check_output([sys.executable, "-c", IMPORTS, *modules], cwd=tmp_path, env=environment, text=True)

    assert json.loads(told) == []
    assert list(tmp_path.iterdir()) == []


def _names(kind: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(kind) if isinstance(node, ast.Name)}

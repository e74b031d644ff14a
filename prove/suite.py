"""Proofs that are tests already: the tests are run, and what they judged is counted."""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from bench.servers import ROOT, environment
from prove.proof import Found

# What parameters say of the deployment; the rest of a test's name is its case.
DEPLOYMENT = re.compile(r"-?\b(sqlite|postgresql)(-native|-grpcio)?\b-?")


class Judged(NamedTuple):
    """A test that ran: its function, the case it is about, the figures that it recorded, and whether it failed."""

    function: str
    case: str
    figures: dict[str, int]
    failed: bool


def ran(found: Found, *tests: str) -> list[Judged]:
    """Runs tests, named as pytest names them; each that fails, and each run that does not reach its end, is wrong."""
    with tempfile.TemporaryDirectory(prefix="gamehall-prove-") as folder:
        report = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-n", "auto", "--dist", "loadgroup", "-o", "junit_family=xunit1", f"--junitxml={report}"]
        # All callers come, where the suite makes do with some.
        every = {**environment(""), "GAMEHALL_EVERY_CALLER": "1"}
        done = subprocess.run([*command, *tests], cwd=ROOT, env=every, capture_output=True, text=True, check=False)
        found.check(report.exists(), f"{' '.join(tests)}: {(done.stdout + done.stderr)[-500:]}")
        cases = list(ElementTree.parse(report).iter("testcase")) if report.exists() else []
    judged = []
    for case in cases:
        function, _, parameters = case.attrib["name"].partition("[")
        problem = next((each for name in ("failure", "error", "skipped") if (each := case.find(name)) is not None), None)
        found.check(problem is None, f"{case.attrib['name']}: {'' if problem is None else problem.attrib.get('message', '')[:300]}")
        figures = {each.attrib["name"]: int(each.attrib["value"]) for each in case.iter("property")}
        judged.append(Judged(function, DEPLOYMENT.sub("-", parameters.removesuffix("]")).strip("-"), figures, problem is not None))
    found.check(bool(judged) and (done.returncode == 0) == (not found.wrong), f"{' '.join(tests)}: ended with {done.returncode}")
    return judged


def figures(judged: list[Judged]) -> Counter[str]:
    """What all of them recorded together."""
    return sum((Counter(each.figures) for each in judged), Counter())


def cases(judged: list[Judged], *functions: str) -> int:
    """How many different cases these functions judged, on however many deployments."""
    return len({(each.function, each.case) for each in judged if each.function in functions})

"""`python -m prove`: the proofs it knows, and the page."""

import subprocess
import sys
from pathlib import Path

from bench.servers import ROOT, environment
from prove import report

RESULT = {
    "bar": "lost 0",
    "seed": 7,
    "seconds": 3,
    "counts": {"sqlite: kills": 4, "sqlite: lost": 0},
    "wrong": {},
    "exceptions": [],
    "date": "2026-01-02",
}


def test_every_proof_is_run_and_described():
    proofs = {file.stem for file in Path(report.__file__).parent.glob("*.py") if 'main("' in file.read_text()}

    assert proofs == report.PROOFS.keys()


def test_the_page_tells_what_was_found_missed_and_not_run():
    page = report.write({"kill": RESULT, "outage": RESULT | {"wrong": {"a call\nwas lost": 2}, "exceptions": ["that."]}, "soak": {}})

    assert "| [kill](#kill) | R1, without money | kill -9 under write load | lost 0 | passed |" in page
    assert "`make prove name=kill` on 2026-01-02, 3 s, seed 7: passed.\n\n- sqlite: kills 4, lost 0\n" in page
    assert "lost 0 | **missed** |" in page
    assert "- Exception: that.\n- **Wrong**, 2 times: a call was lost\n" in page
    assert "## soak" not in page
    assert "|  | not run |" in page


def test_a_proof_that_does_not_exist_is_told():
    done = subprocess.run([sys.executable, "-m", "prove", "kil"], cwd=ROOT, env=environment(""), capture_output=True, text=True)

    assert done.returncode == 2
    assert "no such proof: kil" in done.stderr


def test_the_committed_page_tells_of_every_proof():
    page = (ROOT / "docs" / "reliability.md").read_text()

    assert all(f"| [{name}](#{name}) |" in page for name in report.PROOFS)

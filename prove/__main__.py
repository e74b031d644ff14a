"""Every proof in its full form, one after the other, each in a process of its own; docs/reliability.md is written from what they found."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from bench import machine
from bench.servers import ROOT, environment
from prove import report

KEPT = ROOT / "docs" / "proofs"
PAGE = ROOT / "docs" / "reliability.md"


def proven(name: str, date: str) -> report.Result:
    """Runs one proof; its result is kept beside those of the other proofs."""
    KEPT.mkdir(parents=True, exist_ok=True)
    file = KEPT / f"{name}.json"
    file.unlink(missing_ok=True)
    print(f"\n=== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"prove.{name}", "--into", str(file)], cwd=ROOT, env=environment(""), check=False)
    told = json.loads(file.read_text()) if file.exists() else {}
    here = {"date": date, "machine": machine.describe(), "versions": machine.versions()}
    file.write_text(json.dumps(told | here, indent=1) + "\n")
    return kept(file)


def kept(file: Path) -> report.Result:
    """What is known of a proof; nothing where it never ran to its end. The page says on which machine, where that is another one."""
    told = json.loads(file.read_text()) if file.exists() else {}
    return told if "bar" in told else {}


def main() -> None:
    """The command `python -m prove [NAME ...]`. Exits with 1 below a bar."""
    parser = argparse.ArgumentParser(prog="python -m prove", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(report.PROOFS)}; all of them unless named")
    parser.add_argument("--date", default="", help="the day, for the page")
    wanted = parser.parse_args()
    if unknown := set(wanted.names) - report.PROOFS.keys():
        parser.error(f"no such proof: {', '.join(sorted(unknown))}")
    ran = {name: proven(name, wanted.date) for name in wanted.names or report.PROOFS}
    PAGE.write_text(report.write({name: ran.get(name) or kept(KEPT / f"{name}.json") for name in report.PROOFS}))
    print()
    for name, result in ran.items():
        print(report.line(name, result))
    sys.exit(0 if all(result and not result["wrong"] for result in ran.values()) else 1)


if __name__ == "__main__":
    main()

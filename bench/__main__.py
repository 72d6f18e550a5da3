"""`make bench`: speed and memory of `assess`, time per patient, requests of a cycle.  See README.md here."""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench import tables
from bench.offline import BenchError, offline
from bench.online import online
from bench.patient import patient_times


def main() -> int:
    """Measure everything; gives the exit code."""
    asked = _arguments()
    for name in [name for name in os.environ if name.startswith("REVIEWDUE_")]:
        del os.environ[name]  # nobody's settings are measured
    with tempfile.TemporaryDirectory(prefix="reviewdue-bench-", dir=asked.folder) as folder:
        try:
            rows = offline(Path(folder), asked.patients, asked.rounds, _say)
            _say("patient by patient")
            times = patient_times(asked.cohort)
            cycles = online(Path(folder), asked.people, asked.page_size, _say)
        except BenchError as problem:
            _say(str(problem))
            return 1
    if asked.json:
        found = {
            "assess": [asdict(row) for row in rows],
            "patient": asdict(times),
            "cycle": [asdict(row) for row in cycles],
        }
        print(json.dumps(found, indent=1))
    else:
        print(tables.offline(rows), tables.patient(times), tables.online(cycles), sep="\n\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add(
        "--patients",
        type=_sizes,
        default=[1000, 20_000],
        help="populations for assess; 1000,20000 unless given",
    )
    add("--rounds", type=int, default=2, help="of each pass; the fastest counts")
    add("--cohort", type=int, default=200, help="people on a benzodiazepine for the times per patient")
    add("--people", type=int, default=500, help="in the embedded EHR; one in five on a benzodiazepine")
    add("--page-size", type=int, default=200, help="asked for by the cycle")
    add("--folder", type=Path, help="where the populations are written meanwhile")
    add("--json", action="store_true", help="one JSON document")
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

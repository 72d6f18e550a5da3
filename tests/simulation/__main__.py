"""`python -m tests.simulation KIND SEED [--people N] [--days N] [--shrink RUNS]`: one run, told."""

import argparse
import sys
import time

from tests.simulation.plan import make_plan
from tests.simulation.server import KINDS
from tests.simulation.shrink import shrink
from tests.simulation.simulation import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.simulation")
    parser.add_argument("kind", choices=[*KINDS, "all"])
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument(
        "--shrink", type=int, default=0, metavar="RUNS", help="look for a smaller plan that breaks"
    )
    parser.add_argument("--tell", action="store_true", help="print each event")
    chosen = parser.parse_args()
    failed = 0
    for kind in KINDS if chosen.kind == "all" else [chosen.kind]:
        for seed in chosen.seeds:
            started = time.monotonic()
            plan = make_plan(seed, kind, people=chosen.people, days=chosen.days)
            outcome = run(plan, _say if chosen.tell else None)
            took = time.monotonic() - started
            ended = f"BROKEN on day {outcome.minute // 1440}: {outcome.broken}" if outcome.broken else "ok"
            sys.stdout.write(f"{kind} {seed}: {ended}; {took:.0f} s; {outcome.digest}\n  {outcome.tally}\n")
            sys.stdout.flush()
            failed += outcome.broken is not None
            if outcome.broken and chosen.shrink:
                small = shrink(plan.until(outcome.minute), outcome.broken, runs=chosen.shrink)
                _say(f"  shrunk to {len(small.events)} events:")
                _say(small.to_json())
                run(small, _say)
    return min(failed, 1)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())

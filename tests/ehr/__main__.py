"""The hostile EHR as a process: `python -m tests.ehr --port 0 --seed 1 --faults lost-reply=0.3 --index-lag 0.1`.

Prints one line `READY <base URL>` and ends when its standard input closes.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from datetime import datetime, timedelta

from service.sandbox import serve
from tests.ehr.faults import read_rates
from tests.ehr.hostile import Habits
from tests.ehr.running import START, make_ehr


class RunningClock:
    """A clock that runs on from the moment it was set to; it never asks what day it is outside."""

    def __init__(self, now: datetime) -> None:
        self.set(now)

    def __call__(self) -> datetime:
        return self._from + timedelta(seconds=time.monotonic() - self._since)

    def set(self, now: datetime) -> None:
        self._from, self._since = now, time.monotonic()


def main() -> None:
    arguments = _arguments()
    logging.getLogger("waitress").setLevel(logging.ERROR)  # half answers are meant
    habits = Habits(
        arguments.index_lag, arguments.condition_lags, arguments.search_cache, arguments.stale_status
    )
    ehr = make_ehr(
        RunningClock(arguments.now), seed=arguments.seed, rules=read_rates(arguments.faults), habits=habits
    )
    with serve(ehr.app, port=arguments.port, threads=16) as base:
        sys.stdout.write(f"READY {base}\n")
        sys.stdout.flush()
        while sys.stdin.buffer.read(4096):
            pass
        ehr.interactions.stopping.set()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.ehr")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument(
        "--now", type=datetime.fromisoformat, default=START, help="where its clock starts, with offset"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", default="", help="rates by fault: lost-reply=0.3,unavailable=0.1")
    parser.add_argument(
        "--index-lag", type=float, default=0.0, help="seconds until searches find what was written"
    )
    parser.add_argument("--condition-lags", action="store_true", help="If-None-Exist sees what searches see")
    parser.add_argument(
        "--search-cache", type=float, default=0.0, help="seconds that equal searches get the old answer"
    )
    parser.add_argument("--stale-status", type=int, default=412, choices=(409, 412))
    return parser.parse_args()


if __name__ == "__main__":
    main()

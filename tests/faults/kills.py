"""SIGKILL on real `reviewdue cycle` processes, and what each interrupted."""

import os
import signal
from pathlib import Path

from service.model.item import Doing
from service.store import open_ledger
from tests.faults.stage import SLOW, Stage, Tally, stage

_PER_KILL = 6  # people whose first Task a round may deliver before it is killed
_ROUND_SECONDS = 60.0


def kill_cycles(kills: int, seed: int, folder: Path, database: str) -> Tally:
    """Kill `reviewdue cycle` that many times, let it come to rest, and count."""
    with stage(folder, database, seed) as on:
        for _ in range(kills):
            on.add_people(_PER_KILL)
            on.tally.hit[_kill_one(on)] += 1
            on.tally.faults += 1
        on.rest()
        return on.judge()


def _kill_one(on: Stage) -> str:
    """Start a cycle, kill it soon after it began to write a Task; gives what it was at."""
    arrived = on.attempts()
    process = on.start("cycle", "--json", log="cycles.log")
    end = on.clock.monotonic() + _ROUND_SECONDS
    while process.poll() is None and on.attempts() == arrived and on.clock.monotonic() < end:
        on.wait(0.02)
    on.wait(on.chance.uniform(0, SLOW * 1.2))
    if process.poll() is not None:
        return "nothing: the cycle had ended"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return _interrupted(on.database)


def _interrupted(database: str) -> str:
    with open_ledger(database) as ledger, ledger.read() as tx:
        doing = {row.attempt.doing for row in tx.projections("main")}
    if Doing.INFLIGHT in doing:
        return "between claim and recorded reply"
    return "with a reply to settle" if Doing.UNKNOWN in doing else "between two writes"

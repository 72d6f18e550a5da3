"""Three real workers, of which at random moments one or two stand still (SIGSTOP) and wake up again."""

import os
import signal
import subprocess
from pathlib import Path

from service.store import open_ledger
from tests.faults.stage import LEASE, Stage, Tally, stage

WORKERS = 3
Worker = subprocess.Popen[bytes]
_PER_ROUND = 2  # people whose review becomes due


def stop_and_go(rounds: int, seed: int, folder: Path, database: str) -> Tally:
    """That many rounds: stop a worker, mostly the one that is at work, wait, wake it, often in the middle.

    A stop lasts up to twice the lease, so that about half of them cost the worker its lease.
    """
    with stage(folder, database, seed) as on:
        with on.workers(WORKERS) as workers:
            still: list[Worker] = []
            for _ in range(rounds):
                on.add_people(_PER_ROUND)
                on.wait(on.chance.uniform(0, 0.4))
                _stop_one(on, [worker for worker in workers if worker not in still], still)
                on.wait(on.chance.uniform(0, LEASE))
                while len(still) > 1 or (still and on.chance.random() < 0.5):
                    os.kill(still.pop(0).pid, signal.SIGCONT)
            for worker in still:
                os.kill(worker.pid, signal.SIGCONT)
            on.all_delivered()
        on.rest()
        return on.judge()


def _stop_one(on: Stage, going: list[Worker], still: list[Worker]) -> None:
    at_work = _at_work(on.database)
    chosen = next((worker for worker in going if f"-{worker.pid}-" in at_work), None)
    if chosen is None or on.chance.random() < 0.2:
        chosen = on.chance.choice(going)
    os.kill(chosen.pid, signal.SIGSTOP)
    still.append(chosen)
    in_cycle = f"-{chosen.pid}-" in at_work
    on.tally.hit["the worker in a cycle" if in_cycle else "a worker between cycles, or standing by"] += 1
    on.tally.faults += 1


def _at_work(database: str) -> str:
    """The name of the worker that holds the lease of the cycles; it contains its process id."""
    with open_ledger(database) as ledger:
        lease = ledger.lease("main")
    return "" if lease is None else lease.holder

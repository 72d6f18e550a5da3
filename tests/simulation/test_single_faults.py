"""Single faults by virtual time: death at each step of a cycle in turn, and a write that never succeeds."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import stamina

from service.cycle.operators import set_release
from service.ports import LedgerError
from tests.cycle.world import people
from tests.ehr.running import Ehr
from tests.simulation.clinicians import own_tasks, patient_of
from tests.simulation.clock import VirtualClock
from tests.simulation.death import Crash, Doom, Fate
from tests.simulation.in_turn import everything_in_turn
from tests.simulation.ledger import new_database, new_folder
from tests.simulation.process import LEASE_SECONDS, Process
from tests.simulation.server import KINDS, always, simulated_ehr

LONG = os.environ.get("FAULTS") == "long"
EACH = {"commit": tuple(Fate), "request": (Fate.BEFORE, Fate.AFTER)}
EVERY = {"commit": 1 if LONG else 2, "request": 1 if LONG else 3}  # of the steps
_NEVER = 10**6


@contextmanager
def a_service(kind: str, number: int = 1) -> Iterator[tuple[Process, Ehr, VirtualClock]]:
    """A released source with that many people whose review is due."""
    folder = new_folder()
    clock = VirtualClock()
    ehr = simulated_ehr(clock, KINDS[kind])
    always(ehr, KINDS[kind])
    ehr.load(people(number))
    new_database(folder)
    try:
        with stamina.set_testing(True, attempts=3, cap=True), everything_in_turn():
            process = Process(folder, ehr, KINDS[kind], clock)
            set_release(process.ledger.inner, "main", on=True, now=clock.now(), actor="operator")
            try:
                yield process, ehr, clock
            finally:
                process.close()
    finally:
        shutil.rmtree(folder)


def steps(kind: str, step: str) -> int:
    """How many there are in an undisturbed first cycle."""
    with a_service(kind) as (process, _, _):
        process.life.meet(Doom(step, _NEVER, Fate.BEFORE))
        process.cycle()
        return process.life._counted


def live_and_made(kind: str, doom: Doom) -> tuple[list[str], list[int]]:
    """Whose Tasks are live once it has come to rest, and how often each was created."""
    with a_service(kind) as (process, ehr, clock):
        process.life.meet(doom)
        with suppress(Crash, LedgerError):
            process.cycle()
        assert process.life.struck == 1
        process.start()
        clock.sleep(LEASE_SECONDS + 1)
        process.cycle()
        return [patient_of(task) for task in own_tasks(ehr)], list(ehr.creations().values())


@pytest.mark.failure("F2", "F7", "F9", "F10", "I1", "I2")
@pytest.mark.faults
@pytest.mark.parametrize("kind", KINDS if LONG else ["conditional"])
@pytest.mark.parametrize("step", EACH)
def test_whatever_step_of_a_cycle_is_the_last_one_there_is_one_task_in_the_end(kind, step):
    number = steps(kind, step)
    assert number >= 10
    for n in range(1, number + 1, EVERY[step]):
        for fate in EACH[step] if LONG else (Fate.AFTER,):
            assert live_and_made(kind, Doom(step, n, fate)) == (["p1"], [1]), (n, fate)


@pytest.mark.failure("F29", "I1")
def test_a_task_that_is_never_taken_ends_in_quarantine_and_holds_nobody_up():
    with a_service("own-ids", 4) as (process, ehr, clock):
        key = f"{process.parts.identity.base('main', 'p1')}-1"
        ehr.faults.add("server-error", on="write Task", where=key)
        assert process.cycle().created == 3
        for _ in range(16):
            clock.sleep(13 * 3600)
            process.cycle()
        assert ehr.faults.struck["server-error"] == 8
        with process.ledger.inner.read() as tx:
            assert [(row.key, row.reason) for row in tx.quarantine("main")] == [(key, "no try succeeded")]

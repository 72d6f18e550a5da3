"""The worker: a ticker per source; whether a tick does anything is decided by the database.

Each source has two ticks.  One keeps the worker's seat at the source, or looks whether another's is free
(`seats`); the other begins a cycle every `poll_seconds` while the seat is ours.
"""

import logging
import threading
from contextlib import ExitStack, suppress

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from service import logs
from service.bootstrap import House, new_holder
from service.cycle import LeaseHeldError, run_cycle
from service.cycle.parts import Parts
from service.ports import CycleReport, LeaseLostError, LedgerError
from service.seats import Seats, ask_seconds

DRAIN_SECONDS = 8.0  # what is in flight may take until then; a container is killed after 10


class Worker:
    """Runs the cycles of all sources of a house until its clock is stopped; use as a context manager."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._holder = new_holder()
        self._log = logs.get_log(component="worker", holder=self._holder)
        self._opened = ExitStack()
        self._busy: set[str] = set()
        self._seated: set[str] = set()  # sources whose cycles are ours
        self._standing_by: dict[str, str] = {}  # others, with why
        self._again: set[str] = set()  # whose cycle could not begin or end: not only at the next poll
        self._unanswered: set[str] = set()  # for which the database last said nothing good
        self._idle = threading.Condition()
        self._ticker = BackgroundScheduler(timezone="UTC")
        seconds = {source.id: source.lease_seconds for source in house.source_settings()}
        self._seats = Seats(house.ledger, self._holder, seconds)

    def __enter__(self) -> "Worker":
        """Start ticking: the first cycle of each source at once, the next ones every `poll_seconds`."""
        sources = self._house.source_settings()
        parts = [self._opened.enter_context(self._house.parts(source)) for source in sources]
        self._ticker.add_executor(ThreadPoolExecutor(2 * len(parts)))
        common = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        for each in parts:
            seconds = each.settings.poll_seconds
            self._ticker.add_job(
                self._tick, "interval", [each], id=each.id, seconds=seconds, next_run_time=None, **common
            )
            self._ticker.add_job(
                self._keep_seat,
                "interval",
                [each],
                id=f"{each.id} seat",
                seconds=ask_seconds(each.settings.lease_seconds),
                next_run_time=self._house.clock.now(),
                **common,
            )
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # a cycle may outlast a tick
        self._ticker.start()
        self._log.info("worker started")
        return self

    def __exit__(self, *_: object) -> None:
        self._house.clock.stop()
        self._ticker.shutdown(wait=False)
        with suppress(LedgerError):  # then they run out
            self._seats.leave()
        if self.drained(0):
            self._opened.close()

    def drained(self, seconds: float = DRAIN_SECONDS) -> bool:
        """After the clock was stopped: wait until no cycle runs; False when one still does."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._busy, seconds)

    # -- the seat ------------------------------------------------------------------------------

    def _keep_seat(self, parts: Parts) -> None:
        if self._house.clock.stopping():
            return
        try:
            sitting = self._seats.keep(parts.id, busy=parts.id in self._busy)
        except LedgerError as problem:
            if parts.id not in self._unanswered:
                self._unanswered.add(parts.id)
                parts.log.warning("seat not kept", why=str(problem))
            return
        self._unanswered.discard(parts.id)
        if sitting != self._holder:
            self._seated.discard(parts.id)
            self._stand_by(parts, "another worker is at work on the source")
        elif parts.id not in self._seated or parts.id in self._again:
            self._seated.add(parts.id)
            self._begin_now(parts)

    def _begin_now(self, parts: Parts) -> None:
        if parts.id not in self._busy and not self._house.clock.stopping():
            self._again.discard(parts.id)
            self._ticker.modify_job(parts.id, next_run_time=self._house.clock.now())

    def _stand_by(self, parts: Parts, why: str) -> None:
        if self._standing_by.get(parts.id) != why:
            self._standing_by[parts.id] = why
            parts.log.info("standing by", why=why)

    # -- the cycle -----------------------------------------------------------------------------

    def _tick(self, parts: Parts) -> None:
        with self._idle:
            if self._house.clock.stopping() or parts.id not in self._seated:
                return
            self._busy.add(parts.id)
        try:
            self._cycle(parts)
        finally:
            with self._idle:
                self._busy.discard(parts.id)
                self._idle.notify_all()

    def _cycle(self, parts: Parts) -> None:
        again = True
        try:
            report = run_cycle(parts, self._holder, wait=False, stopping=self._house.clock.stopping)
        except LeaseHeldError:
            self._stand_by(parts, "another process holds the lease")
        except LeaseLostError:
            parts.log.warning("lease lost", why="another process works on the source now")
        except LedgerError as problem:
            parts.log.warning("cycle not done", why=str(problem))
        except Exception:  # the one home of it in a worker: told, and tried again at the next poll
            again = False
            parts.log.warning("cycle not done", exc_info=True)
        else:
            again = False
            self._standing_by.pop(parts.id, None)
            _tell(parts, report)
        if again:
            self._again.add(parts.id)


def _tell(parts: Parts, report: CycleReport) -> None:
    """One event per cycle, one per read that failed."""
    for failure in report.failures:
        parts.log.warning("read failed", kind=failure.kind, why=failure.why)
    say = parts.log.info if report.reads_ok and report.stopped is None else parts.log.warning
    say(
        "cycle done" if report.reads_ok else "nothing could be read",
        patients=report.patients,
        assessed=report.assessed,
        incomplete=report.incomplete,
        quarantined=report.quarantined,
        created=report.created,
        updated=report.updated,
        closed=report.closed,
        unknown=report.unknown,
        held=report.held,
        requests=report.requests,
        complete=report.complete,
        why=report.stopped,
    )

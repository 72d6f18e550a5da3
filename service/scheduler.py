"""The worker: a ticker per source; whether a tick does anything is decided by the database's lease."""

import threading
from contextlib import ExitStack

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from service import logs
from service.bootstrap import House, new_holder
from service.cycle import LeaseHeldError, run_cycle
from service.cycle.parts import Parts
from service.ports import CycleReport, LeaseLostError, LedgerError

DRAIN_SECONDS = 8.0  # what is in flight may take until then; a container is killed after 10


class Worker:
    """Runs the cycles of all sources of a house until its clock is stopped; use as a context manager."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._holder = new_holder()
        self._log = logs.get_log(component="worker", holder=self._holder)
        self._opened = ExitStack()
        self._busy: set[str] = set()
        self._standing_by: set[str] = set()
        self._idle = threading.Condition()
        self._ticker = BackgroundScheduler(timezone="UTC")

    def __enter__(self) -> "Worker":
        """Start ticking: the first cycle of each source at once, the next ones every `poll_seconds`."""
        sources = self._house.source_settings()
        parts = [self._opened.enter_context(self._house.parts(source)) for source in sources]
        self._ticker.add_executor(ThreadPoolExecutor(len(parts)))
        for each in parts:
            self._ticker.add_job(
                self._tick,
                "interval",
                args=[each],
                id=each.id,
                seconds=each.settings.poll_seconds,
                next_run_time=self._house.clock.now(),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._ticker.start()
        self._log.info("worker started")
        return self

    def __exit__(self, *_: object) -> None:
        self._house.clock.stop()
        self._ticker.shutdown(wait=False)
        if self.drained(0):
            self._opened.close()

    def drained(self, seconds: float = DRAIN_SECONDS) -> bool:
        """After the clock was stopped: wait until no cycle runs; False when one still does."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._busy, seconds)

    def _tick(self, parts: Parts) -> None:
        with self._idle:
            if self._house.clock.stopping():
                return
            self._busy.add(parts.id)
        try:
            self._cycle(parts)
        finally:
            with self._idle:
                self._busy.discard(parts.id)
                self._idle.notify_all()

    def _cycle(self, parts: Parts) -> None:
        try:
            report = run_cycle(parts, self._holder, wait=False, stopping=self._house.clock.stopping)
        except LeaseHeldError:
            if parts.id not in self._standing_by:
                self._standing_by.add(parts.id)
                parts.log.info("standing by", why="another process holds the lease")
            return
        except LeaseLostError:
            parts.log.warning("lease lost", why="another process works on the source now")
        except LedgerError as problem:
            parts.log.warning("cycle not done", why=str(problem))
        except Exception:  # the one home of it in a worker: told, and tried again at the next tick
            parts.log.warning("cycle not done", exc_info=True)
        else:
            _tell(parts, report)
        self._standing_by.discard(parts.id)


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

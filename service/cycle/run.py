"""One cycle of one source (design.md; lifecycle.md §1–§6)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from service.cycle.check import check_own_tasks
from service.cycle.counting import count
from service.cycle.deliver import Delivery
from service.cycle.keeper import Keeper
from service.cycle.look import Looked, look
from service.cycle.parts import Parts
from service.cycle.release import may_write, release
from service.model.item import ItemState
from service.ports import CycleReport, LeaseLostError, Noticed, PatientRow, Progress, ReadFailure, SourceState

GROUP = 25  # patients that are gathered, assessed and committed together
_SENT_BACK_ROUNDS = 3  # bound on looking again at patients that deliver sent back
_INCOMPLETE_AFTER = timedelta(hours=6)  # lifecycle.md §1: an incomplete read is repeated
_ASAP_AFTER = timedelta(days=1)  # lifecycle.md §1: with an asap item


class LeaseHeldError(Exception):
    """Another process works on this source."""


def run_cycle(
    parts: Parts,
    holder: str,
    *,
    full: bool = False,
    dry_run: bool = False,
    wait: bool = True,
    stopping: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
) -> CycleReport:
    """One whole cycle; waits for the lease unless told not to (then raises LeaseHeldError).

    `stopping` is asked between groups: a cycle that is asked to stop finishes what is in flight.
    """
    if dry_run:
        return _Cycle(parts, None, full=full, stopping=stopping, progress=progress).run()
    with leased(parts, holder, wait=wait, stopping=stopping) as keeper:
        report = _Cycle(parts, keeper, full=full, stopping=stopping, progress=progress).run()
        return count(parts, keeper, report)


def leased(
    parts: Parts, holder: str, *, wait: bool = True, stopping: Callable[[], bool] = lambda: False
) -> Keeper:
    """The keeper of the source's lease; waits for it unless told not to (then raises LeaseHeldError)."""
    seconds = parts.settings.lease_seconds
    while True:
        asked_at = parts.clock.monotonic()
        lease = parts.ledger.acquire(parts.id, holder, seconds)
        if lease is not None:
            return Keeper(parts.ledger, parts.clock, lease, seconds, asked_at)
        if not wait or stopping():
            raise LeaseHeldError(f"source {parts.id}: another process holds the lease")
        parts.clock.sleep(min(1.0, seconds / 4))


class _Cycle:
    def __init__(
        self,
        parts: Parts,
        keeper: Keeper | None,
        *,
        full: bool,
        stopping: Callable[[], bool],
        progress: Progress | None,
    ) -> None:
        self.parts = parts
        self.keeper = keeper
        self.full = full
        self.stopping = stopping
        self.progress = progress
        self.looked = Looked()
        self.failures: list[ReadFailure] = []
        self.pages = 0
        self.requests_before = parts.client.requests
        self.noticed_dry: set[str] = set()

    @property
    def kept(self) -> Keeper:
        """The lease, where something is written; a dry run has none and never gets here."""
        if self.keeper is None:
            raise LeaseLostError("a dry run writes nothing")
        return self.keeper

    def run(self) -> CycleReport:
        parts = self.parts
        started = parts.now()
        with parts.ledger.read() as tx:
            state = tx.source_state(parts.id)
        full = self.full or _is_full_due(state, started, parts.settings.full_sweep_hours)
        if self.keeper is not None and state.stopped_why is not None:
            self._save_state(lambda now: replace(now, stopped_why=None))  # one new attempt a cycle
        self._discover(state, started, full=full)
        due = self._due(started)
        if self.keeper is None:
            self._look_at(due)
            return self._report(None, complete=not self.failures)
        delivery = self._delivery()
        self._work(due, delivery)
        self._release_and_deliver(delivery)
        self._daily_check(started, delivery)
        complete = not self.failures and not self.looked.incomplete and not self.stopping()
        self._save_state(lambda now: self._after(now, started, full=full, complete=complete))
        return self._report(delivery, complete=complete)

    # -- discover ------------------------------------------------------------------------------

    def _discover(self, state: SourceState, now: datetime, *, full: bool) -> None:
        for page in self.parts.source.discover(state, full=full, now=now):
            if self.stopping():
                self.failures.append(ReadFailure("sweep", "asked to stop"))
                return
            if isinstance(page, ReadFailure):
                self.failures.append(page)
            else:
                self.pages += 1
                self._notice(page)

    def _notice(self, page: Noticed) -> None:
        """Store whom to look at, page by page; the watermark moves only with the last page."""
        if self.keeper is None:
            self.noticed_dry |= {patient for patient, _ in page.cohort}
            return
        if not page.patients and not page.cohort and page.watermark is None:
            return
        source = self.parts.id
        with self.parts.ledger.write(self.keeper.lease) as tx:
            known = tx.patients(source, {*page.patients, *(patient for patient, _ in page.cohort)})
            rows: list[PatientRow] = []
            for patient, until in page.cohort:
                row = known.get(patient)
                if row is None:
                    base = self.parts.identity.base(source, patient)
                    rows.append(
                        PatientRow(source, patient, base, cohort_until=until, due=True, due_why="new")
                    )
                elif row.cohort_until is None or row.cohort_until < until:
                    rows.append(replace(row, cohort_until=until))
            tx.save_patients(rows)
            tx.mark_due(source, [patient for patient in page.patients if patient in known], page.kind)
            if page.watermark is not None:
                state = tx.source_state(source)
                cursors = {**state.cursors, page.kind: page.watermark}
                tx.save_source_state(replace(state, cursors=cursors))

    def _due(self, now: datetime) -> list[str]:
        parts = self.parts
        today = parts.day(now)
        with parts.ledger.read() as tx:
            if self.keeper is None:
                cohort = self.noticed_dry | set(tx.cohort(parts.id, today=today))
                return sorted(cohort)
            if self.full:
                return tx.cohort(parts.id, today=today)
            return tx.due_patients(
                parts.id,
                today=today,
                max_age_before=now - timedelta(days=parts.settings.max_age_days),
                asap_before=now - _ASAP_AFTER,
                incomplete_before=now - _INCOMPLETE_AFTER,
            )

    # -- look, release, deliver ----------------------------------------------------------------

    def _look_at(self, patients: Iterable[str], after_group: Callable[[], None] | None = None) -> None:
        listed = list(patients)
        for start in range(0, len(listed), GROUP):
            if self.stopping():
                return
            lease = self.keeper.lease if self.keeper else None
            look(self.parts, lease, listed[start : start + GROUP], self.looked)
            if self.progress is not None:
                self.progress("patients", min(start + GROUP, len(listed)), len(listed))
            if after_group is not None:
                after_group()

    def _work(self, due: list[str], delivery: Delivery) -> None:
        keeper = self.kept
        delivery.run()  # what an earlier cycle left, and what is unknown, before anything new

        def group_done() -> None:
            release(self.parts, keeper.lease, self.looked.held, only_urgent=True)
            delivery.run()

        self._look_at(due, group_done)

    def _release_and_deliver(self, delivery: Delivery) -> None:
        missing, self.looked.missing = self.looked.missing, []
        delivery.gone.verify(missing)
        release(self.parts, self.kept.lease, self.looked.held, look_again=self._look_at)
        delivery.run()
        for _ in range(_SENT_BACK_ROUNDS):
            again = sorted(delivery.tally.sent_back - self.looked.unread)
            delivery.tally.sent_back = set()
            if not again or self.stopping():
                return
            self._look_at(again)
            release(self.parts, self.kept.lease, self.looked.held, only_urgent=True)
            delivery.run()

    def _delivery(self) -> Delivery:
        return Delivery(self.parts, self.kept, self.stopping)

    def _daily_check(self, started: datetime, delivery: Delivery) -> None:
        today: date = self.parts.day(started)
        with self.parts.ledger.read() as tx:
            state = tx.source_state(self.parts.id)
        if state.last_task_check_on == today or self.stopping():
            return
        checked = check_own_tasks(self.parts, self.kept, delivery.gone, writing=may_write(self.parts, state))
        if not checked.complete:
            self.failures.append(ReadFailure("Task", checked.why or "incomplete"))
            return
        self._save_state(lambda now: replace(now, last_task_check_on=today))

    # -- closing the books ---------------------------------------------------------------------

    def _save_state(self, change: Callable[[SourceState], SourceState]) -> None:
        with self.parts.ledger.write(self.kept.lease) as tx:
            tx.save_source_state(change(tx.source_state(self.parts.id)))

    def _after(self, state: SourceState, started: datetime, *, full: bool, complete: bool) -> SourceState:
        swept = full and not self.failures
        return replace(
            state,
            last_complete_at=self.parts.now() if complete else state.last_complete_at,
            last_full_sweep_at=started if swept else state.last_full_sweep_at,
            once_complete=state.once_complete | self.looked.once_complete,
        )

    def _report(self, delivery: Delivery | None, *, complete: bool) -> CycleReport:
        parts = self.parts
        with parts.ledger.read() as tx:
            held = len(tx.items(parts.id, ItemState.HELD))
            quarantined = sum(1 for row in tx.quarantine(parts.id) if row.accepted_at is None)
        tally = delivery.tally if delivery else None
        unknown = tuple(sorted(tally.unknown)) if tally else ()
        return CycleReport(
            source=parts.id,
            patients=self.looked.patients,
            assessed=self.looked.assessed,
            incomplete=self.looked.incomplete,
            quarantined=quarantined,
            created=tally.created if tally else 0,
            updated=tally.updated if tally else 0,
            closed=tally.closed if tally else 0,
            unknown=len(unknown),
            held=held if delivery else len(self.looked.held),
            requests=parts.client.requests - self.requests_before,
            complete=complete,
            unknown_keys=unknown,
            failures=tuple(self.failures),
            reads_ok=self.pages + self.looked.complete_reads,
            stopped=tally.stopped if tally else None,
        )


def _is_full_due(state: SourceState, now: datetime, hours: float) -> bool:
    last = state.last_full_sweep_at
    return last is None or now - last >= timedelta(hours=hours)

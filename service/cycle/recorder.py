"""What deliver writes into the ledger about a projection, and what it counts."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from service.channels.ehr import Answer
from service.cycle.keeper import Keeper
from service.cycle.parts import Parts
from service.fhir.errors import AuthError, FhirError
from service.model.item import Attempt, Doing, Projection, SeenTask
from service.ports import QuarantineRow

MAX_TRIES = 8  # lifecycle.md §3: 8 tries over about 24 hours
_GROWTH = 3  # each wait is three times the last: 60 s … 12 h, 18 h in all


@dataclass
class Tally:
    """Writes that were confirmed, and what stayed open."""

    created: int = 0
    updated: int = 0
    closed: int = 0
    unknown: set[str] = field(default_factory=set)
    sent_back: set[str] = field(default_factory=set)  # patients to look at again before all others
    stopped: str | None = None
    lock: Lock = field(default_factory=Lock)


class Recorder:
    """Writes under the lease; each method is one transaction."""

    def __init__(self, parts: Parts, keeper: Keeper) -> None:
        self.parts = parts
        self.keeper = keeper
        self.tally = Tally()

    def confirm(
        self,
        row: Projection,
        answer: Answer,
        baseline: dict[str, Any],
        generation: int,
        what: str | None,
    ) -> None:
        now = self.parts.now()
        seen = seen_task(answer, baseline, generation)
        with self.parts.ledger.write(self.keeper.lease) as tx:
            latest = tx.projection(row.source, row.key) or row
            tx.save_projection(
                replace(
                    latest,
                    seen=seen,
                    attempt=Attempt(),
                    tries=0,
                    next_try_at=None,
                    error=None,
                    rejected=False,
                ),
                now,
            )
            tx.forget_quarantine(row.source, key=row.key)
            item = tx.item(row.key)
            if item is not None and not item.had_task:
                tx.save_item(replace(item, had_task=True), now)
            if what is not None:
                tx.audit(
                    row.source, f"task {what}", now, actor="service", subject=row.key, detail=seen.reference
                )
        with self.tally.lock:
            self.tally.unknown.discard(row.key)
            if what is not None:
                setattr(self.tally, what, getattr(self.tally, what) + 1)

    def save(self, row: Projection, error: str | None) -> Projection:
        saved = replace(row, error=error)
        with self.parts.ledger.write(self.keeper.lease) as tx:
            latest = tx.projection(row.source, row.key)
            if latest is not None and row.desired is not None and latest.desired is not None:
                saved = replace(saved, desired=latest.desired)  # a newer desired is never lost
            tx.save_projection(saved, self.parts.now())
        return saved

    def save_later(self, row: Projection, error: str, seconds: float | None) -> None:
        wait = max(seconds or 0.0, self.parts.settings.retry_base_seconds)
        self.save(replace(row, next_try_at=self.parts.now() + timedelta(seconds=wait)), error)

    def later(self, row: Projection, problem: FhirError) -> None:
        if isinstance(problem, AuthError):
            self.stop(str(problem))
            return
        if row.attempt.doing is Doing.UNKNOWN:
            with self.tally.lock:
                self.tally.unknown.add(row.key)
        self.save_later(row, str(problem), getattr(problem, "retry_after", None))

    def unknown(self, row: Projection, error: str) -> None:
        self.save(replace(row, attempt=replace(row.attempt, doing=Doing.UNKNOWN), next_try_at=None), error)
        with self.tally.lock:
            self.tally.unknown.add(row.key)

    def try_again(self, row: Projection) -> None:
        """Twice not found after settling: it never happened; the same key is tried again."""
        tries = row.tries + 1
        if tries >= MAX_TRIES:
            self.reject(replace(row, attempt=Attempt(), tries=tries), "no try succeeded")
            return
        wait = 0.0 if tries == 1 else self.parts.settings.retry_base_seconds * _GROWTH ** (tries - 2)
        at: datetime = self.parts.now() + timedelta(seconds=wait)
        self.save(replace(row, attempt=Attempt(), tries=tries, next_try_at=at), row.error)

    def reject(self, row: Projection, why: str) -> None:
        self.save(replace(row, rejected=True, tries=row.tries + 1), why)
        self.set_aside(row, why)

    def set_aside(self, row: Projection, reason: str) -> None:
        now = self.parts.now()
        with self.parts.ledger.write(self.keeper.lease) as tx:
            tx.set_aside(QuarantineRow(row.source, row.patient, None, row.key, reason, now))

    def send_back(self, row: Projection, why: str) -> None:
        with self.parts.ledger.write(self.keeper.lease) as tx:
            tx.mark_due(row.source, [row.patient], why, first=True)
        with self.tally.lock:
            self.tally.sent_back.add(row.patient)

    def stop(self, why: str) -> None:
        """The channel stands still until the next cycle tries again; operators see why."""
        with self.tally.lock:
            self.tally.stopped = why
        with self.parts.ledger.write(self.keeper.lease) as tx:
            tx.save_source_state(replace(tx.source_state(self.parts.id), stopped_why=why))
        self.parts.log.warning("writing stopped", why=why)


def seen_task(answer: Answer, baseline: dict[str, Any], generation: int) -> SeenTask:
    """What the EHR shows, as the ledger keeps it."""
    return SeenTask(
        reference=f"Task/{answer.id}",
        version=answer.version,
        baseline=baseline,
        generation=generation,
        status=str(answer.resource.get("status")),
    )

"""Deliver: makes what the EHR shows equal what is desired (lifecycle.md §3).

One request in flight per projection.  Intent is committed before the socket opens; an unclear
reply is `unknown`, is settled and read back, and never blindly repeated.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from service.channels import task as tasks
from service.cycle.gone import Gone
from service.cycle.keeper import Keeper
from service.cycle.parts import Parts
from service.cycle.release import may_write
from service.fhir.client import Answer
from service.fhir.errors import (
    AuthError,
    ChannelError,
    FhirError,
    GoneError,
    NotFoundError,
    NotSentError,
    RejectedError,
    SeveralMatchError,
    StaleError,
    UnknownReplyError,
)
from service.identity import another_person
from service.model.item import Attempt, CloseReason, Desired, Doing, Item, ItemState, Projection, SeenTask
from service.ports import LeaseLostError, LedgerError, QuarantineRow
from service.reconcile import LIVE, PERSON_AT_IT

MAX_TRIES = 8  # lifecycle.md §3: 8 tries over about 24 hours
_GROWTH = 3  # each wait is three times the last: 60 s … 12 h, 18 h in all
_PASSES = 6  # bound on passes over the work within one cycle
_CONFLICTS = 3  # edits by others that one send follows before it waits for the next cycle


@dataclass
class Tally:
    """Writes that were confirmed, and what stayed open."""

    created: int = 0
    updated: int = 0
    closed: int = 0
    unknown: set[str] = field(default_factory=set)
    quarantined: set[str] = field(default_factory=set)
    sent_back: set[str] = field(default_factory=set)  # patients to look at again before all others
    stopped: str | None = None
    lock: Lock = field(default_factory=Lock)


class Delivery:
    """The deliver stage of one cycle."""

    def __init__(self, parts: Parts, keeper: Keeper, own_ids: bool, conditional: bool) -> None:
        self.parts = parts
        self.keeper = keeper
        self.own_ids = own_ids  # the server lets clients choose ids
        self.conditional = conditional  # it knows If-None-Exist
        self.tally = Tally()
        self._gone = Gone(parts, keeper)

    def run(self) -> None:
        """Send what can be sent now and settle what is old enough; leaves the rest for later."""
        for _ in range(_PASSES):
            with self.parts.ledger.read() as tx:
                state = tx.source_state(self.parts.id)
                work = tx.projection_work(self.parts.id, self.parts.now())
            writing = may_write(self.parts, state)
            with ThreadPoolExecutor(max_workers=max(1, self.parts.settings.concurrency)) as pool:
                moved = list(pool.map(lambda row: self._step(row, writing=writing), work))
            if not any(moved) or self.tally.stopped:
                return

    # -- one row -------------------------------------------------------------------------------

    def _step(self, row: Projection, *, writing: bool) -> bool:
        """One step for one projection; True when something changed that may need another step."""
        try:
            if row.attempt.doing is Doing.INFLIGHT:  # of a process that died, or of one that lost its lease
                row = self._save(
                    replace(row, attempt=replace(row.attempt, doing=Doing.UNKNOWN)), "reply never recorded"
                )
            if row.attempt.doing is Doing.UNKNOWN:
                return self._settle(row)
            if not writing or self.tally.stopped or row.desired is None:
                return False
            if not self._is_fresh(row):
                return False
            return self._send(row, row.desired)
        except (LeaseLostError, LedgerError):
            raise
        except FhirError as problem:  # a read that leads up to a write failed: nothing was sent
            self._later(row, problem)
            return False

    def _send(self, row: Projection, desired: Desired) -> bool:
        if row.seen is None:
            if desired.close is not None:  # nothing of it ever reached the EHR
                self._save(replace(row, desired=None), "nothing to close")
                return False
            return self._create(row, desired)
        return self._change(row, row.seen, desired)

    # -- create --------------------------------------------------------------------------------

    def _create(self, row: Projection, desired: Desired) -> bool:
        found = self._find(row.key)
        if isinstance(found, GoneError):
            return self._take_next_number(row)
        if found:
            return self._found_before(row, desired, found)
        if not self._same_person(row):
            return False
        body = tasks.new_task(
            desired.elements,
            key=row.key,
            item_system=self.parts.settings.item_system,
            now=self.parts.now(),
            own_id=self.own_ids,
        )
        attempt = self._claim(row, desired, tasks.baseline(body))
        if attempt is None:
            return False

        def call() -> Answer:
            if self.own_ids:
                return self.parts.client.update(body, if_none_match_any=True)
            system = self.parts.settings.item_system
            condition = f"identifier={system}|{row.key}" if self.conditional else None
            return self.parts.client.create(body, if_none_exist=condition)

        return self._request(replace(row, attempt=attempt), desired, call, "created")

    def _found_before(self, row: Projection, desired: Desired, found: list[Answer]) -> bool:
        """A Task with our key is there before our first attempt: ours of another life, or used up."""
        answer = _oldest(found)
        if tasks.patient_of(answer.resource) != row.patient:
            self._reject(row, "another-patient")
            return False
        if answer.resource.get("status") not in LIVE:
            return self._take_next_number(row)
        seen = _seen(answer, tasks.baseline(answer.resource), generation=0)
        self._save(replace(row, seen=seen, attempt=Attempt()), "task adopted")
        return True

    def _take_next_number(self, row: Projection) -> bool:
        """This n is used in the EHR: the item goes on under n + 1 (lifecycle.md §3.5)."""
        now = self.parts.now()
        with self.parts.ledger.write(self.keeper.lease) as tx:
            item = tx.item(row.key)
            if item is None or not item.live:
                tx.save_projection(replace(row, desired=None), now)
                return False
            n = 1 + max(each.n for each in tx.items_of(self.parts.id, item.patient))
            tx.save_item(
                replace(
                    item,
                    state=ItemState.CLOSED,
                    close_reason=CloseReason.SUPERSEDED,
                    closed_on=self.parts.day(now),
                ),
                now,
            )
            following: Item = replace(item, n=n)
            tx.save_item(following, now)
            tx.save_projection(replace(row, desired=None, attempt=Attempt()), now)
            tx.save_projection(Projection(row.source, following.key, row.patient, row.kind, row.desired), now)
            tx.audit(self.parts.id, "number used, next taken", now, actor="service", subject=following.key)
        return True

    # -- update and close ----------------------------------------------------------------------

    def _change(self, row: Projection, seen: SeenTask, desired: Desired) -> bool:
        for _ in range(_CONFLICTS):
            try:
                answer = self.parts.client.read("Task", _id(seen.reference))
            except (GoneError, NotFoundError) as problem:
                self._gone.note([row.key], hard={row.key} if isinstance(problem, GoneError) else set())
                return False
            current = answer.resource
            if tasks.patient_of(current) != row.patient and not self._is_alias(
                tasks.patient_of(current), row
            ):
                self._reject(row, "another-patient")
                return False
            plan = self._plan(row, seen, desired, current)
            if plan is None:
                return False
            body, after, what = plan
            if body is None:
                self._confirm(row, answer, after, desired.generation, None)
                return False
            attempt = self._claim(row, desired, after)
            if attempt is None:
                return False
            sent: dict[str, Any] = body
            match = answer.etag

            def call(sent: dict[str, Any] = sent, match: str | None = match) -> Answer:
                return self.parts.client.update(sent, if_match=match)

            try:
                return self._request(replace(row, attempt=attempt), desired, call, what)
            except StaleError:
                row = self._save(replace(row, attempt=Attempt()), "edited by somebody else")
        self._later(row, StaleError("edited by somebody else"))
        return False

    def _plan(
        self, row: Projection, seen: SeenTask, desired: Desired, current: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, dict[str, Any], str] | None:
        """What to send (None: nothing, it is so already), the baseline after it, and what it is."""
        status = current.get("status")
        now = self.parts.now()
        if status not in LIVE:
            if desired.close is not None and tasks.has_close_code(current):
                return None, dict(seen.baseline), "closed"
            self._send_back(row, "ended in the EHR")
            return None
        if desired.close is not None:
            if status in PERSON_AT_IT or status == "failed":
                self._send_back(row, "a person is at it")
                return None
            return tasks.ended(current, desired.close, now), dict(seen.baseline), "closed"
        after = tasks.next_baseline(current, desired.elements, seen.baseline)
        if tasks.shows(current, desired.elements, seen.baseline):
            return None, after, "updated"
        return tasks.merged(current, desired.elements, seen.baseline, now), after, "updated"

    # -- the request ---------------------------------------------------------------------------

    def _claim(self, row: Projection, desired: Desired, baseline: dict[str, Any]) -> Attempt | None:
        """Commit the intent; None when the lease would not outlast the request."""
        if not self.keeper.allows(self.parts.settings.deadline_seconds):
            return None
        attempt = Attempt(
            Doing.INFLIGHT, self.keeper.lease.fence, self.parts.now(), desired.generation, baseline
        )
        self._save(replace(row, attempt=attempt), None)
        return attempt

    def _request(self, row: Projection, desired: Desired, call: Callable[[], Answer], what: str) -> bool:
        """Send it, judge the reply by lifecycle.md §3, record it."""
        try:
            answer = call()
            answer = self._read_back(row, answer)
        except NotSentError as problem:
            self._save_later(replace(row, attempt=Attempt()), str(problem), problem.retry_after)
            return False
        except (UnknownReplyError, SeveralMatchError) as problem:
            self._unknown(row, str(problem))
            return False
        except StaleError:
            if row.seen is None:  # a conditional create that collided with itself
                self._unknown(row, "409 on create")
                return False
            raise
        except (AuthError, ChannelError) as problem:
            self._save(replace(row, attempt=Attempt()), str(problem))
            self._stop(str(problem))
            return False
        except RejectedError as problem:
            self._reject(replace(row, attempt=Attempt()), str(problem))
            return False
        except (GoneError, NotFoundError):
            self._save(replace(row, attempt=Attempt()), "gone while writing")
            if row.seen is not None:
                self._gone.note([row.key], hard=set())
                return False
            return self._take_next_number(row)
        except FhirError as problem:  # answered, but unreadable: the write may have happened
            self._unknown(row, str(problem))
            return False
        if tasks.patient_of(answer.resource) != row.patient and row.seen is None:
            self._reject(replace(row, attempt=Attempt()), "another-patient")
            return False
        self._confirm(row, answer, dict(row.attempt.baseline or {}), desired.generation, what)
        return False

    def _read_back(self, row: Projection, answer: Answer) -> Answer:
        """The reply when it carries our key; else the Task read again by its id."""
        system = self.parts.settings.item_system
        if answer.resource and tasks.key_of(answer.resource, system) == row.key:
            return answer
        if answer.id is None:
            raise UnknownReplyError("the reply names no Task")
        again = self.parts.client.read("Task", answer.id)
        if tasks.key_of(again.resource, system) != row.key:
            raise UnknownReplyError("the Task does not carry our key")
        return again

    def _confirm(
        self,
        row: Projection,
        answer: Answer,
        baseline: dict[str, Any],
        generation: int,
        what: str | None,
    ) -> None:
        now = self.parts.now()
        seen = _seen(answer, baseline, generation)
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

    # -- settling ------------------------------------------------------------------------------

    def _settle(self, row: Projection) -> bool:
        settings = self.parts.settings
        since = row.attempt.since or self.parts.now()
        if self.parts.now() < since + timedelta(seconds=settings.settle_seconds):
            with self.tally.lock:
                self.tally.unknown.add(row.key)
            return False
        if row.seen is not None:  # an update: reading the Task before the next one tells
            self._save(replace(row, attempt=Attempt()), row.error)
            return True
        found = self._find(row.key)
        if not found:
            self.parts.clock.sleep(settings.index_lag_seconds)
            found = self._find(row.key)
        if isinstance(found, GoneError):
            self._gone.note([row.key], hard={row.key})
            return False
        if not found:
            self._try_again(row)
            return True
        answer = _oldest(found)
        if tasks.patient_of(answer.resource) != row.patient:
            self._reject(replace(row, attempt=Attempt()), "another-patient")
            return False
        baseline = dict(row.attempt.baseline or tasks.baseline(answer.resource))
        self._confirm(row, answer, baseline, row.attempt.generation or 0, "created")
        self._end_younger(row, [each for each in found if each is not answer], baseline)
        return True

    def _end_younger(self, row: Projection, others: Iterable[Answer], baseline: dict[str, Any]) -> None:
        """Cancel untouched duplicates; one that a person touched stays and goes to the operators."""
        for other in others:
            if other.resource.get("status") not in LIVE:
                continue
            if tasks.is_touched(other.resource, baseline):
                self._set_aside(row, "duplicate-touched")
                continue
            body = tasks.ended(other.resource, CloseReason.SUPERSEDED, self.parts.now())
            self.parts.client.update(body, if_match=other.etag)
            with self.parts.ledger.write(self.keeper.lease) as tx:
                tx.audit(
                    row.source, "duplicate cancelled", self.parts.now(), actor="service", subject=row.key
                )

    def _find(self, key: str) -> list[Answer] | GoneError:
        """The Tasks with our key, by a search that no cache answers, and by our own id."""
        found: dict[str, Answer] = {}
        if self.own_ids:
            try:
                answer = self.parts.client.read("Task", key)
                found[str(answer.id)] = answer
            except NotFoundError:
                pass
            except GoneError as gone:
                return gone
        system = self.parts.settings.item_system
        for answer in self.parts.client.find("Task", identifier=f"{system}|{key}"):
            if tasks.key_of(answer.resource, system) == key:
                found.setdefault(str(answer.id), answer)
        return list(found.values())

    # -- checks before a send ------------------------------------------------------------------

    def _is_fresh(self, row: Projection) -> bool:
        """An assessment older than `stale_minutes` sends the patient back to be looked at first."""
        with self.parts.ledger.read() as tx:
            stored = tx.assessment(row.source, row.patient)
        limit = timedelta(minutes=self.parts.settings.stale_minutes)
        if stored is not None and self.parts.now() - stored.assessed_at <= limit:
            return True
        self._send_back(row, "assessment is stale")
        return False

    def _same_person(self, row: Projection) -> bool:
        """The patient is active and still the one whose record was assessed."""
        try:
            patient = self.parts.client.read("Patient", row.patient).resource
        except (GoneError, NotFoundError):
            self._send_back(row, "patient not found")
            return False
        with self.parts.ledger.read() as tx:
            known = tx.patient(row.source, row.patient)
        pairs = [
            (each.get("system"), str(each.get("value")))
            for each in patient.get("identifier") or []
            if isinstance(each, dict) and each.get("value")
        ]
        birth = patient.get("birthDate")
        person = self.parts.identity.fingerprint(pairs, birth if isinstance(birth, str) else None)
        if patient.get("active") is False or (known and another_person(known.fingerprint, person)):
            self._send_back(row, "patient changed")
            return False
        return True

    def _is_alias(self, patient: str | None, row: Projection) -> bool:
        if patient is None:
            return False
        with self.parts.ledger.read() as tx:
            known = tx.patient(row.source, patient)
        return known is not None and known.alias_of == row.patient

    # -- recording -----------------------------------------------------------------------------

    def _save(self, row: Projection, error: str | None) -> Projection:
        saved = replace(row, error=error)
        with self.parts.ledger.write(self.keeper.lease) as tx:
            latest = tx.projection(row.source, row.key)
            if latest is not None and row.desired is not None and latest.desired is not None:
                saved = replace(saved, desired=latest.desired)  # a newer desired is never lost
            tx.save_projection(saved, self.parts.now())
        return saved

    def _save_later(self, row: Projection, error: str, seconds: float | None) -> None:
        wait = max(seconds or 0.0, self.parts.settings.retry_base_seconds)
        self._save(replace(row, next_try_at=self.parts.now() + timedelta(seconds=wait)), error)

    def _later(self, row: Projection, problem: FhirError) -> None:
        if isinstance(problem, AuthError):
            self._stop(str(problem))
            return
        if row.attempt.doing is Doing.UNKNOWN:
            with self.tally.lock:
                self.tally.unknown.add(row.key)
        self._save_later(row, str(problem), getattr(problem, "retry_after", None))

    def _unknown(self, row: Projection, error: str) -> None:
        self._save(replace(row, attempt=replace(row.attempt, doing=Doing.UNKNOWN), next_try_at=None), error)
        with self.tally.lock:
            self.tally.unknown.add(row.key)

    def _try_again(self, row: Projection) -> None:
        """Twice not found after settling: it never happened; the same key is tried again."""
        tries = row.tries + 1
        if tries >= MAX_TRIES:
            self._reject(replace(row, attempt=Attempt(), tries=tries), "no try succeeded")
            return
        wait = 0.0 if tries == 1 else self.parts.settings.retry_base_seconds * _GROWTH ** (tries - 2)
        at: datetime = self.parts.now() + timedelta(seconds=wait)
        self._save(replace(row, attempt=Attempt(), tries=tries, next_try_at=at), row.error)

    def _reject(self, row: Projection, why: str) -> None:
        self._save(replace(row, rejected=True, tries=row.tries + 1), why)
        self._set_aside(row, why)

    def _set_aside(self, row: Projection, reason: str) -> None:
        now = self.parts.now()
        with self.parts.ledger.write(self.keeper.lease) as tx:
            tx.set_aside(QuarantineRow(row.source, row.patient, None, row.key, reason, now))
        with self.tally.lock:
            self.tally.quarantined.add(f"{row.key} {reason}")

    def _send_back(self, row: Projection, why: str) -> None:
        with self.parts.ledger.write(self.keeper.lease) as tx:
            tx.mark_due(row.source, [row.patient], why, first=True)
        with self.tally.lock:
            self.tally.sent_back.add(row.patient)

    def _stop(self, why: str) -> None:
        """The channel stands still until the next cycle tries again; operators see why."""
        with self.tally.lock:
            self.tally.stopped = why
        with self.parts.ledger.write(self.keeper.lease) as tx:
            tx.save_source_state(replace(tx.source_state(self.parts.id), stopped_why=why))
        self.parts.log.warning("writing stopped", why=why)


def _seen(answer: Answer, baseline: dict[str, Any], generation: int) -> SeenTask:
    return SeenTask(
        reference=f"Task/{answer.id}",
        version=answer.etag,
        baseline=baseline,
        generation=generation,
        status=str(answer.resource.get("status")),
    )


def _oldest(found: Iterable[Answer]) -> Answer:
    def age(answer: Answer) -> tuple[str, str]:
        meta = answer.resource.get("meta") or {}
        return str(answer.resource.get("authoredOn") or meta.get("lastUpdated") or ""), str(answer.id)

    return min(found, key=age)


def _id(reference: str) -> str:
    return reference.rpartition("/")[2]

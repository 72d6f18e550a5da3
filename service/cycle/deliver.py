"""Deliver: makes what the EHR shows equal what is desired (lifecycle.md §3).

One request in flight per projection.  Intent is committed before the socket opens; an unclear
reply is `unknown`, is settled and read back, and never blindly repeated.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from service.channels import task as tasks
from service.channels.ehr import Answer, TaskChannel
from service.cycle.checks import Checks
from service.cycle.gone import Gone
from service.cycle.keeper import Keeper
from service.cycle.parts import Parts
from service.cycle.recorder import Recorder, seen_task
from service.cycle.release import may_write
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
from service.model.item import Attempt, CloseReason, Desired, Doing, Item, ItemState, Projection, SeenTask
from service.ports import ANOTHER_PERSON, LeaseLostError, LedgerError
from service.reconcile import LIVE, NOT_OURS_TO_END

_PASSES = 6  # bound on passes over the work within one cycle
_CONFLICTS = 3  # edits by others that one send follows before it waits for the next cycle


class Delivery:
    """The deliver stage of one cycle."""

    def __init__(self, parts: Parts, keeper: Keeper, stopping: Callable[[], bool] = lambda: False) -> None:
        self.parts = parts
        self.keeper = keeper
        self.stopping = stopping  # asked before each row: then nothing more is claimed
        self.channel = TaskChannel(parts.client, parts.settings.item_system)
        self._own_ids: bool | None = None
        self.recorder = Recorder(parts, keeper)
        self.tally = self.recorder.tally
        self.checks = Checks(parts, self.channel, self.recorder)
        self.gone = Gone(parts, keeper)

    def run(self) -> None:
        """Send what can be sent now and settle what is old enough; leaves the rest for later."""
        for _ in range(_PASSES):
            with self.parts.ledger.read() as tx:
                state = tx.source_state(self.parts.id)
                work = tx.projection_work(self.parts.id, self.parts.now())
                others = {row.patient for row in tx.quarantine(self.parts.id) if row.reason == ANOTHER_PERSON}
            work = [row for row in work if row.patient not in others]  # frozen: lifecycle.md §1
            step = partial(self._step, writing=may_write(self.parts, state))
            with ThreadPoolExecutor(max_workers=self.parts.settings.concurrency) as pool:
                moved = list(pool.map(step, work))
            if not any(moved) or self.tally.stopped:
                return

    @property
    def own_ids(self) -> bool:
        """Whether the server lets us choose ids: asked once a cycle, and only when it matters."""
        with self.tally.lock:
            if self._own_ids is None:
                self._own_ids = self.channel.takes_own_ids(self.parts.settings.profile)
            return self._own_ids

    # -- one row -------------------------------------------------------------------------------

    def _step(self, row: Projection, *, writing: bool) -> bool:
        """One step for one projection; True when something changed that may need another step."""
        if self.stopping():
            return False
        try:
            if row.attempt.doing is Doing.INFLIGHT:  # of a process that died, or of one that lost its lease
                row = self.recorder.save(
                    replace(row, attempt=replace(row.attempt, doing=Doing.UNKNOWN)), "reply never recorded"
                )
            if row.attempt.doing is Doing.UNKNOWN:
                return self._settle(row)
            if not writing or self.tally.stopped or row.desired is None:
                return False
            if not self.checks.is_fresh(row) or not self.checks.is_written_for(row, row.desired):
                return False
            return self._send(row, row.desired)
        except (LeaseLostError, LedgerError):
            raise
        except (tasks.InvalidTaskError, AttributeError, TypeError) as problem:  # an odd Task stops no other
            self.recorder.reject(replace(row, attempt=Attempt()), f"odd-task: {type(problem).__name__}")
            return False
        except FhirError as problem:  # a read that leads up to a write failed: nothing was sent
            self.recorder.later(row, problem)
            return False

    def _send(self, row: Projection, desired: Desired) -> bool:
        if row.seen is None:
            if desired.close is not None:  # nothing of it ever reached the EHR
                self.recorder.save(replace(row, desired=None), "nothing to close")
                return False
            return self._create(row, desired)
        return self._change(row, row.seen, desired)

    # -- create --------------------------------------------------------------------------------

    def _create(self, row: Projection, desired: Desired) -> bool:
        found = self._find(row.key)
        if isinstance(found, GoneError):
            return self._take_next_number(row)
        if found:
            return self._found_before(row, found)
        if not self.checks.same_person(row) or not self.checks.is_in_pilot(row):
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
                return self.channel.create_with_id(body, key=row.key)
            return self.channel.create(body, key=row.key)

        return self._request(replace(row, attempt=attempt), desired, call, "created")

    def _found_before(self, row: Projection, found: list[Answer]) -> bool:
        """A Task with our key is there before our first attempt: ours of another life, or used up."""
        answer = _oldest(found)
        if not self._is_whose(row, answer):
            self.recorder.reject(row, "another-patient")
            return False
        if answer.resource.get("status") not in LIVE:
            return self._take_next_number(row)
        wanted = row.desired.elements if row.desired else {}
        seen = seen_task(answer, tasks.adopted_baseline(answer.resource, wanted), generation=0)
        self.recorder.save(replace(row, seen=seen, attempt=Attempt()), "task adopted")
        return True

    def _take_next_number(self, row: Projection) -> bool:
        """This n is used in the EHR: the item goes on under n + 1 (lifecycle.md §3.5)."""
        now = self.parts.now()
        with self.parts.ledger.write(self.keeper.lease) as tx:
            item = tx.item(row.key)
            if item is None or not item.live:
                tx.save_projection(replace(row, desired=None), now)
                return False
            n = 1 + tx.highest_n(self.parts.id, item.base)
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
                answer = self.channel.own(seen.reference, row.key)
            except (GoneError, NotFoundError) as problem:
                self.gone.note([row.key], hard={row.key} if isinstance(problem, GoneError) else set())
                return False
            current = answer.resource
            if not self._is_whose(row, answer):
                self.recorder.reject(row, "another-patient")
                return False
            plan = self._plan(row, seen, desired, current)
            if plan is None:
                return False
            body, after, what = plan
            if body is None:
                self.recorder.confirm(row, answer, after, desired.generation, None)
                return False
            if what == "renamed":  # what is desired comes next
                desired, what = replace(desired, generation=desired.generation - 1), "updated"
            attempt = self._claim(row, desired, after)
            if attempt is None:
                return False
            sent: dict[str, Any] = body
            call = partial(self.channel.change, sent, key=row.key, version=answer.version)

            try:
                return self._request(replace(row, attempt=attempt), desired, call, what)
            except StaleError:
                row = replace(row, attempt=attempt)
                try:
                    row = self._settle_change(row, seen, "edited by somebody else")
                except FhirError as problem:
                    self.recorder.unknown(row, str(problem))
                    return False
                seen = row.seen or seen
        self.recorder.later(row, StaleError("edited by somebody else"))
        return False

    def _plan(
        self, row: Projection, seen: SeenTask, desired: Desired, current: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, dict[str, Any], str] | None:
        """What to send (None: nothing, it is so already), the baseline after it, and what it is."""
        status = current.get("status")
        now = self.parts.now()
        decided = status not in LIVE or (desired.close is not None and status in NOT_OURS_TO_END)
        if decided and tasks.patient_of(current) != row.patient:  # else no look at the patient shows it
            return tasks.renamed(current, row.patient, now), dict(seen.baseline), "renamed"
        if status not in LIVE:
            if desired.close is not None:  # ended, by us or by a person who was quicker
                return None, dict(seen.baseline), "closed"
            self.recorder.send_back(row, "ended in the EHR")
            return None
        if desired.close is not None:
            if status in NOT_OURS_TO_END:
                self.recorder.send_back(row, "a person is at it")
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
        self.recorder.save(replace(row, attempt=attempt), None)
        return attempt

    def _request(self, row: Projection, desired: Desired, call: Callable[[], Answer], what: str) -> bool:
        """Send it, judge the reply by lifecycle.md §3, record it."""
        try:
            answer = call()
        except NotSentError as problem:
            self.recorder.save_later(replace(row, attempt=Attempt()), str(problem), problem.retry_after)
            return False
        except (UnknownReplyError, SeveralMatchError) as problem:
            self.recorder.unknown(row, str(problem))
            return False
        except StaleError:
            if row.seen is None:  # a conditional create that collided with itself
                self.recorder.unknown(row, "409 on create")
                return False
            raise
        except (AuthError, ChannelError) as problem:
            self.recorder.save(replace(row, attempt=Attempt()), str(problem))
            self.recorder.stop(str(problem))
            return False
        except RejectedError as problem:
            self.recorder.reject(replace(row, attempt=Attempt()), str(problem))
            return False
        except (GoneError, NotFoundError) as problem:
            self.recorder.save(replace(row, attempt=Attempt()), "gone while writing")
            if row.seen is not None:
                self.gone.note([row.key], hard={row.key} if isinstance(problem, GoneError) else set())
                return False
            return self._take_next_number(row)
        except FhirError as problem:  # answered, but unreadable: the write may have happened
            self.recorder.unknown(row, str(problem))
            return False
        if tasks.patient_of(answer.resource) != row.patient and row.seen is None:
            self.recorder.reject(replace(row, attempt=Attempt()), "another-patient")
            return False
        self.recorder.confirm(row, answer, dict(row.attempt.baseline or {}), desired.generation, what)
        return False

    # -- settling ------------------------------------------------------------------------------

    def _settle(self, row: Projection) -> bool:
        settings = self.parts.settings
        since = row.attempt.since or self.parts.now()
        if self.parts.now() < since + timedelta(seconds=settings.settle_seconds):
            with self.tally.lock:
                self.tally.unknown.add(row.key)
            return False
        if row.seen is not None:
            self._settle_change(row, row.seen, row.error)
            return True
        found = self._find(row.key)
        if not found:
            self.parts.clock.sleep(settings.index_lag_seconds)
            if self.stopping():  # the sleep may have ended early: a second look now would prove nothing
                return False
            found = self._find(row.key)
        if isinstance(found, GoneError):
            self.gone.note([row.key], hard={row.key})
            return False
        if not found:
            self.recorder.try_again(row)
            return True
        answer = _oldest(found)
        if not self._is_whose(row, answer):
            self.recorder.reject(replace(row, attempt=Attempt()), "another-patient")
            return False
        baseline = dict(row.attempt.baseline or tasks.baseline(answer.resource))
        self.recorder.confirm(row, answer, baseline, row.attempt.generation or 0, "created")
        self._end_younger(row, [each for each in found if each is not answer], baseline)
        return True

    def _settle_change(self, row: Projection, seen: SeenTask, error: str | None) -> Projection:
        """An update, stored or not: what the Task shows of it counts as ours, whatever comes next."""
        try:
            current = self.channel.own(seen.reference, row.key).resource
        except (GoneError, NotFoundError):  # the next step meets that too, and says so
            return self.recorder.save(replace(row, attempt=Attempt()), error)
        baseline = tasks.settled_baseline(current, seen.baseline, row.attempt.baseline or {})
        settled = replace(row, seen=replace(seen, baseline=baseline), attempt=Attempt())
        return self.recorder.save(settled, error)

    def _end_younger(self, row: Projection, others: Iterable[Answer], baseline: dict[str, Any]) -> None:
        """Cancel untouched duplicates; one that a person touched stays and goes to the operators."""
        for other in others:
            if other.resource.get("status") not in LIVE:
                continue
            if tasks.is_touched(other.resource, baseline):
                self.recorder.set_aside(row, "duplicate-touched")
                continue
            body = tasks.ended(other.resource, CloseReason.SUPERSEDED, self.parts.now())
            self.channel.change(body, key=row.key, version=other.version)
            with self.parts.ledger.write(self.keeper.lease) as tx:
                tx.audit(
                    row.source, "duplicate cancelled", self.parts.now(), actor="service", subject=row.key
                )

    def _is_whose(self, row: Projection, answer: Answer) -> bool:
        """`for` is the patient, or one that was merged into the patient."""
        whose = tasks.patient_of(answer.resource)
        return whose == row.patient or self.checks.is_alias(whose, row)

    def _find(self, key: str) -> list[Answer] | GoneError:
        """The Tasks with our key, by a search that no cache answers, and by our own id."""
        found: dict[str, Answer] = {}
        if self.own_ids:
            try:
                answer = self.channel.read("Task", key)
                found[answer.id] = answer
            except NotFoundError:
                pass
            except GoneError as gone:
                return gone
        for answer in self.channel.find(key):
            found.setdefault(answer.id, answer)
        return list(found.values())


def _oldest(found: Iterable[Answer]) -> Answer:
    def age(answer: Answer) -> tuple[str, str]:
        meta = answer.resource.get("meta") or {}
        return str(answer.resource.get("authoredOn") or meta.get("lastUpdated") or ""), answer.id

    return min(found, key=age)

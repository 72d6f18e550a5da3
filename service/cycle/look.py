"""Gather, assess and reconcile a group of patients, and commit what follows in one transaction."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from service import wording
from service.assess import assess, render
from service.channels import task as tasks
from service.cycle.closing import want_closed
from service.cycle.gate import noted
from service.cycle.merge import move_to, not_followed, replaced_by, survivor
from service.cycle.muted import Row, muted_by, muted_until_read, stored_rows
from service.cycle.parts import Parts
from service.cycle.placing import owner_of, rank_of
from service.cycle.vanished import confirm_vanished, rows_of
from service.cycle.wanted import backed, elements_of, want
from service.identity import another_person
from service.model.assessment import Assessment
from service.model.days import date_of
from service.model.item import Item, ItemState, Projection
from service.ports import (
    ANOTHER_PERSON,
    NOT_READ,
    NOT_THOUGHT_ABOUT,
    Lease,
    PatientRow,
    QuarantineRow,
    StoredAssessment,
    Transaction,
)
from service.reconcile import (
    CRITICAL_TYPES,
    NOT_OURS_TO_END,
    WINDOWS,
    Decision,
    ShownTask,
    Situation,
    Want,
    reconcile,
)
from service.record.group import PatientRecord

_OPERATORS_AFTER = timedelta(hours=48)  # lifecycle.md §2


@dataclass
class Looked:
    """What looking at patients came to; grows with each group of a cycle."""

    patients: int = 0
    assessed: int = 0
    incomplete: int = 0
    complete_reads: int = 0
    quarantined: set[str] = field(default_factory=set)
    held: dict[str, Assessment] = field(default_factory=dict)  # by item key, for the release
    missing: list[str] = field(default_factory=list)  # keys whose Task a complete read did not show
    once_complete: set[str] = field(default_factory=set)  # types read completely for somebody
    unread: set[str] = field(default_factory=set)  # patients about whom nothing could be decided
    planned_new: int = 0  # of a dry run


def look(parts: Parts, lease: Lease | None, patients: Sequence[str], found: Looked) -> None:
    """Look at these patients; `lease` None is a dry run that writes nothing."""
    with parts.ledger.read() as tx:
        outcomes = tx.outcomes_of(parts.id, patients)
        once_complete = tx.source_state(parts.id).once_complete
        before = {one: _known_rows(tx, parts.id, one) for one in patients}
    records = [
        confirm_vanished(parts, record, before.get(record.patient_id, ()))
        for record in parts.source.gather(patients, outcomes, once_complete)
    ]
    survivors = {
        record.patient_id: survivor(parts, record) for record in records if replaced_by(record.patient)
    }
    now = parts.now()
    today = parts.day(now)
    answers = [_answer(parts, record, today) for record in records]
    with parts.ledger.write(lease) if lease else parts.ledger.read() as tx:
        looked = sorted(
            zip(records, answers, strict=True), key=lambda pair: pair[0].patient_id not in survivors
        )
        for record, (assessment, muted) in looked:  # merged ones first: what they leave is decided on at once
            other = survivors.get(record.patient_id)
            if other is not None and not _critical(record):
                if lease is not None:
                    move_to(tx, parts, record, other, now)
                continue
            _Patient(parts, tx, record, found, now, today, muted, dry=lease is None).take(assessment)
            if record.patient_id in survivors and other is None and lease is not None:
                tx.set_aside(not_followed(parts, record, now))


def _critical(record: PatientRecord) -> list[str]:
    """The types whose failed read lets nothing change (lifecycle.md §2)."""
    return sorted(kind for kind in CRITICAL_TYPES if (read := record.reads.get(kind)) and read.failed)


def _known_rows(tx: Transaction, source: str, patient: str) -> Sequence[str]:
    """References of what was there when it was last looked at, and of the Tasks that we know of."""
    tasks_of = (each.seen.reference for each in tx.projections_of(source, patient) if each.seen is not None)
    return list(dict.fromkeys([*_rows_before(tx.assessment(source, patient)), *tasks_of]))


def _rows_before(stored: StoredAssessment | None) -> Sequence[str]:
    rows: Sequence[str] = stored.body.get("rows", ()) if stored is not None else ()
    return rows


def _answer(parts: Parts, record: PatientRecord, today: date) -> tuple[Assessment | str, Sequence[Row]]:
    """The assessment, or why there is none, and what evidence keeps away, where all of it was read.

    One record that cannot be thought about stops nothing else.
    """
    try:
        assessment = assess(record, parts.policy, parts.knowledge, today)
        return assessment, () if assessment.failed_reads else muted_by(parts, record, assessment)
    except Exception as problem:  # noqa: BLE001 (the one home of it in a cycle: set aside, named, looked at again)
        parts.log.warning("assessment failed", error=type(problem).__name__)
        return f"assessment failed: {type(problem).__name__}", ()


@dataclass
class _Patient:
    """One patient in the group's transaction."""

    parts: Parts
    tx: Transaction
    record: PatientRecord
    found: Looked
    now: datetime
    today: date
    muted: Sequence[Row]  # what evidence keeps away, when all of it was read
    dry: bool

    @property
    def id(self) -> str:
        return self.record.patient_id

    def take(self, assessment: Assessment | str) -> None:
        """Reconcile and write one patient."""
        source = self.parts.id
        self.found.patients += 1
        row = self.tx.patient(source, self.id) or PatientRow(
            source=source, patient=self.id, base=self.parts.identity.base(source, self.id)
        )
        failed = sorted(kind for kind, read in self.record.reads.items() if read.failed)
        self.found.complete_reads += any(read.state == "complete" for read in self.record.reads.values())
        self.found.once_complete |= {k for k, read in self.record.reads.items() if read.state == "complete"}
        person = self._fingerprint()
        if person is not None and another_person(row.fingerprint, person):
            self._set_aside(ANOTHER_PERSON, reference=f"Patient/{self.id}")
            self._save_row(row, complete=False)
            return
        if isinstance(assessment, str):
            self._set_aside(NOT_THOUGHT_ABOUT, reference=f"Patient/{self.id}")
            self._save_row(row, complete=False)
            self.found.incomplete += 1
            return
        self.found.assessed += 1
        self.found.incomplete += bool(failed)
        if _critical(self.record):
            self.found.unread.add(self.id)
        blocked = self._quarantine(assessment)
        self._tell_operators(row, failed)
        items = self.tx.items_of(source, self.id)
        projections = {projection.key: projection for projection in self.tx.projections_of(source, self.id)}
        situation = Situation(
            source=source,
            patient=self.id,
            base=row.base,
            items=items,
            shown=_shown(self.record, {row.base, *(item.base for item in items)}, projections),
            today=self.today,
            now=self.now,
            windows={name: self.parts.policy.days(name) for name in WINDOWS.values()},
            rank=rank_of(assessment, self.record, self.today),
            owner=owner_of(assessment, self.record),
            highest_n=self.tx.highest_n(source, row.base),
            answered_on=_answered_on(self.record),
            muted=muted_until_read(
                self.tx.assessment(source, self.id), self.today, self.parts.settings.max_age_days
            ),
            blocked=blocked,
        )
        decision = noted(reconcile(assessment, situation), items, self.record.patient, self.parts.settings)
        self._note_missing(items, projections)
        self.found.planned_new += sum(item.state is ItemState.HELD for item in decision.items)
        if not _critical(self.record):
            self._let_release(assessment, {item.key: item for item in (*items, *decision.items)}.values())
        if self.dry:
            return
        patient = self.record.patient
        alias = row.alias_of if patient is None or replaced_by(patient) else None
        for outcome in self.record.task_outcomes():  # of a merged record they are the survivor's
            self.tx.save_outcome(source, alias or self.id, outcome, self.now)
        self._write(decision, assessment, items, projections)
        self._save_row(
            row,
            complete=not failed,
            wake_on=assessment.wake_on,
            fingerprint=person if person is not None else row.fingerprint,
            due=bool(decision.void),
            alias_of=alias,
            display=self._display(row, items, decision),
        )

    def _let_release(self, assessment: Assessment, items: Iterable[Item]) -> None:
        """What a held item may be opened on: nothing that leans on a failed read."""
        for item in items:
            firm = backed(assessment, item)
            if item.state is ItemState.HELD and firm.findings:
                self.found.held[item.key] = firm

    # -- writing -------------------------------------------------------------------------------

    def _write(
        self,
        decision: Decision,
        assessment: Assessment,
        items: Iterable[Item],
        projections: Mapping[str, Projection],
    ) -> None:
        source, now = self.parts.id, self.now
        for key in decision.void:
            self.tx.void_outcome(source, key, now)
        for item in decision.items:
            self.tx.save_item(item, now)
        for act, key in decision.acts:
            self.tx.audit(source, act, now, actor="service", subject=key)
        for key in decision.failed_elsewhere:
            self._set_aside("task-failed-elsewhere", key=key)
        wants = dict(decision.wants)
        decided = {*wants, *(item.key for item in decision.items)}
        latest = {item.key: item for item in (*items, *decision.items)}
        for item in (latest[key] for key in sorted(decided)):
            want = wants.get(item.key)
            projection = projections.get(item.key)
            if want is Want.OPEN:
                self._want_open(item, assessment, projection)
            elif want is Want.CLOSED:
                want_closed(self.tx, item, projection, now)
            elif item.state is ItemState.CLOSED and projection is not None:
                self.tx.save_projection(replace(projection, desired=None), now)
        self._compare(projections, decided)
        self._keep(assessment)

    def _compare(self, projections: Mapping[str, Projection], decided: Container[str]) -> None:
        """What the EHR shows of Tasks about which nothing else was decided."""
        for task in self.record.own_tasks():
            projection = projections.get(task.key)
            if projection is None or task.key in decided:
                continue
            shown = projection.shown_as(task.reference, task.version)
            if projection.is_ending and task.status in NOT_OURS_TO_END:
                shown = replace(projection, desired=None)  # of an earlier item: it stays theirs
                self._set_aside("duplicate-touched", key=task.key)
            if shown.seen is not None and shown.seen.gone and shown.seen.reference == task.reference:
                shown = replace(shown, seen=replace(shown.seen, gone=0))
            if shown is not projection:
                self.tx.save_projection(shown, self.now)

    def _keep(self, assessment: Assessment) -> None:
        """What later looks and writes rest on; an answer to a record without a type that decides is none."""
        if _critical(self.record):
            return
        rows, muted = rows_of(self.record), self.muted
        if assessment.failed_reads:
            stored = self.tx.assessment(self.parts.id, self.id)
            rows = list(dict.fromkeys([*_rows_before(stored), *rows]))  # what was not read may be there still
            muted = stored_rows(stored)
        body = {**render(assessment), "rows": rows, "muted": muted}
        self.tx.save_assessment(self.parts.id, StoredAssessment(self.id, self.now, body))

    def _want_open(self, item: Item, assessment: Assessment, projection: Projection | None) -> None:
        if item.not_due_since is not None and projection is not None and projection.desired is not None:
            why = wording.close_reason(item.not_due_why or "")
            elements = tasks.no_longer_due(projection.desired.elements, item.not_due_since, why)
            want(self.tx, self.parts, item, elements, projection, self.now)
        elif (firm := backed(assessment, item)).findings:
            elements = elements_of(self.parts, firm, item)
            want(self.tx, self.parts, item, elements, projection, self.now, rests_on=firm)

    def _save_row(self, row: PatientRow, *, complete: bool, due: bool = False, **changes: Any) -> None:
        if self.dry:
            return
        since = None if complete else row.incomplete_since or self.now
        self.tx.save_patient(
            replace(
                row,
                due=due,
                due_why=None,
                first=False,
                gathered_at=self.now,
                complete=complete,
                incomplete_since=since,
                reads=dict(self.record.reads),
                **changes,
            )
        )

    def _display(
        self, row: PatientRow, items: Iterable[Item], decision: Decision
    ) -> Mapping[str, str] | None:
        """What people know the patient by, while a review is open; then nothing (design.md, Ledger tables)."""
        latest = {item.key: item for item in (*items, *decision.items)}
        if not any(item.live for item in latest.values()):
            return None
        return self.record.display() or row.display

    # -- what stands out -----------------------------------------------------------------------

    def _fingerprint(self) -> dict[str, object] | None:
        patient = self.record.patient
        if patient is None:
            return None
        pairs = [(each.system, each.value) for each in patient.identifier or () if each.value]
        return self.parts.identity.fingerprint(pairs, patient.birth_date)

    def _quarantine(self, assessment: Assessment) -> bool:
        """Put unreadable resources before people; True while one that may matter is not accepted."""
        unread = [(each.reference, each.reason) for each in assessment.unreadable if each.in_scope]
        accepted = (
            {
                (row.reference, row.reason)
                for row in self.tx.quarantine(self.parts.id, patient=self.id)
                if row.accepted_at is not None
            }
            if unread
            else set()
        )
        for reference, reason in unread:
            self._set_aside(reason, reference=reference)
        if not self.dry:
            self.tx.settle_quarantine(self.parts.id, self.id, [*unread, *self._not_read_again()])
        return any(pair not in accepted for pair in unread)

    def _not_read_again(self) -> Iterator[tuple[str | None, str]]:
        """Rows of types that were not read now: neither repaired nor there; what people accepted stays so."""
        failed = {kind for kind, read in self.record.reads.items() if read.failed}
        for row in self.tx.quarantine(self.parts.id, patient=self.id) if failed else ():
            if row.key is None and (row.reference or "").partition("/")[0] in failed:
                yield row.reference, row.reason

    def _tell_operators(self, row: PatientRow, failed: Iterable[str]) -> None:
        """A patient whose record could not be read for two days is one for people (lifecycle.md §2)."""
        since = row.incomplete_since
        if since is not None and CRITICAL_TYPES.intersection(failed) and self.now - since >= _OPERATORS_AFTER:
            self._set_aside(NOT_READ, reference=self.record.reference)

    def _set_aside(self, reason: str, *, reference: str | None = None, key: str | None = None) -> None:
        self.found.quarantined.add(f"{self.id} {reference or key} {reason}")
        if not self.dry:
            self.tx.set_aside(QuarantineRow(self.parts.id, self.id, reference, key, reason, self.now))

    def _note_missing(self, items: Iterable[Item], projections: Mapping[str, Projection]) -> None:
        read = self.record.reads.get("Task")
        if read is None or read.state != "complete":
            return
        there = {task.key for task in self.record.own_tasks()}
        for item in items:
            projection = projections.get(item.key)
            known = projection is not None and projection.seen is not None
            if item.state is ItemState.OPEN and known and item.key not in there:
                self.found.missing.append(item.key)


def _shown(
    record: PatientRecord, bases: set[str], projections: Mapping[str, Projection]
) -> tuple[ShownTask, ...]:
    shown = []
    for task in record.own_tasks():
        if task.key.rpartition("-")[0] not in bases:
            continue
        projection = projections.get(task.key)
        pending = projection is not None and projection.is_ending
        wanted = projection is None or projection.desired is not None
        shown.append(
            ShownTask(
                task.key, task.reference, task.status, task.ours_ended, close_pending=pending, wanted=wanted
            )
        )
    return tuple(shown)


def _answered_on(record: PatientRecord) -> date | None:
    days = [one.day for one in (*record.outcomes, *record.task_outcomes())]
    return date_of(max(days)) if days else None

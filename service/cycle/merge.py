"""Merged patients: the item follows the person to the record that lives on (lifecycle.md §2)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from service.cycle.closing import want_closed
from service.cycle.parts import Parts
from service.fhir.errors import FhirError
from service.model.item import CloseReason, Item, ItemState
from service.ports import PatientRow, QuarantineRow, Transaction
from service.reconcile import LIVE, NOT_OURS_TO_END, newest
from service.record.elements import Patient
from service.record.group import PatientRecord
from service.record.references import patient_reference

_MOST_HOPS = 5  # lifecycle.md §2


def replaced_by(patient: Patient | None) -> str | None:
    """The bare id of the record that replaces this one; None when none does."""
    for link in (patient.link or ()) if patient else ():
        if link.type == "replaced-by" and link.other is not None:
            reference = patient_reference(link.other.reference)
            if reference is not None:
                return reference.removeprefix("Patient/")
    return None


def survivor(parts: Parts, record: PatientRecord) -> str | None:
    """The bare id of the record at the end of the links; None: not merged, in a circle, or not to be read."""
    seen = {record.patient_id}
    following = replaced_by(record.patient)
    for _ in range(_MOST_HOPS):
        if following is None or following in seen:
            return None
        seen.add(following)
        try:
            body = parts.client.read("Patient", following).reading.body
        except FhirError:
            return None
        beyond = replaced_by(body if isinstance(body, Patient) else None)
        if beyond is None:
            return following
        following = beyond
    return None


def move_to(tx: Transaction, parts: Parts, record: PatientRecord, other: str, now: datetime) -> None:
    """The survivor keeps its item and this one closes `superseded`; if only this has one, it moves, key kept.

    One whose Task somebody has in hand stays until that is ended, and is shown to operators.
    """
    source, patient = parts.id, record.patient_id
    base = parts.identity.base
    row = tx.patient(source, patient) or PatientRow(source, patient, base(source, patient))
    known = tx.patient(source, other) or PatientRow(source, other, base(source, other))
    until = max((day for day in (row.cohort_until, known.cohort_until) if day), default=None)
    tx.save_patient(replace(known, cohort_until=until, due=True, due_why="merged", first=True))
    tx.save_patient(
        replace(
            row, alias_of=other, cohort_until=None, due=False, wake_on=None, gathered_at=now, complete=True
        )
    )
    for outcome in (*tx.outcomes_of(source, [patient])[patient], *record.task_outcomes()):
        tx.save_outcome(source, other, outcome, now)
    shown = {task.key: task.status for task in record.own_tasks()}
    items = tx.items_of(source, patient)
    mine = _live(items) or next((item for item in items if shown.get(item.key) in NOT_OURS_TO_END), None)
    if mine is None:
        _remember(tx, items, other, now)
        return
    status = shown.get(mine.key)
    act: str | None
    if status is not None and status not in LIVE:
        act = _end(tx, mine, CloseReason.REVIEWED, parts.day(now), now, wanted=False)
    elif _live(tx.items_of(source, other)) is None:
        act = _move(tx, mine, other, now)
    elif status in NOT_OURS_TO_END:
        act = _leave(tx, mine, now)
    else:
        act = _end(tx, mine, CloseReason.SUPERSEDED, parts.day(now), now, wanted=True)
    if act is not None:
        tx.audit(source, act, now, actor="service", subject=mine.key)


def not_followed(parts: Parts, record: PatientRecord, now: datetime) -> QuarantineRow:
    """A merge whose survivor cannot be told: people must look."""
    return QuarantineRow(parts.id, record.patient_id, record.reference, None, "merge-not-followed", now)


def _remember(tx: Transaction, items: Sequence[Item], other: str, now: datetime) -> None:
    """A deletion by a person, or a recall, holds for the person, whatever the record is called now."""
    last = newest(items)
    if last is None or _live(tx.items_of(last.source, other)) is not None:
        return
    if last.state is ItemState.WITHDRAWN or last.recalled:
        tx.save_item(replace(last, patient=other), now)


def _end(
    tx: Transaction, mine: Item, reason: CloseReason, today: date, now: datetime, *, wanted: bool
) -> str:
    """Close it; `wanted`: its Task is still to be ended."""
    closed = replace(mine, state=ItemState.CLOSED, close_reason=reason, closed_on=today)
    tx.save_item(closed, now)
    projection = tx.projection(mine.source, mine.key)
    if wanted:
        want_closed(tx, closed, projection, now)
    elif projection is not None:
        tx.save_projection(replace(projection, desired=None), now)
    return f"item closed: {reason.value}"


def _leave(tx: Transaction, mine: Item, now: datetime) -> str | None:
    """Both records had an item when they became one, and somebody has this Task in hand: people must look."""
    tx.set_aside(QuarantineRow(mine.source, mine.patient, None, mine.key, "duplicate-touched", now))
    projection = tx.projection(mine.source, mine.key)
    if projection is not None and projection.desired is not None:
        tx.save_projection(replace(projection, desired=None), now)
    if mine.state is ItemState.OPEN:
        return None
    tx.save_item(_open(mine), now)
    return "item opened again"


def _open(item: Item) -> Item:
    return replace(item, state=ItemState.OPEN, close_reason=None, closed_on=None)


def _live(items: list[Item]) -> Item | None:
    return next((item for item in items if item.live), None)


def _move(tx: Transaction, mine: Item, other: str, now: datetime) -> str:
    item = _open(mine) if mine.state is ItemState.CLOSED else mine
    tx.save_item(replace(item, patient=other), now)
    projection = tx.projection(item.source, item.key)
    if projection is not None:
        desired = projection.desired
        if desired is not None:
            elements = {**desired.elements, "for": {"reference": f"Patient/{other}"}}
            desired = replace(desired, elements=elements, generation=desired.generation + 1, close=None)
        tx.save_projection(replace(projection, patient=other, desired=desired, next_try_at=None), now)
    return "item moved to the merged patient"

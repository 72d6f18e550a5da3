"""Merged patients: the item follows the person to the record that lives on (lifecycle.md §2)."""

from dataclasses import replace
from datetime import datetime

from service.cycle.closing import want_closed
from service.cycle.parts import Parts
from service.fhir.errors import FhirError
from service.model.item import CloseReason, Item, ItemState
from service.ports import PatientRow, QuarantineRow, Transaction
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
    """The survivor keeps its item and this one closes `superseded`; if only this has one, it moves, key kept."""
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
    for outcome in tx.outcomes_of(source, [patient])[patient]:
        tx.save_outcome(source, other, outcome, now)
    mine = _live(tx.items_of(source, patient))
    if mine is None:
        return
    if _live(tx.items_of(source, other)) is None:
        _move(tx, mine, other, now)
        act = "item moved to the merged patient"
    else:
        closed = replace(
            mine, state=ItemState.CLOSED, close_reason=CloseReason.SUPERSEDED, closed_on=parts.day(now)
        )
        tx.save_item(closed, now)
        want_closed(tx, closed, tx.projection(source, mine.key), now)
        act = "item closed: superseded"
    tx.audit(source, act, now, actor="service", subject=mine.key)


def not_followed(parts: Parts, record: PatientRecord, now: datetime) -> QuarantineRow:
    """A merge whose survivor cannot be told: people must look."""
    return QuarantineRow(parts.id, record.patient_id, record.reference, None, "merge-not-followed", now)


def _live(items: list[Item]) -> Item | None:
    return next((item for item in items if item.live), None)


def _move(tx: Transaction, item: Item, other: str, now: datetime) -> None:
    tx.save_item(replace(item, patient=other), now)
    projection = tx.projection(item.source, item.key)
    if projection is None:
        return
    desired = projection.desired
    if desired is not None:
        elements = {**desired.elements, "for": {"reference": f"Patient/{other}"}}
        desired = replace(desired, elements=elements, generation=desired.generation + 1)
    tx.save_projection(replace(projection, patient=other, desired=desired, next_try_at=None), now)

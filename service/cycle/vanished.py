"""Rows that were there before and are not in a read any more: gone, or lost on the way?

A page that is cut short without a word looks like fewer rows (fhir-quirks.md Q-05, Q-29).  So what
vanished is asked for by id: while it is still there the read of its type has failed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from service.cycle.parts import Parts
from service.fhir.errors import FhirError, GoneError, NotFoundError
from service.model.facts import Read
from service.record.elements import Resource
from service.record.group import PatientRecord

_ASKED_FOR = 3  # of the vanished rows of a type; one that is still there is enough


def rows_of(record: PatientRecord) -> list[str]:
    """References of the rows that decide about a patient."""
    resources: list[Resource] = [*record.orders, *record.fills, *record.conditions, *record.procedures]
    resources += [*record.observations, *record.responses, *record.plans, *record.encounters, *record.tasks]
    return [*(one.reference for one in resources), *(one.reference for one in record.unreadable)]


def confirm_vanished(parts: Parts, record: PatientRecord, before: Iterable[str]) -> PatientRecord:
    """The record, with a type's read failed where rows of it only seemed to be gone."""
    now = set(rows_of(record))
    reads = dict(record.reads)
    by_kind: dict[str, list[str]] = {}
    for reference in before:
        kind = reference.partition("/")[0]
        read = reads.get(kind)
        if reference not in now and read is not None and read.state == "complete":
            by_kind.setdefault(kind, []).append(reference)
    for kind, references in by_kind.items():
        why = _still_there(parts, record.reference, references[:_ASKED_FOR])
        if why is not None:
            reads[kind] = Read("failed", why)
    return replace(record, reads=reads) if reads != record.reads else record


def _still_there(parts: Parts, patient: str, references: Sequence[str]) -> str | None:
    """Why the read cannot be believed; None when every row asked for is gone, or somebody else's now."""
    for reference in references:
        kind, _, id_ = reference.partition("/")
        try:
            found = parts.client.read(kind, id_)
        except (GoneError, NotFoundError):
            continue
        except FhirError as problem:
            return f"whether rows are gone could not be read: {problem}"
        if found.reading.patient == patient:
            return "rows that are still there were not in the answer"
    return None

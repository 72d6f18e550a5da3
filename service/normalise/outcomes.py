"""Outcomes: what the ledger knows and what own Tasks say, joined by key (rules.md, Outcomes)."""

from service.model.facts import Outcome
from service.record.group import PatientRecord

_ENDED = frozenset({"completed", "cancelled", "rejected", "entered-in-error"})


def outcomes_of(record: PatientRecord) -> tuple[Outcome, ...]:
    """One outcome per key, the later; in order of day.

    An outcome that the ledger took from a Task which a person has re-opened since is void; one that it
    took from a Task which tells of an earlier day now (the EHR was restored) still counts.
    """
    tasks = record.own_tasks()
    reopened = {task.reference for task in tasks if task.status not in _ENDED}
    read = {task.outcome.reference: task.outcome for task in tasks if task.outcome is not None}
    kept = [
        one
        for one in record.outcomes
        if one.reference not in reopened
        and not (one.reference in read and one.day <= read[one.reference].day)
    ]
    latest: dict[str, Outcome] = {}
    for one in (*kept, *read.values()):
        known = latest.get(one.key)
        if known is None or (one.day, one.reference) > (known.day, known.reference):
            latest[one.key] = one
    return tuple(sorted(latest.values(), key=lambda one: (one.day, one.reference)))

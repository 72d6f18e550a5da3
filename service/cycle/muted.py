"""What evidence in the record answers, so that it stays answered while it cannot be read (lifecycle.md §2).

A review, a plan or a condition in a type whose read failed is not seen.  What would fire without it is
worked out whenever everything was read, and is not asked for as long as a record counts as known at
all (`max_age_days`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from service.assess import assess
from service.cycle.parts import Parts
from service.model.assessment import Assessment, Finding, Priority
from service.ports import StoredAssessment
from service.reconcile import NEED_COMPLETE, Muted
from service.record.group import PatientRecord

Row = Mapping[str, str]


def muted_by(parts: Parts, record: PatientRecord, assessment: Assessment) -> list[Row]:
    """The findings that only evidence in the record keeps away, as they are stored with the assessment."""
    asked = [
        found
        for blind in _without_evidence(record)
        for found in assess(blind, parts.policy, parts.knowledge, assessment.as_of).findings
        if found.rule not in NEED_COMPLETE and not _is_among(assessment.findings, found)
    ]
    rows = [
        {
            "rule": found.rule,
            "priority": found.priority.word,
            "since": found.since.isoformat(),
            "on": assessment.as_of.isoformat(),
        }
        for found in asked
    ]
    return [row for n, row in enumerate(rows) if row not in rows[:n]]


def stored_rows(stored: StoredAssessment | None) -> Sequence[Row]:
    """The rows of an earlier assessment; none of one that had none."""
    rows: Sequence[Row] = stored.body.get("muted", ()) if stored is not None else ()
    return rows


def muted_until_read(stored: StoredAssessment | None, today: date, max_age_days: float) -> list[Muted]:
    """What was answered by evidence that is not older than a record may be."""
    oldest = today - timedelta(days=max_age_days)
    return [
        Muted(row["rule"], Priority.of(row["priority"]), date.fromisoformat(row["since"]))
        for row in stored_rows(stored)
        if date.fromisoformat(row["on"]) >= oldest
    ]


def _without_evidence(record: PatientRecord) -> Iterator[PatientRecord]:
    """The record as it looks while one type that it holds cannot be read, and while none of them can."""
    blind = [
        replace(record, conditions=()),
        replace(record, procedures=()),
        replace(record, observations=()),
        replace(record, responses=()),
        replace(record, plans=()),
        replace(record, conditions=(), procedures=(), observations=(), responses=(), plans=()),
    ]
    for n, each in enumerate(blind):
        if each not in (record, *blind[:n]):
            yield each


def _is_among(findings: Sequence[Finding], found: Finding) -> bool:
    return any(each.rule == found.rule and each.priority >= found.priority for each in findings)

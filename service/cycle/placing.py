"""Where an item goes: its place in the order of release, and whose inbox (lifecycle.md §5, §6)."""

from datetime import date

from service.model.assessment import Assessment
from service.record.group import PatientRecord

_DEPENDENCE_RANK = {"likely": 3, "possible": 2, "unlikely": 1, "none": 0}


def rank_of(assessment: Assessment, record: PatientRecord, today: date) -> tuple[int, int, float, int, int]:
    """The order of release: priority, dependence, DME, age, length (lifecycle.md §6)."""
    episode = assessment.episode
    priority = int(assessment.item.priority) if assessment.item else 0
    if episode is None:
        return (priority, 0, 0.0, 0, 0)
    born = record.patient.birth_date if record.patient else None
    age = today.year - int(born[:4]) if born and born[:4].isdecimal() else 0
    return (
        priority,
        _DEPENDENCE_RANK.get(episode.dependence, 0),
        episode.dme.high if episode.dme else 0.0,
        age,
        -episode.start.toordinal(),  # the longest first; a count of days would change every day
    )


def owner_of(assessment: Assessment, record: PatientRecord) -> str | None:
    """Prescriber of the newest order if active, else the general practitioner (lifecycle.md §5)."""
    if assessment.prescriber and record.is_active_practitioner(assessment.prescriber):
        return assessment.prescriber
    return record.general_practitioner()

"""The sentences that clinicians read, made from an assessment (lifecycle.md §5).

They say *review*, never *stop*; dates are absolute, so that a text stays true while it stands.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from service.model.assessment import Assessment, Finding
from service.wording.templates import NEVER_ABRUPTLY, cautions, label, sentence
from service.wording.words import amount, day, doses, equivalent, listed, number

__all__ = [
    "DESCRIPTION_LENGTH", "INTENDED_USE", "amount", "close_reason", "day", "description", "doses", "equivalent",
    "listed", "next_steps", "no_longer_due", "note", "number", "reason",
]  # fmt: skip

DESCRIPTION_LENGTH = 200  # characters; lifecycle.md §5
INTENDED_USE = (
    "This is a prompt for a clinician who can check it against the record; it is not an order, "
    "and not for emergencies."
)


def description(assessment: Assessment) -> str:
    """One line: what is due, the dose, since when, the last review; at most 200 characters."""
    text = _description(assessment, _medicines(assessment, in_full=True))
    if len(text) > DESCRIPTION_LENGTH:
        text = _description(assessment, _medicines(assessment, in_full=False))
    return text if len(text) <= DESCRIPTION_LENGTH else text[: DESCRIPTION_LENGTH - 1].rstrip() + "…"


def _description(assessment: Assessment, medicines: str) -> str:
    why = label(assessment.findings[0]) if assessment.findings else None
    head = f"Benzodiazepine review due{f', {why}' if why else ''}"
    review = f"last review {day(assessment.last_review)}" if assessment.last_review else "no review on record"
    return f"{head}: {medicines}; {review}" if medicines else f"{head}; {review}"


def _medicines(assessment: Assessment, *, in_full: bool) -> str:
    episode = assessment.episode
    if episode is None:
        return ""
    what = doses(episode) if in_full else f"{len(episode.daily_dose_mg or episode.ingredients)} medicines"
    ended = "" if episode.covered else f", supply until {day(episode.end - timedelta(days=1))}"
    return f"{what} since {day(episode.start)}{ended}"


def reason(finding: Finding) -> str:
    """A finding in one sentence with the numbers that decided.

    One that an earlier version stored may lack facts of today's sentences: then what every finding has.
    """
    when = f"{finding.title} since {day(finding.since)}, due {day(finding.due_on)}"
    try:
        return f"{when}: {sentence(finding)}"
    except (KeyError, TypeError):
        return when


def next_steps(findings: Iterable[Finding]) -> list[str]:
    """The actions of the findings, each once, the most pressing finding first."""
    return list(dict.fromkeys(action for finding in findings for action in finding.actions))


def note(assessment: Assessment) -> str:
    """What to do next, what must not happen, what was missing, and what this is."""
    steps = "; ".join(next_steps(assessment.findings[:2]))
    lines = [f"Next: {steps}." if steps else "Next: review with the patient."]
    lines += dict.fromkeys(text for finding in assessment.findings for text in cautions(finding))
    if "S8" in assessment.cautions:
        lines.append(NEVER_ABRUPTLY)
    if assessment.missing:
        lines.append(f"Not visible to this service: {', '.join(assessment.missing)}.")
    if any(item.in_scope for item in assessment.unreadable):
        lines.append("At least one order could not be read; check the medication list itself.")
    lines.append(f"Assessed for {day(assessment.as_of)} with policy {assessment.policy}. {INTENDED_USE}")
    return " ".join(lines)


def no_longer_due(since: date, why: str) -> str:
    """Our note in a Task that a person is at."""
    return f"No longer due since {day(since)}: {why}. Kept open because work on it has begun. {INTENDED_USE}"


_CLOSE_REASONS = {
    "reviewed": "a review has been recorded",
    "resolved": "the record no longer asks for one",
    "expired": "the time in which it could be acted on has passed",
    "source-error": "the orders or the patient's record were taken back",
}


def close_reason(reason: str) -> str:
    """A close reason in words."""
    return _CLOSE_REASONS.get(reason, reason)

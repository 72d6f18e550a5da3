"""What the rules say about a story on a day, short enough to stand in a table."""

from datetime import date

from service.assess import assess_facts
from service.knowledge import knowledge
from service.model.assessment import Assessment
from service.model.days import date_of, day_of
from tests.exposure.builders import D, a_patient, us


def assessed(*told: object, on: int, **more: object) -> Assessment:
    return assess_facts(a_patient(*told, **more), us(), knowledge(), date_of(D + on))


def found(*told: object, on: int, **more: object) -> dict[str, str]:
    """Unsuppressed rule → priority."""
    return {each.rule: each.priority.word for each in assessed(*told, on=on, **more).findings}


def muted(*told: object, on: int, **more: object) -> dict[str, str | None]:
    """Suppressed rule → what mutes it."""
    return {each.rule: each.suppressed_by for each in assessed(*told, on=on, **more).suppressed}


def rel(when: date | None) -> int | None:
    """A date as days since day 0."""
    return None if when is None else day_of(when) - D


def since_and_due(*told: object, on: int, rule: str, **more: object) -> tuple[int | None, int | None]:
    assessment = assessed(*told, on=on, **more)
    (finding,) = (each for each in (*assessment.findings, *assessment.suppressed) if each.rule == rule)
    return rel(finding.since), rel(finding.due_on)

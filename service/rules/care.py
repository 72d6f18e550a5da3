"""S2, S3, S4, S5, S10: hospice, palliative care, a stay in hospital, and short courses."""

from collections.abc import Iterator

from service.knowledge.conditions import PALLIATIVE_OR_HOSPICE
from service.model.days import Day, Days
from service.model.facts import EncounterFact
from service.rules.case import Case

_HERE = frozenset({"in-progress", "arrived", "onleave"})
_NEVER = frozenset({"cancelled", "entered-in-error", "planned"})
_EMERGENCY = frozenset({"EMER", "OBSENC", "SS"})
_INPATIENT = frozenset({"IMP", "ACUTE", "NONAC"})
_WITHDRAWAL = "alcohol_withdrawal"


def hospice(case: Case) -> Days:
    """S2: in hospice care, now or as the last stay or procedure says."""
    return Days.union(_hospice(case))


def _hospice(case: Case) -> Iterator[Days]:
    within = case.policy.days("S2.finished_within")
    for fact in case.facts.conditions:
        if fact.hospice:
            yield case.condition_days(fact)
    for stay in case.facts.encounters:
        if stay.hospice:
            yield _stay(case, stay)
        left = stay.start if stay.end is None else stay.end  # without an end: finished since its start
        if stay.hospice_discharge and stay.status == "finished" and left is not None:
            yield Days.span(left, left + within)
    yield from (Days.span(each.day, each.day + within) for each in case.facts.procedures if each.hospice)


def palliative(case: Case) -> Days:
    """S3: palliative care or a terminal illness, dated not too long ago."""
    return Days.union(_palliative(case, case.policy.days("S3.within")))


def _palliative(case: Case, within: int) -> Iterator[Days]:
    for fact in case.facts.conditions:
        if PALLIATIVE_OR_HOSPICE in fact.concepts and not fact.hospice and fact.start is not None:
            yield case.condition_days(fact).within(fact.start, fact.start + within)
    for stay in case.facts.encounters:
        if stay.palliative and stay.status not in _NEVER and stay.start is not None:
            yield Days.span(stay.start, stay.start + within)
    yield from (Days.span(each.day, each.day + within) for each in case.facts.procedures if not each.hospice)


def in_hospital(case: Case) -> Days:
    """S4: in hospital, an emergency department or observation; not one that nobody closed."""
    emergency, inpatient = case.policy.days("S4.emergency_at_most"), case.policy.days("S4.inpatient_at_most")
    found: list[Days] = []
    for stay in case.facts.encounters:
        at_most = emergency if stay.klass in _EMERGENCY else inpatient if stay.klass in _INPATIENT else None
        if at_most is not None and stay.start is not None:
            found.append(_stay(case, stay).within(stay.start, stay.start + at_most + 1))
    return Days.union(found)


def _stay(case: Case, stay: EncounterFact) -> Days:
    """The days of a stay that goes on; without an end, to the end of the window."""
    window = case.exposure.window
    if window is None or stay.status not in _HERE:
        return Days.none()
    start = window.start if stay.start is None else stay.start
    return Days.span(start, window.end if stay.end is None else min(window.end, stay.end + 1))


def one_short_supply(case: Case) -> Days:
    """S5: the episode's only supply is one of a few days, without repeats."""
    at_most = case.policy.days("S5.supply_at_most")
    found: list[Days] = []
    for a, b, episode in case.ongoing_pieces:
        only = episode.supplies[0]
        repeats = only.order.repeats if only.order else None
        if len(episode.supplies) == 1 and only.end - only.start <= at_most and not repeats:
            found.append(Days.span(a, b) - _open(only.open_ended, only.cut, a, b))
    return Days.union(found)


def _open(open_ended: bool, cut: Day | None, start: Day, end: Day) -> Days:
    return Days.span(start, end if cut is None else min(end, cut)) if open_ended else Days.none()


def alcohol_withdrawal(case: Case) -> Days:
    """S10: a short course, or the first days, near an alcohol withdrawal."""
    policy = case.policy
    within, short = policy.days("S10.condition_within"), policy.days("S10.course_at_most")
    found: list[Days] = []
    facts = [
        fact for fact in case.facts.conditions if _WITHDRAWAL in fact.concepts and fact.start is not None
    ]
    for a, b, episode in case.ongoing_pieces if facts else ():
        near = Days.union(
            case.condition_days(fact) for fact in facts if abs((fact.start or 0) - episode.start) <= within
        )
        days = Days.span(a, min(b, episode.start + policy.days("S10.before_day")))
        if episode.end <= episode.start + short:
            days |= Days.span(a, b)
        found.append(days & near)
    return Days.union(found)

"""What lifts a decision to leave things as they are (lifecycle.md §7, *material change*)."""

from service.exposure.length import TOLERANCE
from service.model.days import Day, Days
from service.model.facts import Outcome
from service.rules.case import Case
from service.rules.events import PREGNANCY


def material_change(case: Case, outcome: Outcome) -> Days:
    """The days on which something material is different from the day of the outcome."""
    then = outcome.day
    return _dose_rose(case, then) | _new_drug(case, then) | _new_risk(case, then) | _new_pregnancy(case, then)


def _dose_rose(case: Case, then: Day) -> Days:
    exposure = case.exposure
    before = exposure.dme.typical.at(then)
    if before is None or then not in exposure.covered or exposure.window is None:
        return Days.none()
    ratio, rise = (
        case.policy.number("material_change.dme_ratio"),
        case.policy.number("material_change.dme_rise"),
    )
    least = max(before * ratio, before + rise) - TOLERANCE

    def is_up(value: float | None) -> bool:
        return value is not None and value >= least

    return exposure.dme.typical.days_where(is_up, exposure.window.start, exposure.window.end)


def _new_drug(case: Case, then: Day) -> Days:
    """From the start of a supply of an ingredient, in scope or opioid, not supplied shortly before."""
    exposure = case.exposure
    washout = case.policy.days("material_change.washout")
    supplies = (*exposure.supplies, *exposure.opioids)
    starts: list[Day] = []
    for supply in supplies:
        if supply.written_start > then:
            alike = (
                s for s in supplies if (s.drug.role, s.ingredient) == (supply.drug.role, supply.ingredient)
            )
            if not any(s.days.count(then - washout + 1, then + 1) for s in alike):
                starts.append(supply.written_start)
    return _from(case, min(starts, default=None))


def _new_risk(case: Case, then: Day) -> Days:
    """A risk that the record first knows of later, on the days on which it is active."""
    found: list[Days] = []
    for concept in case.knowledge.conditions.risk:
        of_concept = [fact for fact in case.facts.conditions if concept in fact.concepts]
        first = min((_first_day(fact.start) for fact in of_concept), default=None)
        if first is not None and first > then:
            found.append(case.condition((concept,)))
    return Days.union(found)


def _first_day(start: Day | None) -> Day:
    return 0 if start is None else start


def _new_pregnancy(case: Case, then: Day) -> Days:
    """From the day on which a pregnancy is first known, by a Condition or an expected delivery, be it over or not."""
    conditions = (fact for fact in case.facts.conditions if PREGNANCY in fact.concepts)
    known = [_first_day(fact.start) for fact in conditions]
    known += [_first_day(delivery.known) for delivery in case.facts.deliveries]
    first = min(known, default=None)
    return _from(case, first if first is not None and first > then else None)


def _from(case: Case, day: Day | None) -> Days:
    window = case.exposure.window
    return Days.none() if day is None or window is None else Days.span(max(day, window.start), window.end)

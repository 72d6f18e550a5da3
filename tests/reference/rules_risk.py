"""R09, R14, R15, R16: pregnancy, substance use and overdose, breathing, falls."""

from .case import URGENT, Case, Holding
from .conditions import is_r14_event, is_r16_event
from .knowledge import SUBSTANCE_USE


def pregnant(case: Case, d: int) -> bool:
    p = case.policy
    active = [c for c in case.facts.conditions if "pregnancy" in c.concepts and c.active_on(d)]
    if any(c.day is None or d - c.day <= p("R09.condition_within") for c in active):
        return True
    return any(
        (known is None or known <= d) and d - p("R09.edd_after") <= expected <= d + p("R09.edd_before")
        for known, expected in case.facts.deliveries
    )


def r09(case: Case, d: int) -> Holding | None:
    view, p = case.view(d), case.policy
    at = view.last_covered
    if view.episode is None or at is None or d - at > p("R09.covered_within") or not pregnant(case, d):
        return None
    return Holding(URGENT, plus=int(p("R09.due")))


def r14(case: Case, d: int) -> Holding | None:
    p = case.policy
    if case.view(d).episode is None:
        return None
    rests_on = []
    for concept in SUBSTANCE_USE:
        if not case.has(d, concept):
            continue
        recorded = [c.recorded for c in case.facts.conditions if concept in c.concepts]
        dates = [day for day in recorded if day is not None]
        undated = len(dates) < len(recorded)  # known on every day
        if dates and not undated and 0 <= d - min(dates) <= p("R14.new_within"):
            rests_on.append(min(dates))
    events = [c.day for c in case.facts.conditions if is_r14_event(c) and c.day is not None]
    rests_on += [day for day in events if 0 <= d - day <= p("R14.event_within")]
    return Holding(URGENT, plus=int(p("R14.due")), rests_on=rests_on) if rests_on else None


R15_CONCEPTS = {"chronic_respiratory_failure", "obesity_hypoventilation", "home_oxygen", "myasthenia_gravis"}


def r15(case: Case, d: int) -> Holding | None:
    if case.view(d).episode is None:
        return None
    found = [c for c in case.facts.conditions if c.concepts & R15_CONCEPTS and c.active_on(d)]
    if not found:
        return None
    return Holding(
        URGENT, plus=int(case.policy("R15.due")), rests_on=[c.day for c in found if c.day is not None]
    )


def r16(case: Case, d: int) -> Holding | None:
    p = case.policy
    if case.view(d).episode is None:
        return None
    rests_on = []
    for condition in case.facts.conditions:
        day = condition.day
        if day is None or not is_r16_event(condition) or not 0 <= d - day <= p("R16.event_within"):
            continue
        if any(case.exposure.covered(x) for x in range(day - int(p("R16.after_covered")), day + 1)):
            rests_on.append(day)
    return Holding(URGENT, plus=int(p("R16.due")), rests_on=rests_on) if rests_on else None

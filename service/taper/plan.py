"""On which days is a taper planned?  (rules.md, *taper plan*)"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from service.exposure import Exposure
from service.model.days import Day, Days
from service.model.facts import Order, Outcome, OutcomeKind
from service.model.steps import Steps


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan to taper: since when, and on which days it is in force."""

    start: Day
    days: Days
    reference: str


def plans_in_force(exposure: Exposure, latest_outcome: Steps[Outcome | None]) -> tuple[Plan, ...]:
    """Active CarePlans, the latest outcome where it is `taper`, and orders that step down by themselves."""
    if exposure.window is None:
        return ()
    start, end = exposure.window.start, exposure.window.end
    return (
        *_care_plans(exposure, start, end),
        *_outcomes(latest_outcome, start, end),
        *_phased_orders(exposure, end),
    )


def days_of(plans: Iterable[Plan]) -> Days:
    return Days.union(plan.days for plan in plans)


def steps_down(order: Order, at_least: int) -> bool:
    """Whether `at_least` phases of known dose follow one another, each lower than the one before."""
    run, before = 0, None
    for phase in order.dosage.phases:
        mg = None if phase.daily_mg is None else phase.daily_mg.mid
        run = 0 if mg is None else run + 1 if before is not None and mg < before else 1
        before = mg
        if run >= at_least:
            return True
    return False


def _care_plans(exposure: Exposure, start: Day, end: Day) -> Iterator[Plan]:
    for plan in exposure.facts.plans:
        if plan.status == "active":
            begins = start if plan.start is None else plan.start
            yield Plan(
                begins, Days.span(begins, end if plan.end is None else min(end, plan.end + 1)), plan.reference
            )


def _outcomes(latest: Steps[Outcome | None], start: Day, end: Day) -> Iterator[Plan]:
    for a, b, outcome in latest.spans(start, end):
        if outcome is not None and outcome.kind is OutcomeKind.TAPER:
            until = b if outcome.until is None else min(b, outcome.until + 1)
            yield Plan(outcome.day, Days.span(a, until), outcome.reference)


def _phased_orders(exposure: Exposure, end: Day) -> Iterator[Plan]:
    """An order is one of the latest episode while that episode is the one that it belongs to."""
    at_least = exposure.policy.count("taper_plan.descending_phases_min")
    for supply in exposure.supplies:
        if supply.order is None or not steps_down(supply.order, at_least):
            continue
        days = Days.union(
            Days.span(a, b)
            for a, b, episode in exposure.last_episode.spans(supply.written_start, end)
            if episode is not None and supply in episode.supplies
        )
        yield Plan(supply.written_start, days, supply.order.reference)

"""R07: two drugs in scope at the same time, for longer than a change from one to the other takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.exposure import Supply
from service.model.steps import Steps
from service.rules.case import Case, iso, references
from service.rules.rule import Account, Holding, Rule, latest_in_force


@dataclass(frozen=True, slots=True)
class Together:
    """A stretch of overlap of two ingredients, and the days on which the rule holds by it."""

    ingredients: tuple[str, str]
    start: Day
    days: Days
    holds: Days


def holdings(case: Case) -> Sequence[Holding]:
    return (Holding(Days.union(each.holds for each in case.remember(stretches)), Priority.ROUTINE),)


def stretches(case: Case) -> tuple[Together, ...]:
    """The overlap stretches of each pair, apart from those that a linked order began."""
    by_name: dict[str, list[Supply]] = {}
    for supply in case.exposure.supplies:
        by_name.setdefault(supply.ingredient, []).append(supply)
    found: list[Together] = []
    for (a, first), (b, second) in combinations(sorted(by_name.items()), 2):
        overlap = Days.union(s.days for s in first) & Days.union(s.days for s in second)
        for run in overlap.widen(after=case.policy.days("R07.hole")).periods():
            if not (
                _is_begun_by_link(case, run.start, first, b) or _is_begun_by_link(case, run.start, second, a)
            ):
                days = overlap.within(run.start, run.end)
                found.append(Together((a, b), run.start, days, _holds(case, days)))
    return tuple(found)


def _holds(case: Case, days: Days) -> Days:
    policy = case.policy
    late = days - Days.span(days.origin, days.origin + policy.days("R07.grace"))
    enough = late.nth(policy.days("R07.overlap_days"))
    if enough is None:
        return Days.none()
    recent = days.widen(after=policy.days("R07.latest_within") - 1)
    return (recent - Days.span(recent.origin, enough)) & case.exposure.ongoing


def _is_begun_by_link(case: Case, day: Day, supplies: Sequence[Supply], other: str) -> bool:
    """Whether an order that starts on the day follows, by `priorPrescription`, one of the other ingredient.

    Nothing need be left of the one that it follows.
    """
    orders = {order.reference for order in case.exposure.orders if order.drug.ingredient == other}
    return any(s.start == day and s.order is not None and s.order.prior in orders for s in supplies)


def latest_fact(case: Case) -> Steps[Day | None]:
    return latest_in_force((each.holds, each.start) for each in case.remember(stretches))


def account(case: Case, day: Day, _priority: Priority) -> Account:
    here = [each for each in case.remember(stretches) if day in each.holds]
    names = {name for each in here for name in each.ingredients}
    since = min(each.start for each in here)
    supplies = [
        s
        for s in case.exposure.supplies
        if s.ingredient in names and since < s.end and s.written_start <= day
    ]
    return Account(
        facts={"ingredients": sorted(names), "overlap_began": iso(since)},
        evidence=references(supplies),
        numbers=("R07.overlap_days", "R07.grace", "R07.hole", "R07.latest_within", "R07.due"),
        due_after=case.policy.days("R07.due"),
    )


R07 = Rule("R07", holdings, account, latest_fact)

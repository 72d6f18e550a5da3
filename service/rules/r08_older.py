"""R08: an older adult with repeated orders and no review for a year."""

from collections import defaultdict
from collections.abc import Sequence

from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.facts import Order
from service.model.levels import Levels
from service.rules.case import Case
from service.rules.rule import Account, Holding, Rule


def holdings(case: Case) -> Sequence[Holding]:
    if not case.older:
        return ()
    days = case.exposure.ongoing & case.older & (_repeated(case) | _ordered_again(case))
    return (Holding(days - case.reviewed_within(case.policy.days("R08.review_within")), Priority.ROUTINE),)


def _in_look_back(case: Case, order: Order) -> Days:
    """The days on which the order has been written and started, and was written not too long ago."""
    look_back = case.policy.days("R08.look_back")
    return Days.span(max(order.known_on, order.start), order.known_on + look_back + 1)


def _repeated(case: Case) -> Days:
    least = case.policy.count("R08.repeats_min")
    return Days.union(_in_look_back(case, o) for o in case.exposure.orders if (o.repeats or 0) >= least)


def _ordered_again(case: Case) -> Days:
    """The days with enough orders that were written on different days."""
    by_day: dict[Day, Days] = defaultdict(Days.none)
    for order in case.exposure.orders:
        by_day[order.known_on] |= _in_look_back(case, order)
    counted = Levels.total((run.start, run.end, 1) for days in by_day.values() for run in days.periods())
    least = case.policy.count("R08.orders_min")

    def enough(value: float | None) -> bool:
        return value is not None and value >= least

    window = case.exposure.window
    return Days.none() if window is None else counted.days_where(enough, window.start, window.end)


def account(case: Case, day: Day, _priority: Priority) -> Account:
    orders = [order for order in case.exposure.orders if day in _in_look_back(case, order)]
    return Account(
        facts={
            "orders": len(orders),
            "older_from": case.policy.count("age_older"),
            "repeats": max(order.repeats or 0 for order in orders),
        },
        evidence=tuple(order.reference for order in orders),
        numbers=("age_older", "R08.look_back", "R08.orders_min", "R08.review_within", "R08.due"),
        due_after=case.policy.days("R08.due"),
    )


R08 = Rule("R08", holdings, account)

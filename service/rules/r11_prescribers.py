"""R11: several prescribers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from service.exposure.supplies import cuts_of, placed
from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.exposure import Supply
from service.model.facts import Order
from service.model.levels import Levels
from service.model.steps import Steps
from service.rules.case import Case
from service.rules.rule import Account, Holding, Rule, latest_in_force


@dataclass(frozen=True, slots=True)
class Prescriber:
    """One requester, or several of one organization, and what they ordered."""

    names: frozenset[str]
    orders: tuple[Order, ...]
    supplied: Days
    asked: Days  # the days on which an order of theirs has been written and started lately

    @property
    def first(self) -> Day:
        return min(order.known_on for order in self.orders)


def holdings(case: Case) -> Sequence[Holding]:
    found = case.remember(prescribers)
    if len(found) < case.policy.count("R11.overlapping_min"):
        return ()
    many = _many(case) & case.exposure.ongoing
    pairs = Days.union(days for _, _, days in case.remember(overlapping)) & case.exposure.ongoing
    return (Holding(pairs | many, Priority.ROUTINE), Holding(many, Priority.URGENT))


def prescribers(case: Case) -> tuple[Prescriber, ...]:
    """The requesters of orders in scope; two with a common organization are one."""
    orders = [order for order in case.exposure.orders if order.requester is not None]
    groups = _groups(orders)
    window = case.policy.days("R11.window")
    supplied = _supplied(case, {name: place for place, names in enumerate(groups) for name in names})
    found: list[Prescriber] = []
    for place, names in enumerate(groups):
        own = tuple(order for order in orders if order.requester in names)
        asked = Days.union(Days.span(max(o.known_on, o.start), o.known_on + window) for o in own)
        found.append(Prescriber(names, own, supplied.get(place, Days.none()), asked))
    return tuple(found)


def _groups(orders: Sequence[Order]) -> list[frozenset[str]]:
    places: dict[str, set[str]] = {}
    for order in orders:
        if order.requester is not None:
            places.setdefault(order.requester, set()).update(order.organizations)
    groups: list[tuple[set[str], set[str]]] = []
    for name in sorted(places):
        names, organizations = {name}, set(places[name])
        for group in [group for group in groups if group[1] & organizations]:
            groups.remove(group)
            names |= group[0]
            organizations |= group[1]
        groups.append((names, organizations))
    return [frozenset(names) for names, _ in groups]


def _supplied(case: Case, group_of: Mapping[str, int]) -> dict[int, Days]:
    """The days that the orders of each group supply, before carry-over (exposure.md §4, last lines)."""
    found: dict[int, Days] = {}
    for supply in case.exposure.written:
        group = _group(supply, group_of)
        if group is not None:
            days = _open_days(case, supply, group, group_of) if supply.open_ended else supply.days
            found[group] = found.get(group, Days.none()) | days
    return found


def _group(supply: Supply, group_of: Mapping[str, int]) -> int | None:
    requester = supply.order.requester if supply.order else None
    return None if requester is None else group_of[requester]


def _open_days(case: Case, supply: Supply, group: int, group_of: Mapping[str, int]) -> Days:
    """An open supply counts for so many days; another requester's next one does not end it."""
    start = supply.written_start
    ends = [start + case.policy.days("R11.open_ended_counts")]
    cut = cuts_of(case.facts).of_order(supply.order) if supply.order else None
    if cut is not None:
        ends.append(cut)
    ends += [
        other.written_start
        for other in case.exposure.written
        if other.written_start > start
        and (other.ingredient, other.as_needed) == (supply.ingredient, supply.as_needed)
        and _group(other, group_of) in (group, None)
    ]
    return placed(supply, start, min(ends)).days


def overlapping(case: Case) -> tuple[tuple[Prescriber, Prescriber, Days], ...]:
    """Each two prescribers with the days on which their supplies overlapped for long enough lately."""
    return tuple(_overlapping(case))


def _overlapping(case: Case) -> Iterator[tuple[Prescriber, Prescriber, Days]]:
    window, least = case.policy.days("R11.window"), case.policy.days("R11.overlap_days")
    for a, b in combinations(case.remember(prescribers), 2):
        days = (a.supplied & b.supplied).counted(window, least)
        if days:
            yield a, b, days


def _many(case: Case) -> Days:
    least, window = case.policy.count("R11.many"), case.exposure.window
    found = case.remember(prescribers)
    if window is None or len(found) < least:
        return Days.none()
    counted = Levels.total((run.start, run.end, 1) for each in found for run in each.asked.periods())

    def enough(value: float | None) -> bool:
        return value is not None and value >= least

    return counted.days_where(enough, window.start, window.end)


def latest_fact(case: Case) -> Steps[Day | None]:
    """When the newest of the prescribers in force wrote the first order."""
    parts = [(days, max(a.first, b.first)) for a, b, days in case.remember(overlapping)]
    many = _many(case)
    parts += [(each.asked & many, each.first) for each in case.remember(prescribers)]
    return latest_in_force(parts)


def account(case: Case, day: Day, priority: Priority) -> Account:
    involved = {each for a, b, days in case.remember(overlapping) if day in days for each in (a, b)}
    is_many = day in _many(case)
    if is_many:
        involved |= {each for each in case.remember(prescribers) if day in each.asked}
    window = case.policy.days("R11.window")
    orders = sorted(
        (order for each in involved for order in each.orders if day - window < order.known_on <= day),
        key=lambda order: (order.start, order.reference),
    )
    due = "R11.due_urgent" if priority is Priority.URGENT else "R11.due"
    return Account(
        facts={"prescribers": len(involved), "variant": "many" if is_many else "overlapping"},
        evidence=tuple(order.reference for order in orders)
        or tuple(sorted(order.reference for each in involved for order in each.orders)),
        numbers=(
            "R11.overlapping_min",
            "R11.overlap_days",
            "R11.window",
            "R11.many",
            "R11.open_ended_counts",
            due,
        ),
        due_after=case.policy.days(due),
    )


R11 = Rule("R11", holdings, account, latest_fact)

"""R11 and R12: several prescribers, early refills. Both look at the supplies before carry-over."""

import itertools

from .case import ROUTINE, URGENT, Case, Holding
from .supply import Supply, linked


def r11(case: Case, d: int) -> Holding | None:
    p = case.policy
    if case.view(d).episode is None:
        return None
    window = range(d - int(p("R11.window")) + 1, d + 1)
    covered: dict[str, set[int]] = {}
    came: dict[str, int] = {}
    for supply in case.exposure.for_r11:
        order = supply.order
        person = case.person_of.get(order.ref) if order is not None else None
        if order is None or person is None or order.authored > d or supply.start > d:
            continue
        covered.setdefault(person, set()).update(day for day in window if supply.contains(day))
    involved: set[str] = set()
    for one in covered:
        for two in covered:
            if one < two and len(covered[one] & covered[two]) >= p("R11.overlap_days"):
                involved |= {one, two}
    recent = [
        o for o in case.orders_known(d) if o.start <= d and o.authored in window and o.ref in case.person_of
    ]
    asking = {case.person_of[order.ref] for order in recent}
    many = len(asking) >= p("R11.many")
    involved |= asking if many else set()
    if not involved:
        return None
    for order in case.orders_known(d):
        person = case.person_of.get(order.ref)
        if person in involved and order.start <= d:
            came[person] = min(order.authored, came.get(person, order.authored))
    return Holding(
        URGENT if many else ROUTINE, plus=int(p("R11.due_urgent" if many else "R11.due")), involved=came
    )


def r12(case: Case, d: int) -> Holding | None:
    p = case.policy
    if case.view(d).episode is None:
        return None
    most, dates = 0, []
    for group in _same_ingredient_and_dose(case, d):
        events = _events(case, d, group)
        if len(events) >= p("R12.events_min") and _too_much(case, d, group):
            most = max(most, len(events))
            dates += events
    if not dates:
        return None
    from .rules import holds

    with_others = holds(case, "R03", d) is not None or holds(case, "R14", d) is not None
    urgent = most >= p("R12.urgent_events") or with_others
    return Holding(
        URGENT if urgent else ROUTINE, plus=int(p("R12.due_urgent" if urgent else "R12.due")), rests_on=dates
    )


def _same_ingredient_and_dose(case: Case, d: int) -> list[list[Supply]]:
    groups: list[list[Supply]] = []
    for supply in case.exposure.before_overlap:  # in order of start
        if supply.start > d or not supply.dose.known:
            continue
        for group in groups:
            if group[0].ingredient == supply.ingredient and group[0].dose.same_as(supply.dose):
                group.append(supply)
                break
        else:
            groups.append([supply])
    return groups


def _events(case: Case, d: int, group: list[Supply]) -> list[int]:
    """The days of early refills in the last 180 days."""
    found = []
    share = case.policy("R12.early_below") / 100
    for current, following in itertools.pairwise(group):
        barred = current.flags & {"assumed", "open_ended", "repeats_assumed"}
        passed = following.start - current.start
        early = 0 < passed < share * current.day_count - 1e-9
        in_window = 0 <= d - following.start < case.policy("R12.window")
        if early and in_window and not barred and not linked(current.order, following.order):
            found.append(following.start)
    return found


def _too_much(case: Case, d: int, group: list[Supply]) -> bool:
    """The supplies begun in the last 180 days, without the last, hold at least 110 % of the days between them."""
    begun = [s for s in group if 0 <= d - s.start < case.policy("R12.window")]
    if len(begun) < 2:
        return False
    held = sum(supply.day_count for supply in begun[:-1])
    return bool(held >= case.policy("R12.supply_min") / 100 * (begun[-1].start - begun[0].start) - 1e-9)

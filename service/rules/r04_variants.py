"""The five ways in which a supply stops (rules.md R04a–R04e), as days, before what all of them ask for."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import pairwise

from service.exposure.length import TOLERANCE
from service.model.days import Day, Days
from service.model.exposure import Episode, Supply
from service.model.facts import Order, OrderStatus
from service.rules.case import Case


def stopped(case: Case) -> Days:
    """R04a: the newest order has been stopped, and nothing covers the day or starts later."""
    exposure = case.exposure
    if exposure.window is None:
        return Days.none()
    ended = Days.union(
        Days.span(max(a, order.stop_day), b)
        for a, b, order in exposure.newest_order.spans(exposure.window.start, exposure.window.end)
        if order is not None and order.stop_day is not None
    )
    soon = Days.union(Days.span(s.written_start, s.start) for s in exposure.supplies)
    return ended - exposure.covered - exposure.renewal - soon


def lapsed(case: Case) -> Days:
    """R04b: nothing covers the day, and the last covered one is some days ago."""
    exposure = case.exposure
    if exposure.window is None:
        return Days.none()
    gaps = (exposure.all_days - exposure.covered).periods()
    return Days.union(Days.span(gap.start - 1 + _patience(case, gap.start - 1), gap.end) for gap in gaps)


def _patience(case: Case, last: Day) -> int:
    """After how many days a supply that was not collected counts as lapsed; fewer for short-acting ones."""
    known = (case.knowledge.equivalences.get(s.ingredient) for s in case.exposure.covering(last))
    short = all(row is not None and row.is_short_acting for row in known)
    return case.policy.days("R04b.gap_short" if short else "R04b.gap_long")


def running_out(case: Case) -> Days:
    """R04c: the cover ends within days, and the newest order says that it is the last."""
    exposure = case.exposure
    within = case.policy.days("R04c.ends_within")
    quiet = exposure.covered - exposure.renewal - case.taper_planned
    found: list[Day] = []
    for a, b, episode in case.ongoing_pieces:
        days = quiet.within(a, b)
        if not days:
            continue
        for run in episode.covered.periods():  # as far as it is known on these days
            near = days.within(max(run.start, run.end - within), run.end)
            found += [day for day in near if _is_the_last(case, episode, run.end, day)]
    return Days.of(found)


def _is_the_last(case: Case, episode: Episode, end: Day, day: Day) -> bool:
    exposure = case.exposure
    order = exposure.newest_order.at(day)
    if order is None or order.repeats != 0 or _is_open(episode, day):
        return False
    ends = [each for each in (order.validity_end, order.bounds_end) if each is not None]
    if not any(each <= end for each in ends) or exposure.dependence(day) != "likely":
        return False
    return not any(_has_refill_left(case, source, day) for source in _orders(episode))


def _is_open(episode: Episode, day: Day) -> bool:
    """Whether a supply that contains `day` is open: the cover never counts as ending."""
    return any(s.is_open(day) and day in s.days for s in episode.supplies)


def _orders(episode: Episode) -> Iterable[Order]:
    return {s.order.reference: s.order for s in episode.supplies if s.order is not None}.values()


def _has_refill_left(case: Case, order: Order, day: Day) -> bool:
    fills = [fill for fill in case.facts.fills if order.reference in fill.orders]
    is_active = order.status is OrderStatus.ACTIVE or (order.stop_day is not None and day < order.stop_day)
    if not fills or not is_active or (order.validity_end is not None and order.validity_end < day):
        return False
    return sum(fill.start <= day for fill in fills) < 1 + (order.repeats or 0)


def halved(case: Case) -> Days:
    """R04d: the dose is at most half of one that was held for long enough in the last weeks."""
    exposure, policy = case.exposure, case.policy
    if exposure.window is None:
        return Days.none()
    typical, start, end = exposure.dme.typical, exposure.window.start, exposure.window.end
    window, least, ratio = (
        policy.days("R04d.window"),
        policy.days("R04d.held_min"),
        policy.number("R04d.ratio_max"),
    )
    found = Days.none()
    for level in {value for _, value in typical.steps if value}:
        held = typical.days_where(partial(_is, level), start, end)
        low = typical.days_where(partial(_is_at_most, level * ratio + TOLERANCE), start, end)
        found |= held.counted(window, least).shift(1) & low
    return (found & exposure.covered) - case.taper_planned


def held_before(case: Case, day: Day) -> float | None:
    """The highest typical DME that was held for long enough in the last weeks before `day` (R04d)."""
    typical, policy = case.exposure.dme.typical, case.policy
    days: dict[float, int] = {}
    for a, b, value in typical.spans(day - policy.days("R04d.window"), day):
        if value:
            days[value] = days.get(value, 0) + b - a
    return max((value for value, held in days.items() if held >= policy.days("R04d.held_min")), default=None)


def _is(level: float, value: float | None) -> bool:
    return value == level


def _is_at_most(most: float, value: float | None) -> bool:
    return value is not None and value <= most


def gone_quiet(case: Case) -> Days:
    """R04e: orders came one after another, then none for long, and nothing says that it was stopped."""
    found: list[Days] = []
    for a, b, episode in case.ongoing_pieces:
        found.append(_quiet(case, episode, a, b))
    return Days.union(found) - case.exposure.renewal


def _quiet(case: Case, episode: Episode, start: Day, end: Day) -> Days:
    """The days of a piece on which only open supplies cover, each the last of a regular series long ago."""
    over = case.policy.days("R04e.quiet_over")
    supplies = episode.supplies
    days = Days.union(s.days for s in supplies if s.open_ended)
    days = (days - Days.union(s.days for s in supplies if not s.open_ended)).within(start, end)
    if not days:
        return days
    for name in episode.ingredients:
        alike = [s for s in supplies if s.ingredient == name]
        last = alike[-1].written_start
        quiet = Days.span(last + over + 1, end) if _is_regular_series(case, alike) else Days.none()
        days -= Days.union(s.days for s in alike) - quiet
    return days


def _is_regular_series(case: Case, supplies: list[Supply]) -> bool:
    count, apart = case.policy.count("R04e.supplies_min"), case.policy.days("R04e.starts_apart_max")
    starts = [supply.written_start for supply in supplies[-count:]]
    return len(starts) == count and all(b - a <= apart for a, b in pairwise(starts))


VARIANTS: Mapping[str, Callable[[Case], Days]] = {
    "R04a": stopped,
    "R04b": lapsed,
    "R04c": running_out,
    "R04d": halved,
    "R04e": gone_quiet,
}

"""R12: early refills, and more supply than days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from service.exposure.length import TOLERANCE
from service.exposure.overlap import are_linked, dose_key, has_unknown_dose
from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.exposure import Supply
from service.model.steps import Steps
from service.rules.case import Case, iso, references
from service.rules.events import R14
from service.rules.r03_dose_up import R03
from service.rules.rule import Account, Held, Holding, Rule, latest_in_force

_UNSURE = frozenset({"assumed", "repeats_assumed"})


@dataclass(frozen=True, slots=True)
class Series:
    """The supplies of one ingredient and daily dose, and the days on which one of them came early."""

    supplies: tuple[Supply, ...]
    events: tuple[Day, ...]

    def events_on(self, day: Day, window: int) -> tuple[Day, ...]:
        return tuple(event for event in self.events if day - window < event <= day)


def holdings(case: Case) -> Sequence[Holding]:
    found: list[Days] = []
    many: list[Days] = []
    urgent = case.policy.count("R12.urgent_events")
    for series in case.remember(all_series):
        for days, events in _holding_pieces(case, series):
            found.append(days)
            many.append(days if len(events) >= urgent else Days.none())
    holds = Days.union(found) & case.exposure.ongoing
    if not holds:
        return ()
    worse = Held(R03, R03.holdings(case)).days | Held(R14, R14.holdings(case)).days
    return (Holding(holds, Priority.ROUTINE), Holding((Days.union(many) | worse) & holds, Priority.URGENT))


def all_series(case: Case) -> tuple[Series, ...]:
    """The supplies before carry-over, by ingredient and daily dose, where any came early."""
    groups: dict[object, list[Supply]] = {}
    for supply in case.exposure.written:
        if not has_unknown_dose(supply):
            groups.setdefault((supply.ingredient, dose_key(supply)), []).append(supply)
    share = case.policy.number("R12.early_below") / 100
    series = (Series(tuple(group), tuple(_events(group, share))) for group in groups.values())
    return tuple(each for each in series if each.events)


def _events(supplies: Sequence[Supply], share: float) -> Iterator[Day]:
    """The start of each supply that came before enough of the days of the one before it had passed."""
    for current, following in pairwise(supplies):
        passed = following.written_start - current.written_start
        unsure = current.open_ended or _UNSURE & current.flags or are_linked(current, following)
        if 0 < passed < current.length * share - TOLERANCE and not unsure:
            yield following.written_start


def _holding_pieces(case: Case, series: Series) -> Iterator[tuple[Days, tuple[Day, ...]]]:
    """The pieces on which enough of its supplies came early and hold too much."""
    least = case.policy.count("R12.events_min")
    for days, events in _pieces(case, series):
        if len(events) >= least and _is_too_much(case, series, days.origin):
            yield days, events


def _pieces(case: Case, series: Series) -> Iterator[tuple[Days, tuple[Day, ...]]]:
    """Days on which the same supplies and events lie in the window, with those events."""
    window, days = case.policy.days("R12.window"), case.exposure.window
    starts = {supply.written_start for supply in series.supplies}
    edges = sorted(starts | {start + window for start in starts})
    for a, b in pairwise([*edges, days.end if days else 0]):
        if b > a:
            yield Days.span(a, b), series.events_on(a, window)


def _is_too_much(case: Case, series: Series, day: Day) -> bool:
    """Whether the supplies begun lately, without the last, hold more days than lie between first and last.

    Asked only where events lie in the window: then at least two of them have begun on different days.
    """
    held, passed = _supplied_and_passed(case, series, day)
    return held >= passed * case.policy.number("R12.supply_min") / 100 - TOLERANCE


def _supplied_and_passed(case: Case, series: Series, day: Day) -> tuple[int, int]:
    """The days of the supplies begun lately, without the last, and those from the first to the last start."""
    begun = _begun(case, series, day)
    return sum(_length(supply) for supply in begun[:-1]), begun[-1].written_start - begun[0].written_start


def _begun(case: Case, series: Series, day: Day) -> list[Supply]:
    window = case.policy.days("R12.window")
    return [supply for supply in series.supplies if day - window < supply.written_start <= day]


def _length(supply: Supply) -> int:
    return supply.written_end - supply.written_start if supply.open_ended else supply.length


def latest_fact(case: Case) -> Steps[Day | None]:
    """The latest early refill of a series that holds; one that does not hold is nothing that a finding rests on."""
    return latest_in_force(
        (days, events[-1])
        for series in case.remember(all_series)
        for days, events in _holding_pieces(case, series)
    )


def account(case: Case, day: Day, priority: Priority) -> Account:
    window, least = case.policy.days("R12.window"), case.policy.count("R12.events_min")
    here = [
        series
        for series in case.remember(all_series)
        if len(series.events_on(day, window)) >= least and _is_too_much(case, series, day)
    ]
    events = sorted(event for series in here for event in series.events_on(day, window))
    due = "R12.due_urgent" if priority is Priority.URGENT else "R12.due"
    totals = [_supplied_and_passed(case, series, day) for series in here]
    return Account(
        facts={
            "early_refills": [iso(event) for event in events],
            "ingredients": sorted({series.supplies[0].ingredient for series in here}),
            "supplied_days": sum(supplied for supplied, _ in totals),
            "passed_days": sum(passed for _, passed in totals),
        },
        evidence=references(supply for series in here for supply in _begun(case, series, day)),
        numbers=(
            "R12.window",
            "R12.early_below",
            "R12.events_min",
            "R12.supply_min",
            "R12.urgent_events",
            due,
        ),
        due_after=case.policy.days(due),
    )


R12 = Rule("R12", holdings, account, latest_fact)

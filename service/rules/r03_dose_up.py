"""R03: the dose is going up, in a step or little by little."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from service.exposure.dose import rounded
from service.exposure.length import TOLERANCE
from service.model.assessment import Priority
from service.model.days import Day, Days
from service.rules.case import Case, iso, references
from service.rules.r10_high_dose import above_label_maximum_today
from service.rules.rule import Account, Holding, Rule

Medians = tuple[float, float]
"""By the low and by the high factor."""


@dataclass(frozen=True, slots=True)
class Rise:
    """What a day shows: the medians of the last weeks and of each reference; None where they say nothing."""

    recent: Medians
    step: Medians | None
    creep: Medians | None


def holdings(case: Case) -> Sequence[Holding]:
    rises = case.remember(rises_by_day)
    steps = {day: (rise.recent, rise.step) for day, rise in rises.items() if rise.step}
    steep = Days.of(
        day for day, (recent, before) in steps.items() if _is_up(case, recent, before, steep=True)
    )
    up = Days.of(rises)
    urgent = steep | (up & above_label_maximum_today(case) if up else up)
    return (Holding(up, Priority.ROUTINE), Holding(urgent, Priority.URGENT))


def rises_by_day(case: Case) -> dict[Day, Rise]:
    """The days on which the dose has gone up, with the medians that say so."""
    found: dict[Day, Rise] = {}
    if not _may_rise(case):
        return found
    exposure, from_day = case.exposure, case.policy.days("R03.from_day")
    taken = Days.union(s.days for s in exposure.supplies if not exposure.is_z_drug(s.ingredient))
    for start, days in case.ongoing_by_start.items():
        doses = _doses(case, taken - Days.span(taken.origin, start))
        for day in days & _after_a_rise(case) - Days.span(start, start + from_day):
            rise = _rise(case, doses, day)
            if rise is not None:
                found[day] = rise
    return found


def _may_rise(case: Case) -> bool:
    """Whether any two doses are far enough apart at all."""
    values = [value for _, value in case.exposure.dme.high.steps if value]
    return bool(values) and max(values) - min(values) >= case.policy.number("R03.rise_min") - TOLERANCE


def _after_a_rise(case: Case) -> Days:
    """The days so soon after a higher level began that it may be in the last weeks and not in a reference."""
    reach = case.policy.days("R03.creep_reference_from")
    found: list[Days] = []
    before: float | None = 0
    for day, value in case.exposure.dme.high.steps:
        if value is not None and (before is None or value > before):
            found.append(Days.span(day, day + reach + 1))
        before = value
    return Days.union(found)


@dataclass(frozen=True, slots=True)
class Doses:
    """The days of an episode on which a benzodiazepine was covered: runs of one dose, in order."""

    ends: tuple[Day, ...]
    runs: tuple[tuple[Day, Day, float | None, float | None], ...]  # start, end, low, high

    def within(self, start: Day, end: Day) -> list[tuple[int, float | None, float | None]]:
        """(days, low, high) of each run that lies in `[start, end)`, as far as it does."""
        found: list[tuple[int, float | None, float | None]] = []
        for place in range(bisect_right(self.ends, start), len(self.runs)):
            a, b, low, high = self.runs[place]
            if a >= end:
                break
            found.append((min(b, end) - max(a, start), low, high))
        return found


def _doses(case: Case, days: Days) -> Doses:
    low, high = case.exposure.dme.low, case.exposure.dme.high
    runs = [
        (a, b, value, high.at(a))
        for run in days.periods()
        for c, d, value in low.spans(run.start, run.end)
        for a, b, _ in high.spans(c, d)
    ]
    return Doses(tuple(run[1] for run in runs), tuple(runs))


@dataclass(frozen=True, slots=True)
class Windows:
    """The last weeks and the references, as (first, last) in days before the day; and what each must hold."""

    recent: tuple[int, int]
    step: tuple[int, int]
    creep: tuple[int, int]
    covered_min: int


def _windows(case: Case) -> Windows:
    days = case.policy.days
    return Windows(
        recent=(days("R03.recent_from"), days("R03.recent_to")),
        step=(days("R03.step_reference_from"), days("R03.step_reference_to")),
        creep=(days("R03.creep_reference_from"), days("R03.creep_reference_to")),
        covered_min=days("R03.covered_days_min_each"),
    )


def _rise(case: Case, doses: Doses, day: Day) -> Rise | None:
    windows = case.remember(_windows)
    recent = _medians(doses, day, windows.recent, windows.covered_min)
    if recent is None:
        return None
    step = _medians(doses, day, windows.step, windows.covered_min)
    creep = _medians(doses, day, windows.creep, windows.covered_min)
    rise = Rise(
        recent,
        step if step and _is_up(case, recent, step) else None,
        creep if creep and _is_up(case, recent, creep) else None,
    )
    return rise if rise.step or rise.creep else None


def _is_up(case: Case, recent: Medians, reference: Medians, *, steep: bool = False) -> bool:
    ratio = case.policy.number("R03.urgent_ratio" if steep else "R03.ratio_min")
    rise = case.policy.number("R03.urgent_rise" if steep else "R03.rise_min")
    return all(
        now >= ratio * then - TOLERANCE and now - then >= rise - TOLERANCE
        for now, then in zip(recent, reference, strict=True)
    )


def _medians(doses: Doses, day: Day, window_of: tuple[int, int], covered_min: int) -> Medians | None:
    """The medians of a window of days before `day`; None where it holds too few days, or an unknown dose."""
    first, last = window_of
    window = doses.within(day - first, day - last + 1)
    if sum([n for n, _, _ in window]) < covered_min:
        return None
    if len({(low, high) for _, low, high in window}) == 1:  # as on most days
        _, low, high = window[0]
        return None if low is None or high is None else (low, high)
    low = _median([(value, n) for n, value, _ in window])
    high = _median([(value, n) for n, _, value in window])
    return None if low is None or high is None else (low, high)


def _median(parts: Sequence[tuple[float | None, int]]) -> float | None:
    """Half of the days lie at or below it; of an even number the mean of the middle two; None: one is unknown.

    A DME like any other: rounded before it is compared (exposure.md §3).
    """
    known = sorted((value, n) for value, n in parts if value is not None)
    if len(known) < len(parts):
        return None
    total = sum(n for _, n in known)
    return rounded((_at(known, (total - 1) // 2) + _at(known, total // 2)) / 2)


def _at(parts: Sequence[tuple[float, int]], place: int) -> float:
    for value, n in parts:
        if place < n:
            return value
        place -= n
    raise IndexError("beyond the last day")


def account(case: Case, day: Day, priority: Priority) -> Account:
    rise = case.remember(rises_by_day)[day]
    episode = case.exposure.last_episode.at(day)
    variants = [name for name, medians in (("step", rise.step), ("creep", rise.creep)) if medians]
    due = "R03.due_urgent" if priority is Priority.URGENT else "R03.due"
    numbers = ["R03.ratio_min", "R03.rise_min", "R03.covered_days_min_each"]
    if priority is Priority.URGENT:
        numbers += ["R03.urgent_ratio", "R03.urgent_rise"]
    return Account(
        facts={
            "variants": variants,
            "recent_dme_mg": _range(rise.recent),
            "before_dme_mg": _range(rise.step),
            "year_ago_dme_mg": _range(rise.creep),
            "episode_start": iso(episode.start) if episode else None,
        },
        evidence=references(episode.supplies if episode else ()),
        numbers=(*numbers, due),
        due_after=case.policy.days(due),
    )


def _range(medians: Medians | None) -> dict[str, float] | None:
    return None if medians is None else {"low": medians[0], "high": medians[1]}


R03 = Rule("R03", holdings, account)

"""R10: a high daily dose."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.exposure.length import TOLERANCE
from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.levels import Levels
from service.rules.case import Case, references
from service.rules.rule import Account, Holding, Rule


@dataclass(frozen=True, slots=True)
class Exceeded:
    """The days on which enough of the last covered days had more mg of an ingredient than its maximum."""

    ingredient: str
    is_label: bool  # else the maximum for older adults
    maximum_mg: float
    days: Days


@dataclass(frozen=True, slots=True)
class High:
    """The days on which enough of the last covered days were above a limit, by the limit's kind."""

    exceeded: tuple[Exceeded, ...]
    dme: Days
    very_high: Days

    @property
    def label(self) -> Days:
        return Days.union(each.days for each in self.exceeded if each.is_label)

    @property
    def older(self) -> Days:
        return Days.union(each.days for each in self.exceeded if not each.is_label)


def holdings(case: Case) -> Sequence[Holding]:
    high = case.remember(high_days)
    urgent = high.label | high.very_high
    return (Holding(urgent | high.older | high.dme, Priority.ROUTINE), Holding(urgent, Priority.URGENT))


def high_days(case: Case) -> High:
    low = case.exposure.dme.low
    return High(
        exceeded=tuple(_exceeded(case)),
        dme=_often(case, _at_least(case, low, case.policy.number("R10.dme_min"))),
        very_high=_often(case, _at_least(case, low, case.policy.number("R10.urgent_dme"))),
    )


def _exceeded(case: Case) -> Iterator[Exceeded]:
    for ingredient, levels in _daily_mg(case).items():
        known = case.knowledge.equivalences.get(ingredient)
        if known is None:
            continue
        label, older = known.max_daily_mg(case.policy.daily_maximum), known.max_daily_mg_older
        if label is not None:
            yield Exceeded(ingredient, True, label, _often(case, _above(case, levels, label)))
        if older is not None and case.older:
            yield Exceeded(ingredient, False, older, _often(case, _above(case, levels, older)) & case.older)


def above_label_maximum_today(case: Case) -> Days:
    """The covered days with more of an ingredient than its label allows (R03)."""
    found: list[Days] = []
    for ingredient, levels in _daily_mg(case).items():
        known = case.knowledge.equivalences.get(ingredient)
        maximum = known.max_daily_mg(case.policy.daily_maximum) if known else None
        if maximum is not None:
            found.append(_above(case, levels, maximum))
    return Days.union(found)


def _daily_mg(case: Case) -> dict[str, Levels]:
    """The low mg of each ingredient over days."""
    supplies = case.exposure.supplies
    return {
        name: Levels.total(
            (span.start, span.end, None if span.mg is None else span.mg.low)
            for supply in supplies
            if supply.ingredient == name
            for span in supply.doses
        )
        for name in sorted({supply.ingredient for supply in supplies})
    }


def _above(case: Case, levels: Levels, most: float) -> Days:
    return _at_least(case, levels, most + 2 * TOLERANCE)  # floats compare with a tolerance on either side


def _at_least(case: Case, levels: Levels, least: float) -> Days:
    def is_enough(value: float | None) -> bool:
        return value is not None and value >= least - TOLERANCE

    window = case.exposure.window
    return Days.none() if window is None else levels.days_where(is_enough, window.start, window.end)


def _often(case: Case, hits: Days) -> Days:
    """The days with enough hits among the last covered days of the episode."""
    if not hits:
        return hits
    window, least = case.policy.days("R10.window"), case.policy.days("R10.days_min")
    found: list[Days] = []
    for start, days in case.ongoing_by_start.items():
        following = min((s for s in case.ongoing_by_start if s > start), default=None)
        end = (days.last() or start) + 1 if following is None else following
        found.append(
            Days.union(_in_last(case.exposure.covered.within(start, end), hits, window, least, end)) & days
        )
    return Days.union(found)


def _in_last(covered: Days, hits: Days, window: int, least: int, end: Day) -> Iterator[Days]:
    """The days whose last `window` covered days hold `least` hits; counted as if no day lay between them.

    A day that is not covered answers like the last one that was.
    """
    runs = covered.periods()
    places: list[Days] = []
    place = 0
    for run in runs:
        places.append(hits.within(run.start, run.end).shift(place - run.start))
        place += run.length
    enough = Days.union(places).counted(window, least)
    place = 0
    for at, run in enumerate(runs):
        yield enough.within(place, place + run.length).shift(run.start - place)
        place += run.length
        until = runs[at + 1].start if at + 1 < len(runs) else end
        if place - 1 in enough:
            yield Days.span(run.end, until)


def account(case: Case, day: Day, priority: Priority) -> Account:
    high = case.remember(high_days)
    kinds = {
        "above the label maximum": high.label,
        "above the maximum for older adults": high.older,
        "high in diazepam equivalents": high.dme,
    }
    exceeded = [each for each in high.exceeded if day in each.days]
    due = "R10.due_urgent" if priority is Priority.URGENT else "R10.due"
    counted = _counted(case, day)
    return Account(
        facts={
            "what": [name for name, days in kinds.items() if day in days],
            "exceeded": [
                {
                    "ingredient": each.ingredient,
                    "highest_daily_mg": _highest(_daily_mg(case)[each.ingredient], counted),
                    "maximum_mg": each.maximum_mg,
                    "maximum": "label" if each.is_label else "older adults",
                }
                for each in exceeded
            ],
            "dme_low_mg": case.exposure.dme.low.at(day),
            "highest_dme_low_mg": _highest(case.exposure.dme.low, counted),
            "labels_read_first": case.policy.daily_maximum,
        },
        evidence=references(supply for supply in case.exposure.supplies if supply.days & counted),
        numbers=("R10.days_min", "R10.window", "R10.dme_min", "R10.urgent_dme", due),
        due_after=case.policy.days(due),
    )


def _highest(levels: Levels, counted: Days) -> float:
    """The highest known value on those days."""
    return max(value or 0 for run in counted.periods() for _, _, value in levels.spans(run.start, run.end))


def _counted(case: Case, day: Day) -> Days:
    """The last covered days of the episode, as many as R10 counts."""
    episode = case.exposure.last_episode.at(day)
    covered = case.exposure.covered.within(episode.start, day + 1) if episode else Days.none()
    first = covered.nth(max(1, len(covered) - case.policy.days("R10.window") + 1))
    if first is None:
        raise ValueError("R10 holds only in an episode, after a covered day")
    return covered.within(first, day + 1)


R10 = Rule("R10", holdings, account)

"""A value of any kind for each day, that changes in steps: what held, and from when on."""

import itertools
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from service.model.days import Day, Days
from service.model.levels import Levels

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Steps(Generic[T_co]):
    """`initial` before the first step; from `days[i]` on, `values[i]`.

    Build it with `steps_of`, which keeps the days ordered and leaves out steps that change nothing.
    """

    initial: T_co
    days: tuple[Day, ...] = ()
    values: tuple[T_co, ...] = ()

    def at(self, day: Day) -> T_co:
        """The value on `day`."""
        place = bisect_right(self.days, day)
        return self.values[place - 1] if place else self.initial

    def spans(self, start: Day, end: Day) -> list[tuple[Day, Day, T_co]]:
        """The pieces of `[start, end)` with one value each, in order."""
        if end <= start:
            return []
        place = bisect_right(self.days, start)
        found: list[tuple[Day, Day, T_co]] = []
        at, value = start, self.values[place - 1] if place else self.initial
        for following in range(place, len(self.days)):
            day = self.days[following]
            if day >= end:
                break
            found.append((at, day, value))
            at, value = day, self.values[following]
        found.append((at, end, value))
        return found


def steps_of(initial: T, steps: Iterable[tuple[Day, T]]) -> Steps[T]:
    """From `(day, value from then on)` in any order; of two for one day the later given counts."""
    by_day = dict(steps)
    days: list[Day] = []
    values: list[T] = []
    before = initial
    for day in sorted(by_day):
        value = by_day[day]
        if value != before:
            days.append(day)
            values.append(value)
        before = value
    return Steps(initial, tuple(days), tuple(values))


def pieces(start: Day, end: Day, *what: Steps[object] | Days | Levels) -> list[tuple[Day, Day]]:
    """The pieces of `[start, end)` in each of which nothing of `what` changes, in order."""
    if end <= start:
        return []
    edges = {start, end}
    for one in what:
        edges.update(day for day in _edges(one) if start < day < end)
    return list(itertools.pairwise(sorted(edges)))


def _edges(one: Steps[object] | Days | Levels) -> Iterable[Day]:
    if isinstance(one, Days):
        return [edge for run in one.periods() for edge in (run.start, run.end)]
    return one.step_days() if isinstance(one, Levels) else one.days

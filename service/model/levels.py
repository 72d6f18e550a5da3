"""A number per day that changes in steps, such as a daily dose."""

import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from service.model.days import Day, Days


@dataclass(frozen=True, slots=True)
class Levels:
    """A value for each day, constant between steps.

    `steps` holds `(day, value)` in order of day: the value from that day on.  Before the first
    step, and when there are none, the value is 0.  `None` is an unknown value.
    Build it with `of` or `total`, which keep the steps ordered and free of repeats.
    """

    steps: tuple[tuple[Day, float | None], ...] = ()

    @classmethod
    def of(cls, steps: Iterable[tuple[Day, float | None]]) -> "Levels":
        """From `(day, value from then on)` in any order; days must differ."""
        ordered = sorted(steps, key=lambda step: step[0])
        if any(a[0] == b[0] for a, b in itertools.pairwise(ordered)):
            raise ValueError("two values for one day")
        return cls(_without_repeats(ordered))

    @classmethod
    def total(cls, spans: Iterable[tuple[Day, Day, float | None]]) -> "Levels":
        """Sum of values that hold on `[start, end)` each; unknown where any of them is unknown."""
        changes: dict[Day, tuple[list[float | None], list[float | None]]] = {}
        for start, end, value in spans:
            if end > start:
                changes.setdefault(start, ([], []))[0].append(value)
                changes.setdefault(end, ([], []))[1].append(value)
        running: list[float | None] = []
        steps: list[tuple[Day, float | None]] = []
        for day in sorted(changes):
            begins, ends = changes[day]
            for value in ends:
                running.remove(value)
            running += begins
            steps.append((day, _sum(running)))
        return cls(_without_repeats(steps))

    def at(self, day: Day) -> float | None:
        """The value on `day`; None when it is unknown."""
        place = bisect_left(self.steps, (day + 1,))
        return self.steps[place - 1][1] if place else 0

    def step_days(self) -> tuple[Day, ...]:
        """The days on which the value becomes another one."""
        return tuple(day for day, _ in self.steps)

    def spans(self, start: Day, end: Day) -> list[tuple[Day, Day, float | None]]:
        """The pieces of `[start, end)` with one value each, in order."""
        if end <= start:
            return []
        place = bisect_left(self.steps, (start + 1,))
        found: list[tuple[Day, Day, float | None]] = []
        at, value = start, self.steps[place - 1][1] if place else 0
        for day, following in self.steps[place:]:
            if day >= end:
                break
            found.append((at, day, value))
            at, value = day, following
        found.append((at, end, value))
        return found

    def days_where(self, holds: Callable[[float | None], bool], start: Day, end: Day) -> Days:
        """The days of `[start, end)` whose value satisfies `holds`."""
        return Days.union(Days.span(a, b) for a, b, value in self.spans(start, end) if holds(value))

    def map(self, change: Callable[[float | None], float | None]) -> "Levels":
        """Each value changed alike; `change(0)` must be 0 where nothing was before the first step."""
        return Levels.of((day, change(value)) for day, value in self.steps)


def _without_repeats(steps: Iterable[tuple[Day, float | None]]) -> tuple[tuple[Day, float | None], ...]:
    """Those of steps in order of day that change the value."""
    kept: list[tuple[Day, float | None]] = []
    before: float | None = 0
    for step in steps:
        if step[1] != before:
            kept.append(step)
            before = step[1]
    return tuple(kept)


def _sum(values: list[float | None]) -> float | None:
    """Always added in the same order, so that the order of the input never matters."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return known[0] if len(known) == 1 else sum(sorted(known))

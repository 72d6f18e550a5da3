"""A smaller plan that breaks the same invariant: fewer days, fewer events, fewer people."""

import re
from collections.abc import Callable
from dataclasses import replace

from tests.simulation.plan import Event, Plan
from tests.simulation.simulation import run

Breaks = Callable[[Plan], bool]


def shrink(plan: Plan, broken: str, *, runs: int = 150) -> Plan:
    """The smallest plan found within that many runs; each of them breaks in the same way as the plan does."""
    left = [runs]

    def breaks(smaller: Plan) -> bool:
        if left[0] <= 0:
            return False
        left[0] -= 1
        found = run(smaller).broken
        return found is not None and kind_of(found) == kind_of(broken)

    rest = plan.events[-1:]
    for size in (10, 4):
        smaller = replace(plan, people=size, events=tuple(e for e in plan.events if e.who < size))
        if size < plan.people and breaks(smaller):
            plan = smaller
    events = _fewer(list(plan.events), lambda kept: breaks(replace(plan, events=tuple(kept))))
    return replace(plan, events=tuple(events) or rest, why=broken)


def _fewer(events: list[Event], breaks: Callable[[list[Event]], bool]) -> list[Event]:
    """Drop stretches of events, the longest first, as long as it still breaks."""
    size = max(1, len(events) // 2)
    while True:
        start = len(events) - size
        while start > -size:
            kept = events[: max(0, start)] + events[start + size :]
            if len(kept) < len(events) and breaks(kept):
                events = kept
            start -= size
        if size == 1:
            return events
        size = max(1, size // 2)


def kind_of(broken: str) -> str:
    """What is broken, without whose and when."""
    return re.sub(r"[\[(].*?[\])]|\br[a-z2-7]{26}-\d+|\bp\d+\b|\d+", "", broken)

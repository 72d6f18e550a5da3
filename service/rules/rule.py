"""What a rule answers: on which days it holds, how soon, and on one day with which facts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.steps import Steps, steps_of
from service.rules.case import Case


@dataclass(frozen=True, slots=True)
class Holding:
    """The days on which a rule holds with a priority.  Where two overlap the higher priority counts."""

    days: Days
    priority: Priority


@dataclass(frozen=True, slots=True)
class Account:
    """What a rule rests on, on the day asked about."""

    facts: Mapping[str, object]  # JSON values, dates as ISO text
    evidence: tuple[str, ...]
    numbers: tuple[str, ...]  # names of the thresholds used
    due_on: Day | None = None  # a day of its own …
    due_after: int = 0  # … else days after the first day of the run with at least this priority


def _rests_on_nothing_more(_case: Case) -> Steps[Day | None]:
    return Steps(None)


@dataclass(frozen=True, slots=True)
class Rule:
    """`holdings` serves all days of the window; `account` is asked only of a day on which the rule holds."""

    id: str
    holdings: Callable[[Case], Sequence[Holding]]
    account: Callable[[Case, Day, Priority], Account]
    latest_fact: Callable[[Case], Steps[Day | None]] = field(default=_rests_on_nothing_more)
    """The latest day of the facts that a review must not precede to answer it (S14)."""


PRIORITIES = tuple(Priority)


class Held:
    """A rule's holdings joined: on which days, and with which priority."""

    __slots__ = ("at_least", "days", "rule")

    def __init__(self, rule: Rule, holdings: Sequence[Holding]) -> None:
        self.rule = rule
        given = [holding for holding in holdings if holding.days]
        self.at_least: dict[Priority, Days] = {
            least: Days.union([h.days for h in given if h.priority >= least]) for least in PRIORITIES
        }
        self.days = self.at_least[Priority.ROUTINE]

    @property
    def id(self) -> str:
        return self.rule.id

    def priority(self, day: Day) -> Priority | None:
        """How soon, on `day`; None when the rule does not hold."""
        return max((p for p, days in self.at_least.items() if day in days), default=None)

    def exactly(self, priority: Priority) -> Days:
        """The days on which this is the priority."""
        higher = Days.union(days for p, days in self.at_least.items() if p > priority)
        return self.at_least[priority] - higher

    def stretch(self, day: Day) -> Days:
        """The unbroken run of days that contains `day`; none when the rule does not hold on it."""
        start, end = self.days.run_start(day), self.days.run_end(day)
        return Days.none() if start is None or end is None else Days.span(start, end)

    def not_higher(self, day: Day) -> Days:
        """The days on which the priority is not higher than on `day`."""
        then = self.priority(day)
        if then is None:
            return Days.none()
        return self.days - Days.union(days for priority, days in self.at_least.items() if priority > then)


def latest_in_force(parts: Iterable[tuple[Days, Day]]) -> Steps[Day | None]:
    """On each day the latest of the facts that are in force: (the days on which it is, the day of the fact)."""
    given = [(days, day) for days, day in parts if days]
    edges = sorted({edge for days, _ in given for run in days.periods() for edge in (run.start, run.end)})
    return steps_of(
        None, [(edge, max((day for days, day in given if edge in days), default=None)) for edge in edges]
    )

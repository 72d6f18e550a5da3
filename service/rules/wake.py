"""On which later day does the answer change if nothing new arrives?  (rules.md, `wake_on`)"""

from collections.abc import Iterable, Iterator

from service.model.assessment import Priority
from service.model.days import Day, Days
from service.rules.case import Case
from service.rules.judge import Verdict


def wake_on(case: Case, verdicts: Iterable[Verdict]) -> Day | None:
    """The first day after `as_of` that answers otherwise, or on which the record says more; None: never."""
    exposure = case.exposure
    changes = [days.next_change(exposure.as_of) for days in _answers(case, verdicts)]
    end = exposure.window.end if exposure.window else exposure.as_of
    within = [day for day in changes if day is not None and day < end]
    if exposure.next_fact_day is not None:
        within.append(exposure.next_fact_day)
    return min(within, default=None)


def _answers(case: Case, verdicts: Iterable[Verdict]) -> Iterator[Days]:
    """Sets of days that together say what the answer is."""
    yield case.exposure.ongoing
    yield case.exposure.covered
    for verdict in verdicts:
        yield from (verdict.held.at_least[priority] for priority in Priority)
        yield verdict.muted

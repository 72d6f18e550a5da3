"""How many of the last days was it probably taken?  (exposure.md §5, `regular`)"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.model.days import Day, Days
from service.model.exposure import Supply
from service.model.levels import Levels


@dataclass(frozen=True, slots=True)
class Use:
    """Days of use of one episode, as seen on one day."""

    certain: Days  # each counts 1
    rates: Levels  # of as-needed supplies, on other days: at most 1 in all
    frequency_unknown: bool

    def sum(self, start: Day, end: Day) -> float:
        """The days of use in `[start, end)`."""
        total = float(self.certain.count(start, end))
        for a, b, rate in self.rates.spans(start, end):
            if rate:
                total += min(rate, 1.0) * len(Days.span(a, b) - self.certain)
        return total


def use_on(day: Day, supplies: Sequence[Supply], scheduled: Days) -> Use:
    """The use that the as-needed supplies of an episode, known on `day`, add to the scheduled days.

    Their units are spread from each start to the next start of the ingredient, the last ones to `day`.
    """
    certain, unknown = scheduled, False
    spans: list[tuple[Day, Day, float]] = []
    for supply in supplies:
        if not supply.as_needed:
            continue
        span = _spread(supply, supplies, day)
        if span is None:
            certain, unknown = certain | supply.days, True
        else:
            spans.append(span)
    return Use(certain, Levels.total(spans), unknown)


def _spread(supply: Supply, supplies: Iterable[Supply], day: Day) -> tuple[Day, Day, float] | None:
    """The days over which its units are spread, and the administrations a day; None: no rate can be told."""
    alike = [other for other in supplies if other.ingredient == supply.ingredient]
    successor = min((s.written_start for s in alike if s.written_start > supply.written_start), default=None)
    is_single = successor is None and sum(other.as_needed for other in alike) == 1
    if is_single or supply.units is None or not supply.units_per_administration:
        return None
    days = max(1, (day if successor is None else successor) - supply.written_start)
    rate = supply.units / days / supply.units_per_administration
    return supply.written_start, supply.written_start + days, rate

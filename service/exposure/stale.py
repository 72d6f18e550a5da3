"""Orders still active long after they were written, and never renewed (exposure.md §6)."""

from collections.abc import Sequence

from service.model.days import Day, Days
from service.model.exposure import Supply


def stale_days(supplies: Sequence[Supply], *, over: int, to: int, until: Day) -> Days:
    """The days before `until` on which such an order is the last thing known of the patient.

    It started more than `over` and at most `to` days before, and nothing else covers a day of the last `over`.
    """
    return Days.union(
        days - _others(supplies, supply).widen(after=over - 1)
        for supply in supplies
        if (days := _aged(supply, over + 1, to + 1, until))
    )


def forgotten(supplies: Sequence[Supply], *, to: int, day: Day) -> int:
    """How many orders are open on `day` and started more than `to` days before."""
    return sum(s.is_open(day) and day - s.written_start > to for s in supplies)


def _aged(supply: Supply, first: int, last: int, until: Day) -> Days:
    if not supply.open_ended:
        return Days.none()
    end = until if supply.cut is None else min(until, supply.cut)
    return Days.span(supply.written_start + first, min(supply.written_start + last, end))


def _others(supplies: Sequence[Supply], supply: Supply) -> Days:
    return Days.union(other.days for other in supplies if other is not supply)

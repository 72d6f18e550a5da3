"""The dates of an order or a fill: all of them right, or none is believed (exposure.md §1 bad-date, §2)."""

from collections.abc import Sequence

from service.model.days import Day
from service.record.datatypes import Dosage, Period
from service.record.dates import Dated, read_date
from service.record.elements import MedicationDispense, MedicationRequest


class _Dates:
    """Reads dates; `bad` when one is no date, or a period ends before it starts."""

    def __init__(self, timezone: str | None) -> None:
        self._timezone = timezone
        self.bad = False
        self.imprecise = False

    def read(self, text: str | None) -> Dated | None:
        if text is None:
            return None
        found = read_date(text, self._timezone)
        if found is None:
            self.bad = True
        elif found.imprecise:
            self.imprecise = True
        return found

    def first(self, text: str | None) -> Day | None:
        found = self.read(text)
        return found.first if found else None

    def last(self, text: str | None) -> Day | None:
        found = self.read(text)
        return found.last if found else None

    def period(self, period: Period | None) -> tuple[Day | None, Day | None]:
        """(first day, last day)."""
        if period is None:
            return None, None
        start, end = self.read(period.start), self.read(period.end)
        if start and end and end.last < start.first:
            self.bad = True
        return start.first if start else None, end.last if end else None

    def bounds(self, lines: Sequence[Dosage]) -> tuple[Day | None, Day | None]:
        """(earliest start, latest end) over the lines."""
        periods = [
            self.period(line.timing.repeat.bounds_period)
            for line in lines
            if line.timing is not None and line.timing.repeat is not None
        ]
        return (
            min((start for start, _ in periods if start is not None), default=None),
            max((end for _, end in periods if end is not None), default=None),
        )


class OrderDates:
    """The dates of a MedicationRequest.  `start` is None when it has none."""

    __slots__ = ("authored", "bad", "bounds_end", "imprecise", "start", "status_changed", "validity_end")

    def __init__(self, request: MedicationRequest, lines: Sequence[Dosage], timezone: str | None) -> None:
        dates = _Dates(timezone)
        self.authored = dates.first(request.authored_on)
        bounds_start, self.bounds_end = dates.bounds(lines)
        validity = request.dispense_request.validity_period if request.dispense_request else None
        validity_start, self.validity_end = dates.period(validity)
        self.status_changed = dates.last(request.status_changed)  # a stop is an end
        self.bad, self.imprecise = dates.bad, dates.imprecise
        self.start = self.authored
        if bounds_start is not None:
            renewed = self.authored is not None and self.authored > bounds_start and self.bounds_end is None
            self.start = self.authored if renewed else bounds_start
        elif self.authored is None:
            self.start = validity_start


class FillDates:
    """The dates of a MedicationDispense.  `start` is None when it has none."""

    __slots__ = ("bad", "imprecise", "start")

    def __init__(self, dispense: MedicationDispense, lines: Sequence[Dosage], timezone: str | None) -> None:
        dates = _Dates(timezone)
        handed, prepared = dates.first(dispense.when_handed_over), dates.first(dispense.when_prepared)
        dates.first(dispense.status_changed)
        dates.bounds(lines)
        self.bad, self.imprecise = dates.bad, dates.imprecise
        self.start = prepared if handed is None else handed

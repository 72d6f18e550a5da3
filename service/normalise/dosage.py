"""All dosage lines of an order or a fill, read together (exposure.md §3)."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from service.model.days import Period
from service.model.facts import Dosage, Drug, Phase, Range
from service.normalise.line import Line, read_line
from service.normalise.sig import ReadSig
from service.normalise.units import Calendar
from service.record import datatypes as fhir

_MOST_KEPT = 50_000  # different instructions of a source; when full, the cache starts again


class Dosages:
    """Reads dosages, each different one once: most of a population's are alike."""

    def __init__(self, calendar: Calendar, read_sig: ReadSig) -> None:
        self.calendar = calendar
        self._read_sig = read_sig
        self._kept: dict[tuple[tuple[fhir.Dosage, ...], Drug, str | None], Dosage] = {}

    def read(self, lines: tuple[fhir.Dosage, ...], drug: Drug, timezone: str | None) -> Dosage:
        """As `read_dosage`."""
        key = lines, drug, timezone
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            found = read_dosage(lines, drug, self.calendar, timezone, self._read_sig)
            self._kept[key] = found
        return found


def read_dosage(
    lines: Sequence[fhir.Dosage], drug: Drug, calendar: Calendar, timezone: str | None, read_sig: ReadSig
) -> Dosage:
    """The dosage as phases: one of the concurrent lines together, or one after the other by `sequence`.

    The dates of the lines are taken to be in the FHIR grammar.
    """
    read = [read_line(line, drug, calendar, timezone, read_sig) for line in lines]
    groups = _groups(read)
    if len(groups) <= 1:  # no phase: nothing may be 0
        read = [_never_zero(line) for line in read]
        groups = [read] if read else []
    phases = tuple(_phase(group) for group in groups)
    complete = bool(read) and all(line.days is not None for line in read)
    if any(phase.days is None for phase in phases[:-1]):
        phases = (_over_all(phases),)
    starts = [line.start for line in read if line.start is not None]
    return Dosage(
        phases=phases,
        as_needed=bool(read) and all(line.as_needed for line in read),
        units_per_administration=_least_units(read),
        every_line_has_length=complete,
        bounds=_bounds(read),
        days=sum(_longest(group) or 0 for group in groups) if complete else None,
        first_bounds_start=min(starts, default=None),
        flags=frozenset(
            {"unit_assumed"} if any(line.per_administration.assumed_unit for line in read) else ()
        ),
        unknown=next((line.unknown for line in read if line.unknown), None),
    )


def _groups(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that count at the same time, in order: all when one lacks `sequence`, else those that share it."""
    if any(line.sequence is None for line in lines):
        return [list(lines)]
    ordered = sorted(lines, key=lambda line: line.sequence or 0.0)
    return [list(group) for _, group in groupby(ordered, key=lambda line: line.sequence)]


def _never_zero(line: Line) -> Line:
    if not line.zero:
        return line
    nothing = type(line.per_day)(None, None)
    return Line(
        line.sequence, nothing, nothing, line.as_needed, line.days, line.start, line.end, False, "amount is 0"
    )


def _phase(lines: Sequence[Line]) -> Phase:
    return Phase(
        daily_mg=_sum(line.per_day.mg for line in lines),
        units_per_day=_sum(line.per_day.units for line in lines),
        days=_longest(lines),
    )


def _sum(amounts: Iterable[Range | None]) -> Range | None:
    """All together; unknown when one is."""
    low = high = 0.0
    for amount in amounts:
        if amount is None:
            return None
        low, high = low + amount.low, high + amount.high
    return Range(low, high)


def _longest(lines: Iterable[Line]) -> int | None:
    """How long lines at the same time last; unknown when one has no length."""
    days = 0
    for line in lines:
        if line.days is None:
            return None
        days = max(days, line.days)
    return days


def _over_all(phases: Sequence[Phase]) -> Phase:
    """Nobody knows when which phase is taken: from the lowest to the highest of all."""

    def span(amounts: Sequence[Range | None]) -> Range | None:
        known = [amount for amount in amounts if amount is not None]
        if len(known) < len(amounts):
            return None
        return Range(min(one.low for one in known), max(one.high for one in known))

    return Phase(
        span([phase.daily_mg for phase in phases]), span([phase.units_per_day for phase in phases]), None
    )


def _least_units(lines: Sequence[Line]) -> float | None:
    """The low end of what is given at once, in units."""
    amounts = [line.per_administration.units for line in lines]
    known = [amount.low for amount in amounts if amount is not None]
    return min(known, default=None) if len(known) == len(amounts) else None


def _bounds(lines: Sequence[Line]) -> Period | None:
    """Earliest start to the day after the latest end, when every line has both."""
    both = [(line.start, line.end) for line in lines if line.start is not None and line.end is not None]
    if not both or len(both) < len(lines):
        return None
    return Period(min(start for start, _ in both), max(end for _, end in both) + 1)

"""The daily dose of an order or a fill (exposure.md, section 3)."""

import math
from dataclasses import dataclass, field
from typing import Any

from . import days, dosetext, fhir, units
from .drugs import Strength

Range = tuple[float, float]

_PERIOD_DAYS = {"h": 1 / 24, "d": 1.0, "wk": 7.0, "mo": 30.0}
_CODES = {
    **dict.fromkeys(["QD", "AM", "PM", "BED", "HS"], 1.0),
    "BID": 2.0,
    "TID": 3.0,
    "QID": 4.0,
    "Q1H": 24.0,
    "Q2H": 12.0,
    "Q3H": 8.0,
    "Q4H": 6.0,
    "Q6H": 4.0,
    "Q8H": 3.0,
    "Q12H": 2.0,
    "Q24H": 1.0,
    "QOD": 0.5,
    "WK": 1 / 7,
    "MO": 1 / 30,
}


@dataclass
class Line:
    """One dosageInstruction: mg and units a day, and how long it lasts where that is written."""

    mg: Range | None
    units: Range | None
    units_each_low: float | None  # units per administration, low end
    as_needed: bool
    length: int | None
    bounds: tuple[int | None, int | None]  # days of boundsPeriod
    sequence: float | None
    flags: set[str] = field(default_factory=set)


@dataclass
class Phase:
    length: int | None
    mg: Range | None
    units: Range | None


@dataclass
class Dose:
    phases: list[Phase]  # one without length: the same dose on all days
    as_needed: bool
    units_each_low: float | None
    every_line_has_length: bool
    length: int | None  # of rule 2, when every line has one
    bounds: list[tuple[int | None, int | None]]
    flags: set[str]

    @property
    def phased(self) -> bool:
        return len(self.phases) > 1

    @property
    def known(self) -> bool:
        return all(phase.mg is not None for phase in self.phases)

    def phase_on(self, offset: int) -> Phase:
        """The phase of the n-th day; after the last phase its dose stays."""
        for phase in self.phases:
            if phase.length is None or offset < phase.length:
                return phase
            offset -= phase.length
        return self.phases[-1]

    def same_as(self, other: "Dose") -> bool:
        """Equal mg ranges; phased: an identical phase list."""
        if not self.known or not other.known or len(self.phases) != len(other.phases):
            return False
        return all(
            (not self.phased or one.length == two.length)
            and days.same(one.mg[0], two.mg[0])
            and days.same(one.mg[1], two.mg[1])
            for one, two in zip(self.phases, other.phases, strict=True)
            if one.mg is not None and two.mg is not None
        )


def _amount(
    line: dict[str, Any], strength: Strength | None, parsed: dosetext.Parsed | None, allow_zero: bool
) -> tuple[Range | None, Range | None, set[str]]:
    """mg and units per administration."""
    rates = fhir.objects(line.get("doseAndRate"))
    first = rates[0] if rates else {}
    quantity, span = fhir.dig(first, "doseQuantity"), fhir.dig(first, "doseRange")
    if quantity is None and span is None:
        if parsed is None or parsed.amount is None:
            return None, None, set()
        unit = units.word(parsed.unit or "")
        if parsed.amount[1] <= 0:
            return _nothing(unit is None, strength) if allow_zero else (None, None, set())
        return _both(parsed.amount, unit, unit is None, strength)
    if quantity is not None:
        value = quantity.get("value")
        fine = fhir.is_number(value) and (value > 0 or (value == 0 and allow_zero))
        unit, missing = units.unit_of(quantity)
        if fine and value == 0:
            return _nothing(missing, strength)
        return _both((float(value), float(value)), unit, missing, strength) if fine else (None, None, set())
    low, high = fhir.dig(span, "low"), fhir.dig(span, "high")
    top = fhir.dig(high, "value")
    bottom = 0 if low is None else fhir.dig(low, "value")
    if not fhir.is_number(top) or not (top > 0 or (top == 0 and allow_zero)):
        return None, None, set()
    if not fhir.is_number(bottom) or bottom < 0:  # a low end of 0 may be stated
        return None, None, set()
    unit, missing = units.unit_of(high)
    if top == 0:
        return _nothing(missing, strength)
    mg, count, flags = _both((0.0, float(top)), unit, missing, strength)
    if low is not None:
        unit, missing = units.unit_of(low)
        low_mg, low_count, more = _both((float(bottom), float(bottom)), unit, missing, strength)
        mg = (low_mg[0], mg[1]) if low_mg is not None and mg is not None else None
        count = (low_count[0], count[1]) if low_count is not None and count is not None else None
        flags |= more
    return mg, count, flags


def _nothing(missing: bool, strength: Strength | None) -> tuple[Range | None, Range | None, set[str]]:
    """0 of anything is 0 mg."""
    return (0.0, 0.0), (0.0, 0.0), _both((0.0, 0.0), None, missing, strength)[2]


def _both(
    amount: Range, unit: str | None, missing: bool, strength: Strength | None
) -> tuple[Range | None, Range | None, set[str]]:
    mg = [units.in_mg(value, unit, missing, strength) for value in amount]
    count = [units.in_units(value, unit, missing, strength) for value in amount]
    if strength is not None and count[0] is None and mg[0] is not None:
        count = [
            value / strength[0] if value is not None else None for value in mg
        ]  # mg ÷ strength gives units
    liquid = strength is not None and strength[1] == "mg/mL"
    flags = {"unit_assumed"} if missing and not liquid else set()
    return (
        (mg[0], mg[1]) if mg[0] is not None and mg[1] is not None else None,
        (count[0], count[1]) if count[0] is not None and count[1] is not None else None,
        flags,
    )


def _times(line: dict[str, Any], parsed: dosetext.Parsed | None) -> Range | None:
    """Administrations a day."""
    repeat = fhir.dig(line, "timing", "repeat") or {}
    if "period" in repeat:
        return _times_by_period(repeat)
    weekdays = set(fhir.listed(repeat.get("dayOfWeek")))
    for name in ("timeOfDay", "when"):
        if fhir.listed(repeat.get(name)):
            count = len(repeat[name]) * (len(weekdays) / 7 if weekdays else 1.0)
            return (count, count)
    code = fhir.dig(line, "timing", "code")
    for written in [c for _, c, _ in fhir.codings(code)] + [fhir.text(fhir.dig(code, "text"))]:
        if written.strip().upper() in _CODES:
            times = _CODES[written.strip().upper()]
            return (times, times)
    return parsed.times if parsed is not None else None


def _times_by_period(repeat: dict[str, Any]) -> Range | None:
    unit = fhir.text(repeat.get("periodUnit"))
    period = fhir.positive(repeat.get("period"))
    often = fhir.positive(repeat.get("frequency", 1))
    if unit not in _PERIOD_DAYS or period is None or often is None:
        return None
    most, longest = often, period
    if "frequencyMax" in repeat:
        most = fhir.positive(repeat["frequencyMax"])
    if "periodMax" in repeat:
        longest = fhir.positive(repeat["periodMax"])
    if most is None or longest is None or most < often or longest < period:
        return None
    share = 1.0
    weekdays = set(fhir.listed(repeat.get("dayOfWeek")))
    if weekdays:
        share = len(weekdays) if unit == "wk" else len(weekdays) / 7
    low = often / (longest * _PERIOD_DAYS[unit]) * share
    high = most / (period * _PERIOD_DAYS[unit]) * share
    return (low, high)


def is_as_needed(line: dict[str, Any]) -> bool:
    return (
        line.get("asNeededBoolean") is True
        or line.get("asNeeded") is True
        or bool(line.get("asNeededCodeableConcept"))
        or bool(fhir.listed(line.get("asNeededFor")))
        or dosetext.AS_NEEDED.search(fhir.text(line.get("text"))) is not None
    )


def _cap(
    line: dict[str, Any], strength: Strength | None, parsed: dosetext.Parsed | None
) -> tuple[float, float]:
    """(mg, units) that a day holds at most; infinity where nothing readable says so."""
    mg_cap = unit_cap = math.inf
    ratios = fhir.objects(line.get("maxDosePerPeriod"))
    for ratio in ratios:
        above, below = fhir.dig(ratio, "numerator") or {}, fhir.dig(ratio, "denominator")
        value, period = fhir.positive(above.get("value")), units.days_of(below)
        if value is None or period is None:
            continue
        unit, missing = units.unit_of(above)
        mg, count, _ = _both((value / period, value / period), unit, missing, strength)
        mg_cap = min(mg_cap, mg[0]) if mg is not None else mg_cap
        unit_cap = min(unit_cap, count[0]) if count is not None else unit_cap
    if not ratios and parsed is not None and parsed.maximum is not None:
        unit = units.word(parsed.maximum_unit or "")
        mg, count, _ = _both((parsed.maximum, parsed.maximum), unit, unit is None, strength)
        mg_cap = mg[0] if mg is not None else math.inf
        unit_cap = count[0] if count is not None else math.inf
    return mg_cap, unit_cap


def _a_day(amount: Range | None, times: Range | None, as_needed: bool, cap: float) -> Range | None:
    if amount == (0.0, 0.0):
        return amount  # nothing is given, however often
    if amount is None or times is None:
        return None
    low = 0.0 if as_needed else amount[0] * times[0]
    return (min(low, cap), min(amount[1] * times[1], cap))


def _length(line: dict[str, Any], times: Range | None, parsed: dosetext.Parsed | None) -> int | None:
    """How long a line lasts: its boundsPeriod, boundsDuration, the upper boundsRange, count, or the text's duration."""
    repeat = fhir.dig(line, "timing", "repeat") or {}
    start, end = bounds_of(line)
    if start is not None and end is not None:
        return end - start + 1
    for duration in (repeat.get("boundsDuration"), fhir.dig(repeat, "boundsRange", "high")):
        length = units.days_of(duration)
        if length is not None:
            return max(1, math.floor(length + days.TINY))
    count = fhir.positive(repeat.get("count"))
    if count is not None and times is not None and times[1] > 0:
        return max(1, math.floor(count / times[1] + days.TINY))
    return parsed.duration if parsed is not None else None


def bounds_of(line: dict[str, Any]) -> tuple[int | None, int | None]:
    """First and last day of boundsPeriod, each where it is written."""
    start = days.when(fhir.dig(line, "timing", "repeat", "boundsPeriod", "start"))
    end = days.when(fhir.dig(line, "timing", "repeat", "boundsPeriod", "end"))
    return (start.first if start else None, end.last if end else None)


def _read_line(line: dict[str, Any], ingredient: str, strength: Strength | None, allow_zero: bool) -> Line:
    has_amount = any(
        "doseQuantity" in r or "doseRange" in r for r in fhir.objects(line.get("doseAndRate"))[:1]
    )
    text = fhir.text(line.get("text"))
    parsed = dosetext.parse(text, ingredient, strength, has_amount) if text else None
    mg, count, flags = _amount(line, strength, parsed, allow_zero)
    times = _times(line, parsed)
    as_needed = is_as_needed(line)
    mg_cap, unit_cap = _cap(line, strength, parsed)
    sequence = line.get("sequence")
    return Line(
        mg=_a_day(mg, times, as_needed, mg_cap),
        units=_a_day(count, times, as_needed, unit_cap),
        units_each_low=count[0] if count is not None else None,
        as_needed=as_needed,
        length=_length(line, times, parsed),
        bounds=bounds_of(line),
        sequence=float(sequence) if fhir.is_number(sequence) else None,
        flags=flags,
    )


def _sum(ranges: list[Range | None]) -> Range | None:
    known = [r for r in ranges if r is not None]
    return (
        (sum(r[0] for r in known), sum(r[1] for r in known)) if len(known) == len(ranges) and known else None
    )


def _span(ranges: list[Range | None]) -> Range | None:
    known = [r for r in ranges if r is not None]
    return (
        (min(r[0] for r in known), max(r[1] for r in known)) if len(known) == len(ranges) and known else None
    )


def dose_of(instructions: list[dict[str, Any]], ingredient: str, strength: Strength | None) -> Dose:
    """All lines together: concurrent lines add up, others follow one another as phases."""
    sequences = [line.get("sequence") for line in instructions]
    phased = all(fhir.is_number(s) for s in sequences) and len(set(sequences)) > 1
    lines = [_read_line(line, ingredient, strength, phased) for line in instructions]
    flags: set[str] = set().union(*(line.flags for line in lines)) if lines else set()
    as_needed = bool(lines) and all(line.as_needed for line in lines)
    # lines of one place in the order are concurrent
    places = sorted({line.sequence for line in lines if line.sequence is not None}) if phased else [None]
    groups = [[line for line in lines if not phased or line.sequence == place] for place in places]
    phases = [
        Phase(
            length=max(line.length or 0 for line in group) if all(line.length for line in group) else None,
            mg=_sum([line.mg for line in group]),
            units=_sum([line.units for line in group]),
        )
        for group in groups
        if group
    ] or [Phase(None, None, None)]
    each = [(u, u) if (u := line.units_each_low) is not None else None for line in lines]
    every_length = bool(lines) and all(line.length for line in lines)
    length = sum(phase.length or 0 for phase in phases) if every_length else None
    if len(phases) > 1 and any(phase.length is None for phase in phases[:-1]):
        # a phase in the middle without length: the range over all phases
        phases = [Phase(None, _span([p.mg for p in phases]), _span([p.units for p in phases]))]
    if len(phases) == 1:
        phases[0].length = None
    low_each = _span(each)
    return Dose(
        phases=phases,
        as_needed=as_needed,
        units_each_low=low_each[0] if low_each is not None else None,
        every_line_has_length=every_length,
        length=length,
        bounds=[line.bounds for line in lines],
        flags=flags,
    )

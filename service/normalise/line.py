"""One dosage line: amount, times per day, maximum and length (exposure.md §3)."""

from dataclasses import dataclass

from service.model.days import Day
from service.model.facts import Drug, Range
from service.normalise.sig import Amount, ReadSig, Sig
from service.normalise.units import (
    DAYS_OF_WEEK,
    MONTHLY,
    TIMING_CODES,
    Calendar,
    UnitKind,
    floor,
    number,
    positive,
    unit_of,
    whole_days,
)
from service.record.datatypes import Dosage, Quantity, Ratio, Timing, TimingRepeat
from service.record.datatypes import Range as QuantityRange
from service.record.dates import first_day, last_day


@dataclass(frozen=True, slots=True)
class Given:
    """How much is given at once, or in a day: in mg and in units (tablets, mL), as far as computable."""

    mg: Range | None
    units: Range | None
    assumed_unit: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """What one dosage line comes to."""

    sequence: float | None
    per_administration: Given
    per_day: Given
    as_needed: bool
    days: int | None  # its length, where stated
    start: Day | None  # of boundsPeriod
    end: Day | None  # last day of boundsPeriod
    zero: bool  # its amount is 0: only a phase may say so
    unknown: str | None  # why there is no daily dose in mg


def read_line(
    dosage: Dosage, drug: Drug, calendar: Calendar, timezone: str | None, read_sig: ReadSig
) -> Line:
    """Put one dosage line into numbers.  Its dates are taken to be in the FHIR grammar."""
    repeat = (dosage.timing.repeat if dosage.timing else None) or TimingRepeat()
    sig = read_sig(dosage.text, drug, not states_an_amount(dosage)) if dosage.text else Sig()
    as_needed = dosage.is_as_needed or sig.as_needed
    amount, why_no_amount = _amount(dosage, sig)
    given = given_of(amount, drug)
    times, why_no_times = _times_per_day(dosage.timing, sig, calendar)
    zero = amount is not None and amount.value.high == 0
    per_day = _capped(
        _daily(given, times, as_needed=as_needed, zero=zero), _maximum(dosage, sig, drug, calendar)
    )
    unknown = None
    if per_day.mg is None:
        unknown = why_no_amount or (None if zero else why_no_times) or _why_no_mg(amount, drug)
    bounds = repeat.bounds_period
    start = first_day(bounds.start, timezone) if bounds else None
    end = last_day(bounds.end, timezone) if bounds else None
    return Line(
        sequence=number(dosage.sequence),
        per_administration=given,
        per_day=per_day,
        as_needed=as_needed,
        days=_length(repeat, start, end, times, sig, calendar),
        start=start,
        end=end,
        zero=zero,
        unknown=unknown,
    )


# -- amount --------------------------------------------------------------------------------------


def states_an_amount(dosage: Dosage) -> bool:
    """Whether the structure does, be it one that we cannot compute with."""
    first = dosage.dose_and_rate[0] if dosage.dose_and_rate else None
    return first is not None and (first.dose_quantity is not None or first.dose_range is not None)


def _amount(dosage: Dosage, sig: Sig) -> tuple[Amount | None, str | None]:
    """The amount, or why it is unknown; only what the structure lacks is taken from the text."""
    first = dosage.dose_and_rate[0] if dosage.dose_and_rate else None
    if first is not None and first.dose_quantity is not None:
        return _of_quantity(first.dose_quantity)
    if first is not None and first.dose_range is not None:
        return _of_range(first.dose_range)
    return (sig.amount, None) if sig.amount is not None else (None, "no amount")


def _of_quantity(quantity: Quantity) -> tuple[Amount | None, str | None]:
    value = number(quantity.value)
    if value is None or value < 0:
        return None, "amount is not a number above 0"
    return Amount(Range(value, value), unit_of(quantity)), None


def _of_range(found: QuantityRange) -> tuple[Amount | None, str | None]:
    """No low: 0; no high: unknown.  A side without unit has that of the other."""
    high = number(found.high.value) if found.high else None
    if found.high is None or high is None or high < 0:
        return None, "amount has no upper end"
    low = 0.0 if found.low is None or found.low.value is None else number(found.low.value)
    unit = unit_of(found.high)
    own = unit_of(found.low) if found.low else unit
    if unit.kind is UnitKind.NONE:
        unit = own
    if low is None or not 0 <= low <= high or own not in (unit, unit_of(Quantity())):
        return None, "amount is not a range of numbers"
    return Amount(Range(low, high), unit), None


def given_of(amount: Amount | None, drug: Drug) -> Given:
    """An amount in mg and in units of the drug.

    `strength` is mg per tablet-like unit of a solid form, mg per mL of a liquid one.
    """
    if amount is None:
        return Given(None, None)
    value, kind, strength = amount.value, amount.unit.kind, drug.strength
    if kind is UnitKind.MASS:
        mg = value.scaled(amount.unit.mg)
        return Given(mg, None if strength is None else mg.scaled(1 / strength))
    fits = kind is UnitKind.VOLUME if drug.liquid else kind in (UnitKind.PIECE, UnitKind.NONE)
    if kind is UnitKind.VOLUME and strength is None:
        return Given(None, value)
    if not fits:
        return Given(None, None)
    mg_known = None if strength is None else value.scaled(strength)
    return Given(mg_known, value, assumed_unit=kind is UnitKind.NONE)


def _why_no_mg(amount: Amount | None, drug: Drug) -> str:
    if amount is not None and amount.value.high == 0:
        return "amount is 0"
    return "strength is not known" if drug.strength is None else "unit is not understood"


# -- times per day -------------------------------------------------------------------------------


def _times_per_day(timing: Timing | None, sig: Sig, calendar: Calendar) -> tuple[Range | None, str | None]:
    """How often, or why that is unknown."""
    repeat = (timing.repeat if timing else None) or TimingRepeat()
    share = _share_of_week(repeat)
    if repeat.period is not None:
        found = _by_period(repeat, calendar)
        return (found, None) if found is not None else (None, "frequency is not understood")
    for listed in (repeat.time_of_day, repeat.when):
        if listed:
            return Range(len(listed) * share, len(listed) * share), None
    coded = _by_code(timing, calendar)
    if coded is not None:
        return Range(coded, coded), None
    return (sig.times_per_day, None) if sig.times_per_day is not None else (None, "no frequency")


def _share_of_week(repeat: TimingRepeat) -> float:
    days = _days_of_week(repeat)
    return days / 7 if days else 1.0


def _days_of_week(repeat: TimingRepeat) -> int:
    return len({day.lower() for day in repeat.day_of_week or ()} & DAYS_OF_WEEK)


def _by_period(repeat: TimingRepeat, calendar: Calendar) -> Range | None:
    """frequency ÷ period; a weekly frequency is that of each of the days named."""
    unit = calendar.period_days(repeat.period_unit)
    period = positive(repeat.period)
    low = 1.0 if repeat.frequency is None else positive(repeat.frequency)
    if unit is None or period is None or low is None:
        return None
    high = low if repeat.frequency_max is None else positive(repeat.frequency_max)
    longest = period if repeat.period_max is None else positive(repeat.period_max)
    if high is None or longest is None or high < low or longest < period:
        return None
    days = _days_of_week(repeat)
    factor = 1.0 if not days else float(days) if repeat.period_unit == "wk" else days / 7
    return Range(low * factor / (longest * unit), high * factor / (period * unit))


def _by_code(timing: Timing | None, calendar: Calendar) -> float | None:
    code = timing.code if timing else None
    for written in (*(one.code for one in code.codings), code.text) if code else ():
        word = (written or "").strip().upper()
        if word == MONTHLY:
            return 1 / calendar.month_days
        if word in TIMING_CODES:
            return TIMING_CODES[word]
    return None


# -- a day, its maximum, and the length ----------------------------------------------------------


def _daily(given: Given, times: Range | None, *, as_needed: bool, zero: bool) -> Given:
    if zero:  # nothing is given, however often
        return Given(Range(0, 0), Range(0, 0), given.assumed_unit)
    if times is None:
        return Given(None, None, given.assumed_unit)

    def a_day(each: Range | None) -> Range | None:
        if each is None:
            return None
        return Range(0.0 if as_needed else each.low * times.low, each.high * times.high)

    return Given(a_day(given.mg), a_day(given.units), given.assumed_unit)


def _maximum(dosage: Dosage, sig: Sig, drug: Drug, calendar: Calendar) -> Given:
    """The least maximum a day, in mg and in units."""
    stated = [_per_day(ratio, drug, calendar) for ratio in dosage.maxima]
    if not stated and sig.maximum_per_day is not None:
        stated = [given_of(sig.maximum_per_day, drug)]
    mg = [one.mg for one in stated if one.mg is not None]
    units = [one.units for one in stated if one.units is not None]
    return Given(min(mg, default=None), min(units, default=None))


def _per_day(ratio: Ratio, drug: Drug, calendar: Calendar) -> Given:
    days = calendar.days_of(ratio.denominator)
    value = positive(ratio.numerator.value) if ratio.numerator else None
    if days is None or value is None or ratio.numerator is None:
        return Given(None, None)
    a_day = value / days
    return given_of(Amount(Range(a_day, a_day), unit_of(ratio.numerator)), drug)


def _capped(given: Given, maximum: Given) -> Given:
    def at_most(amount: Range | None, cap: Range | None) -> Range | None:
        if amount is None or cap is None:
            return amount
        return Range(min(amount.low, cap.high), min(amount.high, cap.high))

    return Given(at_most(given.mg, maximum.mg), at_most(given.units, maximum.units), given.assumed_unit)


def _length(
    repeat: TimingRepeat,
    start: Day | None,
    end: Day | None,
    times: Range | None,
    sig: Sig,
    calendar: Calendar,
) -> int | None:
    """Days that the line itself says it lasts (exposure.md §4, rules 1 and 2)."""
    if start is not None and end is not None:
        return end + 1 - start
    upper = repeat.bounds_range.high if repeat.bounds_range else None
    days = calendar.days_of(repeat.bounds_duration) or calendar.days_of(upper)
    if days is not None:
        return whole_days(days)
    count = positive(repeat.count)
    if count is not None and times is not None and times.high > 0:
        return max(1, floor(count / times.high))
    return sig.days

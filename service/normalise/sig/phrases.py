"""The grammar of dosage texts: tokens without fillers → the phrases they are, or nothing at all.

    text      = phrase*                                at most one of each, in any order
    phrase    = amount | frequency | as-needed | maximum | duration
    amount    = span unit
    frequency = ["up to"] (fixed words | count [a|per|each|every] day|daily
                           | every hours "hours" | hours "hourly")
    count     = once | twice | n times
    hours     = n ["-" n]
    maximum   = ("max" | "not more than" | "up to" …) number [unit] (a|per|in|/) (day | 24 hours)
    duration  = for n days|weeks|months

Rules are tried at a token; each gives what it read and where that ends, or None.
"""

from dataclasses import dataclass

from service.model.facts import Range
from service.normalise.sig.numbers import plain, span
from service.normalise.sig.parts import Amount
from service.normalise.sig.tokens import Token
from service.normalise.sig.words import (
    A_DAY,
    A_DAY_LINKS,
    AS_NEEDED,
    FREQUENCIES,
    FREQUENCY_STARTS,
    LONGEST_FREQUENCY,
    MAXIMUM,
    PER_DAY_LINKS,
    PERIODS,
    TIMES,
    TOGETHER,
    UNITS,
    Kind,
    Words,
)
from service.normalise.units import Unit, UnitKind

_NO_UNIT = Unit(UnitKind.NONE)
_MOST_FREQUENCIES = 2


@dataclass(frozen=True, slots=True)
class Frequency:
    times_per_day: Range
    kind: Kind


@dataclass(frozen=True, slots=True)
class Duration:
    """A length: days, or months of the policy."""

    days: float = 0.0
    months: float = 0.0


@dataclass(slots=True)
class Phrases:
    """What was found so far."""

    amount: Amount | None = None
    frequency: Frequency | None = None
    as_needed: bool = False
    maximum: Amount | None = None
    duration: Duration | None = None


def phrases_of(tokens: list[Token]) -> Phrases | None:
    """All phrases of a text; None when a token is left over or a part stands twice."""
    found = Phrases()
    at = 0
    while at < len(tokens):
        end = _phrase(tokens, at, found)
        if end is None:
            return None
        at = end
    return found


def _phrase(tokens: list[Token], at: int, found: Phrases) -> int | None:
    """Puts the phrase at `at` into `found`; gives its end."""
    if (frequency := _frequency(tokens, at)) is not None:
        found.frequency, end = _joined(found.frequency, frequency[0]), frequency[1]
        return end if found.frequency is not None else None
    if (amount := _amount(tokens, at)) is not None:
        fresh, (found.amount, end) = found.amount is None, amount
    elif (length := _length(tokens, at, AS_NEEDED)) is not None:
        fresh, found.as_needed, end = not found.as_needed, True, at + length
    elif (maximum := _maximum(tokens, at)) is not None:
        fresh, (found.maximum, end) = found.maximum is None, maximum
    elif (duration := _duration(tokens, at)) is not None:
        fresh, (found.duration, end) = found.duration is None, duration
    else:
        return None
    return end if fresh else None


def _length(tokens: list[Token], at: int, phrases: frozenset[Words]) -> int | None:
    """How long the shortest of the phrases is that stands there."""
    return next((n for n in (1, 2, 3) if tuple(tokens[at : at + n]) in phrases), None)


def _amount(tokens: list[Token], at: int) -> tuple[Amount, int] | None:
    number = span(tokens, at)
    if number is None:
        return None
    value, end = number
    unit = UNITS.get(str(tokens[end])) if end < len(tokens) else None
    return None if unit is None else (Amount(value, unit), end + 1)


# -- frequency -----------------------------------------------------------------------------------


def _joined(known: Frequency | None, found: Frequency) -> Frequency | None:
    """The frequency of a text that has another one already; None when the two may not stand together."""
    if known is None:
        return found
    pair = frozenset((known.kind, found.kind))
    return Frequency(Range(1, 1), Kind.OTHER) if pair in TOGETHER else None


def _frequency(tokens: list[Token], at: int) -> tuple[Frequency, int] | None:
    if tokens[at] == "up" and tokens[at + 1 : at + 2] == ["to"] and at + 2 < len(tokens):
        found = _plain_frequency(tokens, at + 2)
        if found is None:
            return None
        frequency, end = found
        return Frequency(Range(0, frequency.times_per_day.high), Kind.OTHER), end
    return _plain_frequency(tokens, at)


def _plain_frequency(tokens: list[Token], at: int) -> tuple[Frequency, int] | None:
    return _fixed(tokens, at) or _count_a_day(tokens, at) or _every_hours(tokens, at) or _hourly(tokens, at)


def _fixed(tokens: list[Token], at: int) -> tuple[Frequency, int] | None:
    """The longest phrase of the table of frequencies."""
    first = tokens[at]
    if first not in FREQUENCY_STARTS:
        return None
    for end in range(min(at + LONGEST_FREQUENCY, len(tokens)), at, -1):
        found = FREQUENCIES.get(tuple(tokens[at:end]))
        if found is not None:
            kind, times = found
            return Frequency(Range(times, times), kind), end
    return None


def _count_a_day(tokens: list[Token], at: int) -> tuple[Frequency, int] | None:
    """`twice daily`, `3 times a day`."""
    times = TIMES.get(str(tokens[at]))
    end = at + 1
    if times is None:
        counted = plain(tokens, at)
        if counted is None or tokens[end : end + 1] != ["times"]:
            return None
        times, end = counted, end + 1
    if end < len(tokens) and tokens[end] in A_DAY_LINKS:
        end += 1
    if end < len(tokens) and tokens[end] in A_DAY:
        return Frequency(Range(times, times), Kind.OTHER), end + 1
    return None


def _every_hours(tokens: list[Token], at: int) -> tuple[Frequency, int] | None:
    """`every 4-6 hours`."""
    if tokens[at] != "every":
        return None
    found = _hours(tokens, at + 1)
    if found is None or found[1] >= len(tokens) or tokens[found[1]] != "hours":
        return None
    return found[0], found[1] + 1


def _hourly(tokens: list[Token], at: int) -> tuple[Frequency, int] | None:
    """`4-6 hourly`."""
    found = _hours(tokens, at)
    if found is None or tokens[found[1] : found[1] + 1] != ["hourly"]:
        return None
    return found[0], found[1] + 1


def _hours(tokens: list[Token], at: int) -> tuple[Frequency, int] | None:
    """The hours between two doses."""
    least, end = plain(tokens, at), at + 1
    most = least
    if least is not None and tokens[end : end + 1] == ["-"]:
        most, end = plain(tokens, end + 1), end + 2
    if least is None or most is None or most < least:
        return None
    return Frequency(Range(24 / most, 24 / least), Kind.OTHER), end


# -- maximum and duration ------------------------------------------------------------------------


def _maximum(tokens: list[Token], at: int) -> tuple[Amount, int] | None:
    """`max 3 tablets per day`, `up to 4 in 24 hours`."""
    length = _length(tokens, at, MAXIMUM)
    number = None if length is None else plain(tokens, at + length)
    if length is None or number is None:
        return None
    end = at + length + 1
    unit = UNITS.get(str(tokens[end])) if end < len(tokens) else None
    per = _per_day(tokens, end if unit is None else end + 1)
    return None if per is None else (Amount(Range(number, number), unit or _NO_UNIT), per)


def _per_day(tokens: list[Token], at: int) -> int | None:
    """Where `a day`, `per day`, `in 24 hours`, `/day` ends."""
    if at >= len(tokens) or tokens[at] not in PER_DAY_LINKS:
        return None
    if tokens[at + 1 : at + 2] == ["day"]:
        return at + 2
    return at + 3 if tokens[at + 1 : at + 3] == [24.0, "hours"] else None


def _duration(tokens: list[Token], at: int) -> tuple[Duration, int] | None:
    """`for 2 weeks`."""
    count = plain(tokens, at + 1) if tokens[at] == "for" else None
    if count is None or at + 2 >= len(tokens) or tokens[at + 2] not in PERIODS:
        return None
    days = PERIODS[str(tokens[at + 2])]
    return (Duration(months=count) if days is None else Duration(days=count * days)), at + 3

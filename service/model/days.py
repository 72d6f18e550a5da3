"""Days as values: a set of days, and the questions that rules ask of it.

A day is an `int`: the proleptic Gregorian ordinal of a calendar date at the clinic
(`date.toordinal()`), so that counting days is subtraction.  Periods are half-open.
"""

import itertools
from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

Day = int


def day_of(when: date) -> Day:
    """The day number of a calendar date."""
    return when.toordinal()


def date_of(day: Day) -> date:
    """The calendar date of a day number."""
    return date.fromordinal(day)


class Period(msgspec.Struct, frozen=True, order=True, gc=False):
    """Whole days from `start` up to, not including, `end`."""

    start: Day
    end: Day

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a period must end after it starts: {self.start}..{self.end}")

    @property
    def length(self) -> int:
        return self.end - self.start

    def __contains__(self, day: Day) -> bool:
        return self.start <= day < self.end


def _mask(length: int) -> int:
    return (1 << length) - 1


class Days(msgspec.Struct, frozen=True, gc=False):
    """A finite set of days, kept as one integer: bit i stands for day `origin + i`.

    Two sets are equal when they hold the same days: the origin is the first day (0 of the empty set), so
    that bit 0 is set.  Made by `none`, `span`, `of`, `union` and from other sets, never by hand.  A struct of
    msgspec, not a dataclass: an assessment makes thousands of them, and these cost a tenth.
    """

    origin: Day
    bits: int

    @classmethod
    def none(cls) -> "Days":
        """The empty set."""
        return _NONE

    @classmethod
    def span(cls, start: Day, end: Day) -> "Days":
        """All days of `[start, end)`; empty when `end <= start`."""
        return Days(start, (1 << (end - start)) - 1) if end > start else _NONE

    @classmethod
    def of(cls, days: Iterable[Day]) -> "Days":
        """The set of the given days."""
        listed = list(days)
        if not listed:
            return _NONE
        origin, bits = min(listed), 0
        for day in listed:
            bits |= 1 << (day - origin)
        return Days(origin, bits)

    @classmethod
    def union(cls, sets: Iterable["Days"]) -> "Days":
        """All days that are in at least one of the sets."""
        given = [days for days in sets if days.bits]
        if len(given) < 2:
            return given[0] if given else _NONE
        origin = min([days.origin for days in given])
        bits = 0
        for days in given:
            bits |= days.bits << (days.origin - origin)
        return Days(origin, bits)

    # -- set algebra ---------------------------------------------------------------------

    def __or__(self, other: "Days") -> "Days":
        if not self.bits:
            return other
        if not other.bits:
            return self
        apart = other.origin - self.origin
        if apart >= 0:
            return Days(self.origin, self.bits | other.bits << apart)
        return Days(other.origin, self.bits << -apart | other.bits)

    def __and__(self, other: "Days") -> "Days":
        apart = other.origin - self.origin
        if apart >= 0:
            return _from(other.origin, self.bits >> apart & other.bits)
        return _from(self.origin, self.bits & other.bits >> -apart)

    def __sub__(self, other: "Days") -> "Days":
        if not self.bits or not other.bits:
            return self
        apart = other.origin - self.origin
        theirs = other.bits << apart if apart >= 0 else other.bits >> -apart
        return _from(self.origin, self.bits & ~theirs)

    def within(self, start: Day, end: Day) -> "Days":
        """The days of the set that lie in `[start, end)`."""
        low = start - self.origin if start > self.origin else 0
        high = end - self.origin
        return _from(self.origin + low, (self.bits & (1 << high) - 1) >> low) if high > low else _NONE

    def shift(self, days: int) -> "Days":
        """Each day moved by `days` (later when positive)."""
        return Days(self.origin + days, self.bits) if self.bits else self

    def widen(self, *, before: int = 0, after: int = 0) -> "Days":
        """Each day d together with `d - before … d + after`."""
        if not self.bits:
            return self
        return Days(self.origin - before, _smear(self.bits, before + after))

    # -- questions -----------------------------------------------------------------------

    def __bool__(self) -> bool:
        return self.bits != 0

    def __len__(self) -> int:
        return self.bits.bit_count()

    def __contains__(self, day: Day) -> bool:
        place = day - self.origin
        return place >= 0 and bool(self.bits >> place & 1)

    def __iter__(self) -> Iterator[Day]:
        for period in self.periods():
            yield from range(period.start, period.end)

    def first(self) -> Day | None:
        """The earliest day, or None."""
        return self.origin if self.bits else None

    def last(self) -> Day | None:
        """The latest day, or None."""
        return self.origin + self.bits.bit_length() - 1 if self.bits else None

    def last_until(self, day: Day) -> Day | None:
        """The latest day of the set that is not after `day`, or None."""
        return self.within(self.origin, day + 1).last()

    def first_after(self, day: Day) -> Day | None:
        """The earliest day of the set that is after `day`, or None."""
        place = day + 1 - self.origin
        return self.first() if place <= 0 else _from(self.origin + place, self.bits >> place).first()

    def nth(self, n: int) -> Day | None:
        """The n-th day of the set, counted from 1; None when there are fewer."""
        for run in self.periods():
            if n <= run.length:
                return run.start + n - 1
            n -= run.length
        return None

    def next_change(self, day: Day) -> Day | None:
        """The first day after `day` that is in the set when `day` is not, or the other way round."""
        return self.run_end(day) if day in self else self.first_after(day)

    def count(self, start: Day, end: Day) -> int:
        """How many days of the set lie in `[start, end)`."""
        if not self.bits or end <= start:
            return 0
        low = max(start - self.origin, 0)
        high = max(end - self.origin, 0)
        return ((self.bits >> low) & _mask(high - low)).bit_count() if high > low else 0

    def periods(self) -> list[Period]:
        """The unbroken runs, earliest first."""
        runs: list[Period] = []
        at, rest = self.origin, self.bits
        while rest:
            skip = (rest & -rest).bit_length() - 1
            rest >>= skip
            length = (~rest & (rest + 1)).bit_length() - 1
            runs.append(Period(at + skip, at + skip + length))
            at, rest = at + skip + length, rest >> length
        return runs

    def run_start(self, day: Day) -> Day | None:
        """The first day of the unbroken run that contains `day`; None when it is not in the set."""
        if day not in self:
            return None
        missing = ~self.bits & _mask(day - self.origin)
        return self.origin + missing.bit_length()

    def run_end(self, day: Day) -> Day | None:
        """The first day after `day` that is not in the set; None when `day` is not in the set."""
        if day not in self:
            return None
        rest = self.bits >> (day - self.origin)
        return day + (~rest & (rest + 1)).bit_length() - 1

    def counted(self, window: int, at_least: int) -> "Days":
        """The days d with at least `at_least` days of the set in the `window` days ending on d."""
        if at_least <= 0:
            raise ValueError("a count of nothing holds on every day: the set would not be finite")
        if window <= 0 or len(self) < at_least:
            return Days.none()
        steps: dict[Day, int] = {}
        for run in self.periods():
            for at, by in ((run.start, 1), (run.end, -1), (run.start + window, -1), (run.end + window, 1)):
                steps[at] = steps.get(at, 0) + by
        return _counted(sorted(steps.items()), at_least)


_NONE = Days(0, 0)


def _from(origin: Day, bits: int) -> Days:
    """The set of these bits, from its first day on."""
    if bits & 1:
        return Days(origin, bits)
    if not bits:
        return _NONE
    skip = (bits & -bits).bit_length() - 1
    return Days(origin + skip, bits >> skip)


def _smear(bits: int, by: int) -> int:
    """`bits | bits << 1 | … | bits << by`, by doubling."""
    done = 0
    while done < by:
        step = min(done + 1, by - done)
        bits |= bits << step
        done += step
    return bits


def _counted(slopes: list[tuple[Day, int]], at_least: int) -> Days:
    """Days on which a count that changes by a slope a day reaches `at_least`.

    From `slopes[i]` on the count grows by the running sum of the slopes up to i, a day.
    """
    found: list[Days] = []
    count = slope = 0
    for (start, change), (end, _) in itertools.pairwise(slopes):
        slope += change
        if slope > 0:
            first = start + max(-(-(at_least - count) // slope) - 1, 0)
            found.append(Days.span(first, end))
        elif slope < 0:
            enough = (count - at_least) // -slope
            found.append(Days.span(start, min(start + max(enough, 0), end)))
        elif count >= at_least:
            found.append(Days.span(start, end))
        count += slope * (end - start)
    return Days.union(found)

"""Calendar days as whole numbers, and the FHIR date grammar (exposure.md, sections 0 and 1)."""

import calendar
import datetime as dt
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

TINY = 1e-9  # floats compare with this tolerance

_GRAMMAR = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d{2})(-(?P<day>\d{2})"
    r"(T(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(?P<fraction>\.\d+)?"
    r"(?P<zone>Z|[+-]\d{2}:\d{2}))?)?)?"
)


class When(NamedTuple):
    """A FHIR date: its first and its last day as written; `partial` when a month or a day is missing."""

    first: int
    last: int
    partial: bool


def number(text: str) -> int:
    """The day number of a full date."""
    return dt.date.fromisoformat(text).toordinal()


def iso(day: int | None) -> str | None:
    """The date of a day number."""
    return None if day is None else dt.date.fromordinal(day).isoformat()


def when(text: object) -> When | None:
    """Read a date or an instant; None when it is not in the grammar, or impossible."""
    if not isinstance(text, str):
        return None
    found = _GRAMMAR.fullmatch(text)
    if found is None or int(found["year"]) == 0:
        return None
    if found["hour"] is not None and not _time_is_possible(found):
        return None
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    try:
        first = dt.date(year, month, day)
    except ValueError:
        return None
    if found["month"] is None:
        last = dt.date(year, 12, 31)
    elif found["day"] is None:
        last = dt.date(year, month, calendar.monthrange(year, month)[1])
    else:
        last = first
    return When(first.toordinal(), last.toordinal(), last != first or found["day"] is None)


def _time_is_possible(found: re.Match[str]) -> bool:
    if int(found["hour"]) > 23 or int(found["minute"]) > 59 or int(found["second"]) > 60:
        return False
    zone = found["zone"]
    return zone == "Z" or (int(zone[1:3]) * 60 + int(zone[4:6]) <= 14 * 60 and int(zone[4:6]) <= 59)


def moment(text: object) -> float | None:
    """A point in time for comparing two `meta.lastUpdated`; None when it is bad or missing."""
    written = when(text)
    if written is None or not isinstance(text, str):
        return None
    if "T" not in text:
        return float(written.first * 86400)
    found = _GRAMMAR.fullmatch(text)
    assert found is not None
    seconds = number(text[:10]) * 86400.0
    seconds += int(found["hour"]) * 3600 + int(found["minute"]) * 60 + int(found["second"])
    seconds += float(found["fraction"] or 0)
    zone = found["zone"]
    if zone != "Z":
        shift = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60
        seconds -= shift if zone[0] == "+" else -shift
    return seconds


def round2(value: float | None) -> float | None:
    """Two decimals, half up."""
    if value is None:
        return None
    exact = Decimal(repr(round(value, 9)))
    return float(exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def at_least(value: float, limit: float) -> bool:
    return value >= limit - TINY


def at_most(value: float, limit: float) -> bool:
    return value <= limit + TINY


def above(value: float, limit: float) -> bool:
    return value > limit + TINY


def same(one: float, other: float) -> bool:
    return abs(one - other) <= TINY


def years_old(born: int, day: int) -> int:
    """Age in whole years; somebody born on 29 February has the birthday on 1 March."""
    birth, today = dt.date.fromordinal(born), dt.date.fromordinal(day)
    month, date = (3, 1) if (birth.month, birth.day) == (2, 29) else (birth.month, birth.day)
    return today.year - birth.year - ((today.month, today.day) < (month, date))

"""Dates as FHIR writes them → day numbers at the clinic (exposure.md §0)."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from service.model.days import Day

# FHIR R4 `dateTime`: a year, a month, a day, or a full instant with its zone.
_GRAMMAR = re.compile(
    r"(?P<year>(?!0000)\d{4})"
    r"(?:-(?P<month>0[1-9]|1[0-2])"
    r"(?:-(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?:T(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)(?:\.\d+)?"
    r"(?P<zone>Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00)))?)?)?",
    re.ASCII,
)
_KEPT = 200_000  # dates of a life times; a date string is some 100 bytes


@dataclass(frozen=True, slots=True)
class Dated:
    """The days that a date stands for: one, or all of a month or a year."""

    first: Day
    last: Day

    @property
    def imprecise(self) -> bool:
        return self.first != self.last


@lru_cache(maxsize=_KEPT)
def read_date(text: str, timezone_name: str | None) -> Dated | None:
    """The days that `text` names; None when it is not in the FHIR grammar or there is no such day.

    An instant is a day in the zone `timezone_name`; without one, the calendar date as written.
    """
    found = _GRAMMAR.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(found[part] or 0) for part in ("year", "month", "day"))
    if not month:
        return Dated(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal())
    if not day:
        last = calendar.monthrange(year, month)[1]
        return Dated(date(year, month, 1).toordinal(), date(year, month, last).toordinal())
    try:
        written = date(year, month, day)
    except ValueError:
        return None
    if found["zone"] is not None and timezone_name is not None:
        written = _at_the_clinic(found, written, timezone_name)
    return Dated(written.toordinal(), written.toordinal())


def _at_the_clinic(found: re.Match[str], written: date, timezone_name: str) -> date:
    zone = UTC if found["zone"] == "Z" else _offset(found["zone"])
    second = min(int(found["second"]), 59)  # a leap second belongs to the minute that it ends
    when = datetime(
        written.year,
        written.month,
        written.day,
        int(found["hour"]),
        int(found["minute"]),
        second,
        tzinfo=zone,
    )
    try:
        return when.astimezone(ZoneInfo(timezone_name)).date()
    except OverflowError:  # the first or the last day of the calendar
        return written


def _offset(zone: str) -> timezone:
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if zone[0] == "-" else offset)


def first_day(text: str | None, timezone_name: str | None) -> Day | None:
    """For a start or a birth: the first day; None when missing or no date."""
    found = read_date(text, timezone_name) if text else None
    return None if found is None else found.first


def last_day(text: str | None, timezone_name: str | None) -> Day | None:
    """For an end: the last day; None when missing or no date."""
    found = read_date(text, timezone_name) if text else None
    return None if found is None else found.last

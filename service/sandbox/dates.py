"""Dates of FHIR as spans of time: `2024-01` is the whole month, an instant lasts as long as it is precise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_GRAMMAR = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?\Z"
)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to, not including, `end`; both UTC."""

    start: datetime
    end: datetime


def span_of(text: str) -> Span:
    """Give the span of a FHIR date, dateTime or instant; without an offset it is in UTC.

    Raises ValueError for anything else, a `+` that arrived as a space included.
    """
    match = _GRAMMAR.match(text)
    if match is None:
        raise ValueError(f"not a FHIR date: {text!r}")
    if match["hour"] is None:
        return _calendar_span(int(match["year"]), match["month"], match["day"])
    start = datetime.fromisoformat(_whole_microseconds(text, match["fraction"]))
    start = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
    return Span(start, start + _precision(match["second"], match["fraction"]))


def span_of_element(value: object) -> Span | None:
    """Give the span of a date or Period in a resource, None where it cannot be read; an open end is far."""
    try:
        if isinstance(value, str):
            return span_of(value)
        if isinstance(value, dict) and ("start" in value or "end" in value):
            start = span_of(value["start"]).start if "start" in value else _EARLIEST
            return Span(start, span_of(value["end"]).end if "end" in value else _LATEST)
    except (ValueError, OverflowError, TypeError):
        return None
    return None


def compares(prefix: str, span: Span, asked: Span) -> bool:
    """True if a resource's span stands to the span asked for as the prefix says (FHIR R4 search, 3.1.1.5.5).

    Raises ValueError for a prefix that is not known.
    """
    within = asked.start <= span.start and span.end <= asked.end
    match prefix:
        case "eq":
            return within
        case "ne":
            return not within
        case "gt":
            return span.end > asked.end
        case "ge":
            return within or span.end > asked.end
        case "lt":
            return span.start < asked.start
        case "le":
            return within or span.start < asked.start
        case "sa":
            return span.start >= asked.end
        case "eb":
            return span.end <= asked.start
    raise ValueError(f"not a date prefix: {prefix!r}")


def _calendar_span(year: int, month: str | None, day: str | None) -> Span:
    start = datetime(year, int(month or 1), int(day or 1), tzinfo=UTC)
    if day is not None:
        return Span(start, start + timedelta(days=1))
    if month is not None:
        return Span(start, (start + timedelta(days=31)).replace(day=1))
    return Span(start, datetime(year + 1, 1, 1, tzinfo=UTC))


def _whole_microseconds(text: str, fraction: str | None) -> str:
    return text if fraction is None else text.replace(f".{fraction}", f".{fraction[:6]:0<6}", 1)


def _precision(second: str | None, fraction: str | None) -> timedelta:
    if second is None:
        return timedelta(minutes=1)
    if fraction is None:
        return timedelta(seconds=1)
    return timedelta(microseconds=10 ** max(0, 6 - len(fraction)))

"""How long a server wants to be left alone, in every shape that servers say it (fhir-quirks.md Q-77)."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_A_YEAR = 365 * 86_400
_MILLISECONDS = 100_000_000_000  # an epoch in seconds stays below this until the year 5138
_RESET = re.compile(r";\s*t=(\d{1,9})")


def retry_after(headers: Mapping[str, str], *, now: datetime, cap: float = 3600) -> float | None:
    """Seconds to wait from `now` on, 0 to `cap`; None where the server says nothing that can be read.

    Shapes: seconds, an HTTP date, an epoch in seconds or milliseconds (a value over a year);
    `x-ms-retry-after-ms`; `RateLimit: …;t=60`.  Instants are compared with the server's own Date, where it
    sends one: its clock may differ from ours.
    """
    reference = http_date(headers.get("date", "")) or now
    for seconds in (
        _stated(headers.get("retry-after", ""), reference),
        _scaled(headers.get("x-ms-retry-after-ms", ""), 0.001),
        _reset(headers.get("ratelimit", "")),
    ):
        if seconds is not None:
            return min(max(seconds, 0.0), cap)
    return None


def http_date(text: str) -> datetime | None:
    """An HTTP date as an aware instant, or None."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _stated(text: str, reference: datetime) -> float | None:
    number = _scaled(text, 1)
    if number is None:
        until = http_date(text) if ":" in text else None
        return None if until is None else (until - reference).total_seconds()
    if number <= _A_YEAR:
        return number
    epoch = number / 1000 if number >= _MILLISECONDS else number
    return epoch - reference.timestamp()


def _scaled(text: str, factor: float) -> float | None:
    try:
        number = float(text.strip())
    except ValueError:
        return None
    return number * factor if math.isfinite(number) else None


def _reset(text: str) -> float | None:
    found = _RESET.search(text)
    return float(found[1]) if found else None

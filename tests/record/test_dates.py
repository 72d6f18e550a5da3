"""Dates as FHIR writes them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.record.dates import Dated, first_day, last_day, read_date


def days(first, last=None):
    return Dated(date.fromisoformat(first).toordinal(), date.fromisoformat(last or first).toordinal())


@pytest.mark.failure("F14", "F15")
@pytest.mark.parametrize(
    ("text", "zone", "found"),
    [
        ("2026-02-21", None, days("2026-02-21")),
        ("2026-02", None, days("2026-02-01", "2026-02-28")),
        ("2024-02", None, days("2024-02-01", "2024-02-29")),
        ("2026", None, days("2026-01-01", "2026-12-31")),
        ("2026-02-21T23:30:00Z", None, days("2026-02-21")),
        ("2026-02-21T23:30:00Z", "Europe/Berlin", days("2026-02-22")),
        ("2026-02-21T00:30:00.123+01:00", "UTC", days("2026-02-20")),
        ("2026-02-21T23:59:60Z", "UTC", days("2026-02-21")),
        ("2026-07-01T03:59:00Z", "America/New_York", days("2026-06-30")),
        ("2026-07-01T04:00:00Z", "America/New_York", days("2026-07-01")),
        ("0001-01-01T00:00:00Z", "America/New_York", days("0001-01-01")),
    ],
)
def test_a_date_is_a_day_at_the_clinic(text, zone, found):
    assert read_date(text, zone) == found


@pytest.mark.failure("F15")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "20/02/2026",
        "20260220",
        "2026-2-3",
        "2026-13",
        "2026-02-30",
        "2025-02-29",
        "0000-01-01",
        "26-01-01",
        "2026-01-01T10:00",
        "2026-01-01T10:00:00",
        "2026-01-01T24:00:00Z",
        "2026-01-01T10:00:00+15:00",
        "2026-01-01 10:00:00Z",
        "2026-01-01Z",
        " 2026-01-01",
        "2026-01-01\n",
        "２０２６-01-01",
        "yesterday",
    ],
)
def test_what_is_not_in_the_grammar_or_impossible_is_no_date(text):
    assert read_date(text, "Europe/London") is None


@pytest.mark.failure("F15")
@given(st.dates(min_value=date(1, 1, 1)))
def test_every_day_there_is_is_read_as_itself(day):
    assert first_day(day.isoformat(), None) == last_day(day.isoformat(), None) == day.toordinal()


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_none(text):
    found = read_date(text, "Europe/London")
    assert found is None or found.first <= found.last

from datetime import date

import pytest

from service.demo.timeline import WIDTH, Axis, axis_of

YEAR = Axis(date(2026, 1, 1), date(2026, 12, 31))


def test_the_first_and_the_last_day_are_the_first_and_the_last_column():
    assert YEAR.column(date(2026, 1, 1)) == 0
    assert YEAR.column(date(2026, 12, 30)) == WIDTH - 1


@pytest.mark.parametrize("outside", [date(2025, 12, 31), date(2026, 12, 31)])
def test_a_day_outside_has_no_column_and_no_mark(outside):
    assert YEAR.column(outside) is None
    assert YEAR.mark(outside, "▲") == ""


def test_a_mark_stands_in_the_column_of_its_day():
    assert YEAR.mark(date(2026, 7, 1), "▲ due").index("▲") == YEAR.column(date(2026, 7, 1))


def test_the_heading_names_both_ends_and_is_as_wide_as_the_axis():
    assert YEAR.heading().startswith("1 Jan 2026 ")
    assert YEAR.heading().endswith(" 31 Dec 2026")
    assert len(YEAR.heading()) == WIDTH


def test_without_supplies_the_axis_is_around_today():
    axis = axis_of([], date(2026, 3, 1))
    assert axis.start < date(2026, 3, 1) < axis.end

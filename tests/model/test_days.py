"""Days and Levels against plain sets and day-by-day sums."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.days import Days, Period
from service.model.levels import Levels

BASE = 738_000
day = st.integers(BASE, BASE + 120)
days = st.sets(day, max_size=60)


@given(days, days)
def test_and_or_minus_are_those_of_sets(a, b):
    x, y = Days.of(a), Days.of(b)
    assert set(x | y) == a | b
    assert set(x & y) == a & b
    assert set(x - y) == a - b
    assert (x == y) == (a == b)


@given(days)
def test_a_set_says_its_size_and_its_ends(a):
    x = Days.of(a)
    assert (len(x), bool(x)) == (len(a), bool(a))
    assert (x.first(), x.last()) == ((min(a), max(a)) if a else (None, None))
    assert list(x) == sorted(a)


@given(days, st.integers(-50, 50))
def test_a_shift_moves_each_day(a, by):
    assert set(Days.of(a).shift(by)) == {d + by for d in a}


@given(days, st.integers(0, 20), st.integers(0, 20))
def test_widening_adds_the_days_around(a, before, after):
    expected = {d + n for d in a for n in range(-before, after + 1)}
    assert set(Days.of(a).widen(before=before, after=after)) == expected


@given(days, day, day)
def test_counting_and_cutting_in_a_period(a, start, end):
    inside = {d for d in a if start <= d < end}
    assert Days.of(a).count(start, end) == len(inside)
    assert set(Days.of(a).within(start, end)) == inside


@given(days, st.integers(BASE - 10, BASE + 130))
def test_neighbours_and_runs_around_a_day(a, at):
    x = Days.of(a)
    assert (at in x) == (at in a)
    assert x.last_until(at) == max((d for d in a if d <= at), default=None)
    assert x.first_after(at) == min((d for d in a if d > at), default=None)
    start = end = at
    while start - 1 in a:
        start -= 1
    while end in a:
        end += 1
    assert (x.run_start(at), x.run_end(at)) == ((start, end) if at in a else (None, None))


@given(days, st.integers(1, 70))
def test_the_nth_day_is_that_of_the_sorted_days(a, n):
    assert Days.of(a).nth(n) == (sorted(a)[n - 1] if n <= len(a) else None)


@given(days, st.integers(BASE - 10, BASE + 130))
def test_the_next_change_is_the_first_later_day_that_answers_otherwise(a, at):
    later = (d for d in range(at + 1, BASE + 140) if (d in a) != (at in a))
    assert Days.of(a).next_change(at) == next(later, None)


@given(days)
def test_runs_are_unbroken_apart_and_complete(a):
    runs = Days.of(a).periods()
    assert {d for run in runs for d in range(run.start, run.end)} == a
    assert all(x.end < y.start for x, y in itertools.pairwise(runs))


@given(days, st.integers(1, 40), st.integers(1, 20))
def test_a_count_in_a_window_is_that_of_a_day_by_day_walk(a, window, at_least):
    expected = {t for t in range(BASE - 5, BASE + 200) if sum(t - window < d <= t for d in a) >= at_least}
    assert set(Days.of(a).counted(window, at_least)) == expected


def test_a_count_of_nothing_is_refused():
    with pytest.raises(ValueError, match="finite"):
        Days.none().counted(7, 0)


def test_a_period_ends_after_it_starts():
    with pytest.raises(ValueError, match="must end after"):
        Period(5, 5)


spans = st.lists(
    st.tuples(day, st.integers(0, 30), st.one_of(st.none(), st.integers(1, 9).map(float))), max_size=8
)


@given(spans)
def test_a_total_is_the_sum_on_each_day_and_unknown_when_a_part_is(parts):
    total = Levels.total((start, start + length, value) for start, length, value in parts)
    for at in range(BASE - 2, BASE + 155):
        values = [value for start, length, value in parts if start <= at < start + length]
        assert total.at(at) == (None if None in values else sum(values))


@given(spans, day, day)
def test_spans_cut_a_period_where_the_value_steps(parts, start, end):
    total = Levels.total((s, s + n, v) for s, n, v in parts)
    seen = {d: v for a, b, v in total.spans(start, end) for d in range(a, b)}
    assert seen == {d: total.at(d) for d in range(start, end)}
    high = total.days_where(lambda v: v is not None and v >= 5, start, end)
    assert set(high) == {d for d, v in seen.items() if v is not None and v >= 5}

"""Steps against a plain day-by-day lookup."""

from hypothesis import given
from hypothesis import strategies as st

from service.model.days import Days
from service.model.levels import Levels
from service.model.steps import pieces, steps_of

BASE = 738_000
day = st.integers(BASE, BASE + 60)
changes = st.dictionaries(day, st.sampled_from("abc"), max_size=8)


@given(changes)
def test_a_value_holds_until_the_next_step(given_changes):
    steps = steps_of("start", given_changes.items())
    value = "start"
    for at in range(BASE - 1, BASE + 62):
        value = given_changes.get(at, value)
        assert steps.at(at) == value
    assert all(a != b for a, b in zip(("start", *steps.values), steps.values, strict=False))


@given(changes, st.sets(day, max_size=20), day, day)
def test_in_each_piece_nothing_changes_and_the_pieces_make_up_the_whole(given_changes, some, start, end):
    steps, days, levels = steps_of("", given_changes.items()), Days.of(some), Levels.of([(BASE + 9, 2.0)])
    cut = pieces(start, end, steps, days, levels)
    assert [d for a, b in cut for d in range(a, b)] == list(range(start, end))
    for a, b in cut:
        assert len({(steps.at(d), d in days, levels.at(d)) for d in range(a, b)}) == 1

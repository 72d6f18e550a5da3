"""What is known on a day, and when the record next says more (exposure.md §0)."""

import pytest

from service.exposure import Exposure
from service.model.facts import OutcomeKind
from tests.exposure.builders import (
    D,
    a_condition,
    a_dosage,
    a_fill,
    a_phase,
    a_plan,
    a_review,
    an_order,
    an_outcome,
    exposed,
    periods,
)


def next_day(exposure: Exposure) -> int | None:
    return None if exposure.next_fact_day is None else exposure.next_fact_day - D


@pytest.mark.parametrize(
    ("clause", "told", "expected"),
    [
        ("nothing more", [an_order(days=60)], None),
        (
            "the earliest of what comes",
            [an_order(days=60), a_review(70), a_review(50), a_condition("falls", 90)],
            50,
        ),
        ("what is known today is no news", [an_order(days=60), a_review(10)], None),
        ("known tomorrow", [an_order(days=60), a_review(11)], 11),
        ("a later order", [an_order(days=60), an_order("b", 40)], 40),
        ("an order is known when it is written", [an_order(days=60), an_order("b", 40, authored=5)], None),
        ("a later fill", [an_order(days=60), a_fill("f", 30)], 30),
        ("a stop", [an_order(days=60, stopped=33)], 33),
        ("a stop of today has happened", [an_order(days=60, stopped=10)], None),
        (
            "a refuted Condition says nothing",
            [an_order(days=60), a_condition("falls", 20, valid=False)],
            None,
        ),
        ("a plan", [an_order(days=60), a_plan(25)], 25),
        ("a plan that was never in force", [an_order(days=60), a_plan(25, status="draft")], None),
        ("an undated plan is known always", [an_order(days=60), a_plan(None)], None),
        ("a decision", [an_order(days=60), an_outcome(OutcomeKind.CONTINUE, 44)], 44),
    ],
)
def test_the_record_next_says_more(clause, told, expected):
    assert next_day(exposed(*told, on=10)) == expected


@pytest.mark.parametrize(("deceased", "expected"), [(10, None), (11, 11)])
def test_a_death_of_today_has_happened(deceased, expected):
    assert next_day(exposed(an_order(days=60), on=10, deceased=D + deceased)) == expected


def test_a_stop_that_is_dated_later_does_not_cut_yet():
    assert periods(exposed(an_order(days=60, stopped=33), on=10)) == [("a", 0, 60)]
    assert periods(exposed(an_order(days=60, stopped=33), on=33)) == [("a", 0, 33)]


@pytest.mark.parametrize(
    ("clause", "order", "flag", "expected"),
    [
        (
            "one as-needed order: nobody knows how often",
            an_order(days=28, as_needed=True),
            "frequency_unknown",
            True,
        ),
        ("a scheduled one", an_order(days=28), "frequency_unknown", False),
        ("no dose stated", an_order(days=28, mg=None), "dose_unknown", True),
        ("a dose stated", an_order(days=28), "dose_unknown", False),
        ("no end stated", an_order(days=None), "open_ended", True),
        ("an end stated", an_order(days=28), "open_ended", False),
    ],
)
def test_the_episode_says_what_is_unsure(clause, order, flag, expected):
    exposure = exposed(order, on=5)
    episode = exposure.episode(D + 5)
    assert episode is not None
    assert (flag in exposure.flags(episode, D + 5)) is expected


def test_tablets_of_which_none_are_taken_a_day_say_no_length():
    nothing = a_dosage(phases=[a_phase(0)])
    tapered = a_dosage(phases=[a_phase(10, 14), a_phase(0)])  # 2 tablets on 14 days, then none
    assert periods(exposed(an_order(days=None, dosage=nothing, quantity_units=28), on=400)) == []
    assert periods(exposed(an_order(days=None, dosage=tapered, quantity_units=28), on=5)) == [("a", 0, 14)]

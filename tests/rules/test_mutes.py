"""Suppressions by decisions, death and age, one row per clause (rules.md, lifecycle.md §7)."""

from datetime import date

import pytest

from service.model.days import day_of
from service.model.facts import OutcomeKind, Role
from tests.exposure.builders import D, a_condition, an_order, an_outcome
from tests.rules.answers import assessed, found, muted, rel

LONG = an_order(days=365)
CONTINUE = an_outcome(OutcomeKind.CONTINUE, 100, until=300)
TRAMADOL = an_order("o", 200, days=10, ingredient="tramadol", role=Role.OPIOID)


def r02(*told, on, **more):
    """What mutes R02 on a day; "fires" when nothing does, None when it does not hold."""
    if "R02" in found(*told, on=on, **more):
        return "fires"
    return muted(*told, on=on, **more).get("R02")


@pytest.mark.parametrize(
    ("clause", "told", "on", "expected"),
    [
        ("S12 until its day", [CONTINUE], 300, "S12"),
        ("S12 not the day after", [CONTINUE], 301, "fires"),
        ("S12 never without a day", [an_outcome(OutcomeKind.CONTINUE, 100)], 200, "fires"),
        ("S12 ended by a later outcome", [CONTINUE, an_outcome(OutcomeKind.REDUCE, 150)], 230, "fires"),
        ("S12 lifted by a quarter and 5 mg more", [CONTINUE, an_order("b", 150, mg=15, days=200)], 200, "fires"),
        ("S12 not by less", [CONTINUE, an_order("b", 150, mg=14.9, days=200)], 200, "S12"),
        ("S12 lifted by a new opioid", [CONTINUE, TRAMADOL], 200, "fires"),
        ("S12 not before it starts", [CONTINUE, TRAMADOL], 199, "S12"),
        ("S12 not by an opioid known of before", [CONTINUE, TRAMADOL, an_order("q", 50, days=9, ingredient="tramadol",
            role=Role.OPIOID)], 200, "S12"),
        ("S12 lifted by a new risk", [CONTINUE, a_condition("falls", 150)], 190, "fires"),
        ("S12 not by one known before", [CONTINUE, a_condition("falls", 90)], 190, "S12"),
        ("S12 not by one that is over", [CONTINUE, a_condition("falls", 150, abated=180)], 190, "S12"),
        ("S13 until the day before", [an_outcome(OutcomeKind.SNOOZE, 100, rules=["R02"], until=130)], 129, "S13"),
        ("S13 not on its day", [an_outcome(OutcomeKind.SNOOZE, 100, rules=["R02"], until=130)], 130, "fires"),
        ("S13 at most 90 days", [an_outcome(OutcomeKind.SNOOZE, 100, rules=["R02"], until=300)], 190, "fires"),
        ("S13 only the rules answered", [an_outcome(OutcomeKind.SNOOZE, 100, rules=["R05"], until=130)], 129, "fires"),
        ("S13 twice in a row", [an_outcome(OutcomeKind.SNOOZE, day, rules=["R02"], until=day + 50)
            for day in (100, 150)], 160, "S13"),
        ("S13 not a third time", [an_outcome(OutcomeKind.SNOOZE, day, rules=["R02"], until=day + 50)
            for day in (100, 150, 200)], 210, "fires"),
        ("S13 a third time, another answer between", [an_outcome(OutcomeKind.SNOOZE, 100, rules=["R02"], until=120),
            an_outcome(OutcomeKind.REVIEWED, 130), *(an_outcome(OutcomeKind.SNOOZE, day, rules=["R02"], until=day + 50)
            for day in (150, 200))], 210, "S13"),
        ("S15 for a year", [an_outcome(OutcomeKind.NOT_APPLICABLE, 100, rules=["R02"])], 364, "S15"),
        ("S15 only the rules answered", [an_outcome(OutcomeKind.NOT_APPLICABLE, 100, rules=["R05"])], 200, "fires"),
        ("S15 lifted by a material change", [an_outcome(OutcomeKind.NOT_APPLICABLE, 100, rules=["R02"]), TRAMADOL],
            201, "fires"),
    ],
)  # fmt: skip
def test_a_decision_mutes_the_periodic_review(clause, told, on, expected):
    assert r02(LONG, *told, on=on) == expected


def test_the_dead_and_the_inactive_are_left_alone():
    assert r02(LONG, on=100, deceased=D + 100) == "S1"
    assert r02(LONG, on=99, deceased=D + 100) == "fires"
    assert r02(LONG, on=100, active=False) == "S1"


@pytest.mark.parametrize(("on", "expected"), [(99, "S11"), (100, "fires")])
def test_the_policy_is_for_adults(on, expected):
    born = day_of(date(2008, 4, 11))  # 18 on day 100
    assert r02(LONG, on=on, born=born) == expected


def test_a_birthday_on_the_29th_of_february_is_kept_on_the_1st_of_march():
    born = day_of(date(2008, 2, 29))
    assert r02(an_order("a", -100, days=300), on=57, born=born) == "S11"  # 27 February 2026
    assert r02(an_order("a", -100, days=300), on=58, born=born) == "S11"  # 28 February
    assert r02(an_order("a", -100, days=300), on=59, born=born) == "fires"  # 1 March


@pytest.mark.parametrize(
    ("clause", "told", "on", "wakes"),
    [
        ("a review that becomes due", [an_order(days=60)], 5, 20),
        ("the first review beside the periodic one is over", [LONG], 80, 90),
        ("a mute that ends", [LONG, CONTINUE], 200, 301),
        ("the end of the cover", [an_order(days=200)], 150, 200),
        ("an order that is dated later", [LONG, an_order("z", 170, authored=150)], 149, 150),
        ("the start of a known order", [an_order(days=28), an_order("b", 30, authored=10)], 29, 30),
        ("a stop that is dated later", [an_order(days=300, stopped=120)], 100, 120),
        ("nothing more", [an_order(days=5)], 60, None),
    ],
)
def test_it_wakes_on(clause, told, on, wakes):
    assert rel(assessed(*told, on=on).wake_on) == wakes

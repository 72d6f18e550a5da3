"""R00, R01, R02: one row per clause, both sides of each boundary (rules.md)."""

from datetime import date

import pytest

from service.model.days import day_of
from service.model.facts import OutcomeKind
from tests.exposure.builders import D, a_condition, a_plan, a_review, an_order, an_outcome
from tests.rules.answers import assessed, found, rel, since_and_due

LONG = an_order(days=300)
OLDER = D - 24_000  # 65 years before day 0 and more
TURNS_65 = day_of(date(1961, 1, 16))  # on day 15


@pytest.mark.parametrize(
    ("clause", "told", "on", "expected"),
    [
        ("R01 on the 21st covered day", [an_order(days=40)], 20, {"R01": "routine"}),
        ("R01 not on the 20th", [an_order(days=40)], 19, {}),
        ("R01 needs more than 28 days", [an_order(days=28)], 21, {}),
        ("R01 with 29 days", [an_order(days=29)], 21, {"R01": "routine"}),
        ("R01 with an open supply", [an_order(days=None)], 21, {"R01": "routine"}),
        ("R01 with a renewal", [an_order(days=28), an_order("b", 28, authored=21)], 21, {"R01": "routine"}),
        ("R01 not before the renewal is written", [an_order(days=28), an_order("b", 28, authored=22)], 21, {}),
        ("R01 not reviewed in the episode", [an_order(days=40), a_review(-1)], 21, {"R01": "routine"}),
        ("R01 reviewed on its first day", [an_order(days=40), a_review(0)], 21, {}),
        ("R01 only while covered", [an_order(days=40)], 40, {}),
        ("R01 only in new use", [an_order("z", -100, days=50), an_order(days=40)], 21, {}),
        ("R01 until day 89, beside R02", [an_order(days=100)], 89, {"R01": "routine", "R02": "routine"}),
        ("R02 alone from day 90", [LONG], 90, {"R02": "routine"}),
        ("R02 from day 76", [LONG, a_review(0)], 76, {"R02": "routine"}),
        ("R02 not on day 75", [LONG, a_review(0)], 75, {}),
        ("R02 76 days after the review", [LONG, a_review(100)], 176, {"R02": "routine"}),
        ("R02 not 75 days after it", [LONG, a_review(100)], 175, {}),
        ("R02 in the gap after the supply", [an_order(days=100)], 102, {"R02": "routine"}),
        ("R02 46 days after a review, with COPD", [LONG, a_review(100), a_condition("copd")], 146, {"R02": "routine"}),
        ("R02 not 45 days after it", [LONG, a_review(100), a_condition("copd")], 145, {}),
        (
            "R02 16 days after a review, with an alcohol use disorder",
            [LONG, a_review(100), a_condition("alcohol_use_disorder"), a_condition("copd")],
            116,
            {"R02": "routine"},
        ),
        ("R02 not where it has ended", [LONG, a_review(100), a_condition("copd", abated=90)], 146, {}),
        ("R02 urgent after 180 days, interval 60", [LONG, a_condition("copd")], 180, {"R02": "urgent"}),
        ("R02 not on day 179", [LONG, a_condition("copd")], 179, {"R02": "routine"}),
        ("R02 never urgent with interval 90", [LONG], 200, {"R02": "routine"}),
        ("R00 and then no R02", [an_order(days=None)], 366, {"R00": "routine"}),
        ("R00 not on day 365", [an_order(days=None)], 365, {"R02": "routine"}),
    ],
)  # fmt: skip
def test_a_review_is_due(clause, told, on, expected):
    assert {
        rule: word for rule, word in found(*told, on=on).items() if rule in ("R00", "R01", "R02")
    } == expected


@pytest.mark.parametrize(
    ("clause", "ingredient", "born", "on", "due"),
    [
        ("28 days after the start", "diazepam", None, 20, 28),
        ("21 for an older adult, from the 14th covered day", "diazepam", OLDER, 13, 21),
        ("14 for an older adult with a z-drug alone", "zopiclone", OLDER, 13, 14),
        ("older from the birthday on", "diazepam", TURNS_65, 15, 21),
    ],
)
def test_the_first_review_is_due(clause, ingredient, born, on, due):
    told = an_order(days=40, ingredient=ingredient)
    assert since_and_due(told, on=on, rule="R01", born=born) == (on, due)
    assert found(told, on=on - 1, born=born) == {}


def test_the_periodic_review_counts_from_the_last_review_else_from_the_start():
    assert since_and_due(LONG, on=120, rule="R02") == (76, 90)
    assert since_and_due(LONG, a_review(30), on=120, rule="R02") == (106, 120)


@pytest.mark.parametrize(
    ("clause", "told", "review"),
    [
        ("strong evidence", [a_review(10), a_review(50)], 50),
        ("not of a later day", [a_review(10), a_review(101)], 10),
        ("the first moderate one counts", [a_review(10), a_review(50, strong=False)], 50),
        ("the second does not", [a_review(50, strong=False), a_review(60, strong=False)], 50),
        ("again after a strong one", [a_review(50, strong=False), a_review(55), a_review(60, strong=False)], 60),
        ("an outcome that decides", [an_outcome(OutcomeKind.REDUCE, 40)], 40),
        ("of a Task that was not completed: none", [an_outcome(OutcomeKind.REDUCE, 40, completed=False)], None),
        ("a snooze is none", [an_outcome(OutcomeKind.SNOOZE, 40, until=60)], None),
        ("the start of an active plan", [a_plan(45)], 45),
        ("not of one that has ended", [a_plan(45, 99)], None),
        ("of one that ends today", [a_plan(45, 100)], 45),
        ("not of one that is completed", [a_plan(45, status="completed")], None),
    ],
)  # fmt: skip
def test_the_last_review_is(clause, told, review):
    assert rel(assessed(LONG, *told, on=100).last_review) == review


def test_an_unknown_age_is_flagged_and_never_older_nor_a_minor():
    assessment = assessed(an_order(days=40), on=13, born=None)
    assert (assessment.findings, assessment.flags) == ((), ("age_unknown",))


def test_a_finding_carries_its_numbers_with_unit_and_source():
    (finding,) = assessed(LONG, a_condition("copd"), on=200).findings
    assert finding.facts == {"anchor": "2026-01-01", "anchor_is": "start of the episode", "interval_days": 60}
    assert finding.evidence == ("MedicationRequest/a",)
    number = finding.numbers["R02.interval_copd_sleep_breathing_bipolar"]
    assert (number.value, number.unit, number.source) == (
        60,
        "days",
        "ASAM key takeaway 1a: more often, no number",
    )
    assert "ASAM" in finding.citation
    assert finding.actions[-1] == "never stop suddenly"

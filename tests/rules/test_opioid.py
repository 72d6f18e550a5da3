"""R05: an opioid at the same time, one row per clause (rules.md)."""

import pytest

from service.model.facts import Role
from tests.exposure.builders import a_condition, a_review, an_order
from tests.rules.answers import assessed, found, muted, since_and_due

LONG = an_order(days=400)


def tramadol(start, days, name="o"):
    return an_order(name, start, days=days, ingredient="tramadol", role=Role.OPIOID, mg=100)


def naloxone(on):
    return an_order("n", on, ingredient="naloxone", role=Role.NALOXONE, mg=None)


@pytest.mark.parametrize(
    ("clause", "told", "on", "expected"),
    [
        ("new on its first day", [tramadol(50, 10)], 50, "asap"),
        ("not before", [tramadol(50, 10)], 49, None),
        ("present for 7 days from its last day", [tramadol(50, 10)], 65, "asap"),
        ("then over", [tramadol(50, 10)], 66, None),
        ("new for 30 days, then ongoing", [tramadol(50, 60)], 80, "asap"),
        ("ongoing, never reviewed", [tramadol(50, 60)], 81, "urgent"),
        ("ongoing: 30 overlap days, the last within 30", [tramadol(50, 30)], 108, "urgent"),
        ("not with the last 30 days ago", [tramadol(50, 30)], 109, None),
        ("29 overlap days are not ongoing", [tramadol(50, 29)], 85, None),
        ("a hole of 29 days belongs to the overlap", [tramadol(50, 2), tramadol(81, 5, "p")], 81, None),
        ("after 30 days it is another one", [tramadol(50, 2), tramadol(82, 5, "p")], 82, "asap"),
        ("with naloxone", [tramadol(50, 10), naloxone(-300)], 55, "urgent"),
        ("naloxone too long ago", [tramadol(50, 10), naloxone(-320)], 55, "asap"),
        ("cancer pain", [tramadol(50, 10), a_condition("cancer_pain")], 55, "routine"),
        ("ongoing, reviewed 89 days ago", [tramadol(50, 300), a_review(100)], 189, None),  # S14
        ("an opioid alone", [tramadol(-60, 20)], -50, None),
    ],
)
def test_an_opioid_at_the_same_time(clause, told, on, expected):
    assert found(LONG, *told, on=on).get("R05") == expected


def test_a_review_answers_it_until_the_next_is_due_unless_it_began_anew():
    assert muted(LONG, tramadol(50, 300), a_review(100), on=189) == {"R05": "S14"}
    assert found(LONG, tramadol(50, 300), a_review(100), on=190)["R05"] == "urgent"
    again = [tramadol(50, 30), a_review(85), tramadol(112, 20, "p")]  # still ongoing when it begins anew
    assert found(LONG, *again, on=112)["R05"] == "asap"


def test_its_days_count_from_the_first_with_the_present_priority():
    assert since_and_due(LONG, tramadol(50, 60), on=60, rule="R05") == (50, 52)
    assert since_and_due(LONG, tramadol(50, 60), on=90, rule="R05") == (50, 57)


def test_its_facts_say_whether_missing_naloxone_decided():
    def facts(*told):
        (finding,) = (
            each for each in assessed(LONG, tramadol(50, 10), *told, on=55).findings if each.rule == "R05"
        )
        return finding.facts["naloxone_on_record"], finding.facts["naloxone_decided"]

    assert facts() == (False, True)
    assert facts(naloxone(10)) == (True, False)
    assert facts(a_condition("cancer_pain")) == (False, False)

"""R04: stopped or lapsed without a taper, one row per clause (rules.md)."""

import pytest

from service.model.facts import OutcomeKind
from tests.exposure.builders import a_dosage, a_fill, a_phase, a_plan, an_order, an_outcome
from tests.rules.answers import assessed, found, since_and_due

LONG = an_order(days=100)  # likely dependent from day 89 on; diazepam is long-acting
STOPPED = an_order(days=200, stopped=100)
LAST = {"repeats": 0}
QUIET = [an_order(str(n), 30 * n, days=None) for n in range(4)]


def r04(*told, on):
    return found(*told, on=on).get("R04")


def variants(*told, on):
    every = (*assessed(*told, on=on).findings, *assessed(*told, on=on).suppressed)
    return [name for each in every if each.rule == "R04" for name in each.facts["variants"]]


@pytest.mark.parametrize(
    ("clause", "told", "on", "expected"),
    [
        ("a: on the day of the stop", [STOPPED], 100, "asap"),
        ("a: not the day before", [STOPPED], 99, None),
        ("a: not while another drug covers", [STOPPED, an_order("z", 90, ingredient="lorazepam", mg=2)], 100, None),
        ("a: not with a renewal", [STOPPED, an_order("z", 110, authored=-1)], 102, None),
        ("a: until 60 days after the last dose", [STOPPED], 159, "asap"),
        ("a: not on day 61", [STOPPED], 160, None),
        ("b: 7 days after the last of a long-acting one", [LONG], 106, "asap"),
        ("b: not on day 6", [LONG], 105, None),
        ("b: 5 days, short-acting", [an_order(days=100, ingredient="lorazepam", mg=2)], 104, "asap"),
        ("b: not on day 4", [an_order(days=100, ingredient="lorazepam", mg=2)], 103, None),
        ("b: never after as-needed supply", [an_order(days=100, as_needed=True)], 107, None),
        ("c: its cover ends within 3 days, the last", [an_order(days=100, bounds_end=1, **LAST)], 97, "urgent"),
        ("c: not 4 days before", [an_order(days=100, bounds_end=1, **LAST)], 96, None),
        ("c: not where repeats are not stated", [an_order(days=100, bounds_end=1)], 97, None),
        ("d: half of a dose held on 14 days", [an_order(days=100, mg=20), an_order("b", 90, days=60)], 90, "asap"),
        ("d: not a little more than half", [an_order(days=100, mg=20), an_order("b", 90, days=60, mg=10.1)], 90, None),
        ("d: 14 days in the window", [an_order(days=100, mg=20), an_order("b", 90, days=60)], 104, "asap"),
        ("d: not the day after", [an_order(days=100, mg=20), an_order("b", 90, days=60)], 105, None),
        ("d: not with a taper plan", [an_order(days=100, mg=20), an_order("b", 90, days=60), a_plan(80)], 90, None),
        ("e: four orders, then none for more than 60 days", QUIET, 151, "urgent"),
        ("e: not after 60 days", QUIET, 150, None),
        ("e: three are no series", QUIET[:3], 151, None),
        ("possible, two scripts of 14 days", [an_order(days=14), an_order("b", 14, days=14)], 34, "urgent"),
        ("possible, one script at 10 mg", [an_order(days=28)], 34, None),
        ("possible, one script above 10 mg", [an_order(days=28, mg=12)], 34, "urgent"),
        ("possible, 27 days are too few", [an_order(days=27, mg=12)], 33, None),
        ("the last dose at most 2.5", [an_order(days=100, mg=2.5)], 106, None),
        ("a little more", [an_order(days=100, mg=2.6)], 106, "asap"),
    ],
)  # fmt: skip
def test_stopped_without_a_taper(clause, told, on, expected):
    assert r04(*told, on=on) == expected


def test_the_facts_name_the_variants():
    assert variants(STOPPED, on=107) == ["R04a", "R04b"]
    assert variants(LONG, on=107) == ["R04b"]


def test_a_finished_taper_is_no_stop():
    steps = [
        an_order(str(n), 30 * n, days=30, ingredient="alprazolam", mg=mg)
        for n, mg in enumerate((1, 0.75, 0.5, 0.25))
    ]
    assert r04(*steps, on=130) is None  # 0.25 mg is 2.5 to 5 mg of diazepam
    assert r04(*steps[:3], on=100) == "asap"  # half of the first, but 0.5 mg is no last dose


def test_an_order_that_steps_down_by_itself_is_a_plan():
    phases = [a_phase(20, 100), a_phase(10, 20), a_phase(8, None)]
    down = an_order(days=140, dosage=a_dosage(phases=phases))
    assert "R04d" not in variants(down, on=100)
    two = an_order(days=140, dosage=a_dosage(phases=[phases[0], phases[1]]))
    assert "R04d" in variants(two, on=100)


def test_a_refill_that_is_left_is_no_running_out():
    order = an_order(days=None, repeats=0, validity_end=1)
    fills = [a_fill("f", 0, days=100)]
    assert variants(order, *fills, on=98) == ["R04c"]
    other = an_order("z", -1, repeats=1)
    assert variants(order, *fills, other, a_fill("g", 0, order="z", days=5), on=98) == []


def test_it_is_due_tomorrow_when_likely_and_in_a_week_when_only_quiet():
    assert since_and_due(STOPPED, on=110, rule="R04") == (100, 101)
    assert since_and_due(an_order(days=28, mg=12), on=36, rule="R04") == (34, 37)
    assert since_and_due(*QUIET, on=155, rule="R04") == (151, 158)


def test_a_priority_that_rises_counts_its_days_from_then_but_since_stays():
    told = an_order(days=200, stopped=100, **LAST, bounds_end=1)
    running_out = an_order(days=100, **LAST, bounds_end=1)
    assert since_and_due(running_out, on=106, rule="R04") == (106, 107)
    assert since_and_due(running_out, on=98, rule="R04") == (97, 100)
    assert since_and_due(told, on=100, rule="R04") == (97, 101)


@pytest.mark.parametrize(
    ("kind", "on", "by"),
    [
        (OutcomeKind.ALREADY_STOPPED, 159, "S14"),
        (OutcomeKind.REVIEWED, 118, "S14"),
        (OutcomeKind.REVIEWED, 119, None),
        (OutcomeKind.SNOOZE, 118, "S13"),
        (OutcomeKind.SNOOZE, 119, None),
        (OutcomeKind.NOT_APPLICABLE, 118, "S15"),
        (OutcomeKind.NOT_APPLICABLE, 119, None),
    ],
)
def test_what_answers_it_and_for_how_long(kind, on, by):
    outcome = an_outcome(kind, 105, rules=["R04"], until=190)
    every = (*assessed(STOPPED, outcome, on=on).findings, *assessed(STOPPED, outcome, on=on).suppressed)
    assert [each.suppressed_by for each in every if each.rule == "R04"] == [by]

"""Cuts, carry-over and replacement (exposure.md §4): one row per clause."""

import pytest

from service.model.facts import OrderStatus
from tests.exposure.builders import D, a_drug, a_fill, an_order, exposed, periods

A = an_order("a", 0, days=28)

STORIES = [
    # clause, what is told, supplies
    ("cut by its own stop", [an_order(days=28, stopped=10)], [("a", 0, 10)]),
    ("a stop after its end cuts nothing", [an_order(days=28, stopped=40)], [("a", 0, 28)]),
    ("a stop before its start leaves nothing", [an_order(start=5, stopped=5)], []),
    ("a stop of unknown day is no cut", [an_order(status=OrderStatus.STOPPED, stop_unknown=True)], [("a", 0, 28)]),
    ("cut by the order that names it", [A, an_order("b", 20, prior="MedicationRequest/a")],
        [("a", 0, 20), ("b", 20, 48)]),
    ("a successor that is linked is not moved", [A, an_order("b", 20, mg=5, prior="MedicationRequest/a")],
        [("a", 0, 20), ("b", 20, 48)]),
    ("a fill is cut like its order", [an_order(stopped=20), a_fill("f", 0)], [("f", 0, 20)]),
    ("a fill handed over after the stop keeps its length", [an_order(stopped=20), a_fill("f", 20)], [("f", 20, 48)]),
    ("one only prepared by then gives nothing", [an_order(stopped=20), a_fill("f", 20, handed_over=False)], []),
    ("same dose: moved right by what is left", [A, an_order("b", 20)], [("a", 0, 28), ("b", 28, 56)]),
    ("moved from the moved end of the one before", [A, an_order("b", 20), an_order("c", 40)],
        [("a", 0, 28), ("b", 28, 56), ("c", 56, 84)]),
    ("by at most thirty days", [an_order("a", 0, days=90), an_order("b", 20)], [("a", 0, 90), ("b", 50, 78)]),
    ("one of unknown dose is taken for the same", [A, an_order("b", 20, mg=None)], [("a", 0, 28), ("b", 28, 56)]),
    ("same start day: nothing moves", [A, an_order("b", 0)], [("a", 0, 28), ("b", 0, 28)]),
    ("another ingredient: nothing moves", [A, an_order("b", 20, ingredient="lorazepam", mg=2)],
        [("a", 0, 28), ("b", 20, 48)]),
    ("another dose replaces", [A, an_order("b", 20, mg=15)], [("a", 0, 20), ("b", 20, 48)]),
    ("as needed beside scheduled: both stay", [A, an_order("b", 20, mg=5, as_needed=True)],
        [("a", 0, 28), ("b", 20, 48)]),
    ("a move is cut again", [A, an_order("b", 20, days=28, stopped=40)], [("a", 0, 28), ("b", 28, 40)]),
    ("an open one ends where the next of its kind starts",
        [an_order("a", 0, days=None), an_order("b", 30, days=None)], [("a", 0, 30), ("b", 30, 395)]),
    ("not where one of another as-needed state starts",
        [an_order("a", 0, days=None), an_order("b", 30, days=28, as_needed=True)], [("a", 0, 365), ("b", 30, 58)]),
    ("not on its own day", [an_order("a", 0, days=None), an_order("b", 0, days=10)], [("a", 0, 365), ("b", 0, 10)]),
]  # fmt: skip


@pytest.mark.parametrize(("told", "supplies"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
def test_supplies(told, supplies):
    assert periods(exposed(*told, on=100)) == supplies


@pytest.mark.parametrize(("told", "supplies"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
def test_the_order_in_which_they_are_told_never_matters(told, supplies):
    assert periods(exposed(*reversed(told), on=100)) == supplies


def test_death_cuts_what_was_supplied_before():
    assert periods(exposed(A, a_fill("f", 0, order=None), on=100, deceased=D + 9)) == [
        ("f", 0, 9),
        ("a", 0, 9),
    ]


def test_a_replaced_supply_and_the_one_that_replaces_it_are_flagged():
    first, second = exposed(A, an_order("b", 20, mg=15), on=100).supplies
    assert first.flags == second.flags == {"assumed_replaced"}


def test_a_stop_that_is_dated_later_has_not_happened_yet():
    told = an_order(days=None, stopped=50)
    assert periods(exposed(told, on=49)) == [("a", 0, 365)]
    assert periods(exposed(told, on=50)) == [("a", 0, 50)]


def test_an_order_is_open_until_the_day_that_cuts_it():
    first, last = exposed(an_order("a", 0, days=None), an_order("b", 30, days=None), on=100).supplies
    assert [first.is_open(D + day) for day in (29, 30)] == [True, False]
    assert [last.is_open(D + day) for day in (30, 394, 395, 800)] == [True, True, True, True]


def test_another_drug_of_the_same_ingredient_shares_its_overlaps():
    other = a_fill("f", 20, order=None, drug=a_drug(strength=10.0))
    assert periods(exposed(A, other, on=100)) == [("a", 0, 28), ("f", 28, 56)]

"""How long an order or a fill lasts (exposure.md §4): one row per clause."""

import pytest

from service.model.facts import OrderStatus
from tests.exposure.builders import a_dosage, a_drug, a_fill, a_phase, an_order, exposed, periods

LENGTHS = [
    # clause, order, days
    ("1 bounds with start and end", an_order(dosage=a_dosage(bounds=(0, 14))), 14),
    ("1 before an expected supply", an_order(days=28, dosage=a_dosage(bounds=(0, 14))), 14),
    ("2 a duration before an expected supply", an_order(days=28, dosage=a_dosage(lasts=10)), 10),
    ("3 expected supply", an_order(days=28), 28),
    ("3 times one more than the repeats", an_order(days=28, repeats=2), 84),
    ("3 at most a year", an_order(days=200, repeats=1), 365),
    ("4 quantity, rounded down", an_order(days=None, mg=15, quantity_units=28), 9),
    ("4 quantity times repeats before rounding", an_order(days=None, mg=15, quantity_units=28, repeats=3), 37),
    ("4 at least one day", an_order(days=None, mg=40, quantity_units=1), 1),
    ("4 used up phase by phase", an_order(
        days=None, quantity_units=42,
        dosage=a_dosage(phases=[a_phase(15, 7), a_phase(10, 7), a_phase(5, None)])), 21),
    ("4 after the last phase its dose stays", an_order(
        days=None, quantity_units=30, dosage=a_dosage(phases=[a_phase(10, 7), a_phase(5, 7)])), 23),
    ("5 nothing, and active: to the end of a year", an_order(days=None), 365),
    ("5 nothing, and stopped on a known day", an_order(days=None, stopped=40), 40),
    ("5 a quantity of an unknown dose says nothing", an_order(days=None, mg=None, quantity_units=28), 365),
    ("6 nothing, and completed", an_order(days=None, status=OrderStatus.COMPLETED), 30),
    ("6 nothing, and stopped, nobody knows when", an_order(
        days=None, status=OrderStatus.STOPPED, stop_unknown=True), 30),
]  # fmt: skip


@pytest.mark.parametrize(("order", "days"), [row[1:] for row in LENGTHS], ids=[row[0] for row in LENGTHS])
def test_an_order_lasts(order, days):
    assert periods(exposed(order, on=400)) == [("a", 0, days)]


FILLS = [
    ("days of supply", a_fill("f", 3, days=14), 14),
    ("quantity by the order's dose", a_fill("f", 3, days=None, quantity_units=28), 14),
    ("quantity by the strength handed over", a_fill(
        "f", 3, days=None, quantity_units=28, drug=a_drug(strength=2.5)), 7),
    ("its own instruction first", a_fill("f", 3, days=None, quantity_units=28, dosage=a_dosage(5)), 28),
    ("else the order's expected supply", a_fill("f", 3, days=None), 20),
]  # fmt: skip


@pytest.mark.parametrize(("fill", "days"), [row[1:] for row in FILLS], ids=[row[0] for row in FILLS])
def test_a_fill_lasts_and_its_order_gives_nothing_of_its_own(fill, days):
    assert periods(exposed(an_order(days=20), fill, on=100)) == [("f", 3, 3 + days)]


def test_a_fill_of_which_nothing_is_said_lasts_thirty_days_and_is_flagged():
    exposure = exposed(a_fill("f", 0, order=None, days=None), on=10)
    assert periods(exposure) == [("f", 0, 30)]
    assert exposure.supplies[0].flags == {"assumed"}


def test_a_fill_that_is_not_known_yet_leaves_the_order_its_own_supply():
    told = an_order(days=20), a_fill("f", 10)
    assert periods(exposed(*told, on=9)) == [("a", 0, 20)]
    assert periods(exposed(*told, on=10)) == [("f", 10, 38)]


def test_repeats_are_flagged_only_where_they_were_counted():
    assert exposed(an_order(repeats=1), on=1).supplies[0].flags == {"repeats_assumed"}
    assert exposed(an_order(repeats=1, dosage=a_dosage(lasts=9)), on=1).supplies[0].flags == frozenset()


def test_the_days_of_a_phase_without_a_dose_are_no_supply():
    phases = [a_phase(10, 7), a_phase(0, 7), a_phase(5, 7)]
    exposure = exposed(an_order(days=None, dosage=a_dosage(phases=phases, lasts=21)), on=100)
    assert [(s.start - s.written_start, s.end - s.written_start) for s in exposure.supplies] == [(0, 21)]
    assert len(exposure.covered) == 14

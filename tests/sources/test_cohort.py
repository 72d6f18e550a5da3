"""Who belongs to the cohort, and until when (lifecycle.md §1)."""

import json
from datetime import date, timedelta

import pytest

from service.knowledge import knowledge
from service.normalise.medication import Medicines
from service.record.read import read
from service.sources.cohort import cohort_until
from service.sources.settings import SweepSettings
from tests.sources.ehrs import DIAZEPAM, METFORMIN, a_fill, an_order

TODAY = date(2026, 3, 1)
MEDICINES = Medicines(knowledge())
MEDICATIONS = {
    "Medication/dz": read(
        json.dumps({"resourceType": "Medication", "id": "dz", "code": DIAZEPAM}).encode(), "x"
    ),
    "Medication/mf": read(
        json.dumps({"resourceType": "Medication", "id": "mf", "code": METFORMIN}).encode(), "x"
    ),
}


def until(resource, today=TODAY):
    def medication(reference):
        found = MEDICATIONS.get(reference)
        return found.body if found else None

    reading = read(json.dumps(resource).encode(), "x")
    return cohort_until(reading, MEDICINES, medication, SweepSettings("main"), today)


def test_an_active_order_without_length_counts_for_760_days():
    assert until(an_order(authoredOn="2026-01-02")) == date(2026, 1, 2) + timedelta(days=760)


@pytest.mark.parametrize(
    "length",
    [
        {"dispenseRequest": {"expectedSupplyDuration": {"value": 28, "unit": "d"}}},
        {"dispenseRequest": {"validityPeriod": {"end": "2026-01-30"}}},
        {"dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"end": "2026-01-30"}}}}]},
        {"dosageInstruction": [{"timing": {"repeat": {"boundsDuration": {"value": 4, "unit": "wk"}}}}]},
        {"dosageInstruction": [{"timing": {"repeat": {"count": 28}}}]},
        {"status": "stopped"},
        {"status": "completed"},
    ],
)
def test_any_other_order_counts_for_400_days_after_its_latest_date(length):
    found = until(an_order(authoredOn="2026-01-02") | length)
    assert found in {date(2026, 1, 2) + timedelta(days=400), date(2026, 1, 30) + timedelta(days=400)}


def test_a_fill_counts_for_400_days():
    assert until(a_fill(whenHandedOver="2025-06-01")) == date(2025, 6, 1) + timedelta(days=400)
    assert until(a_fill(whenHandedOver="2024-06-01")) is None


def test_the_last_day_counts_and_the_next_one_does_not():
    order = an_order(authoredOn="2025-01-25", status="stopped")
    last = date(2025, 1, 25) + timedelta(days=400)
    assert until(order, last) == last
    assert until(order, last + timedelta(days=1)) is None


def test_a_date_in_the_future_counts_as_today():
    assert until(an_order(authoredOn="2031-01-01", status="stopped")) == TODAY + timedelta(days=400)


def test_an_order_without_any_date_counts_from_today():
    assert until(an_order(authoredOn=None, status="stopped")) == TODAY + timedelta(days=400)
    assert until(an_order(authoredOn="banana", status="stopped")) == TODAY + timedelta(days=400)


@pytest.mark.parametrize("status", ["entered-in-error", "draft", "cancelled"])
def test_what_never_was_an_order_makes_nobody_a_member(status):
    assert until(an_order(status=status)) is None


@pytest.mark.parametrize(
    ("drug", "is_member"),
    [
        ({"medicationCodeableConcept": DIAZEPAM}, True),
        ({"medicationCodeableConcept": METFORMIN}, False),
        ({"medicationCodeableConcept": {"text": "Valium 5 mg nocte"}}, True),
        ({"medicationReference": {"reference": "Medication/dz"}}, True),
        ({"medicationReference": {"reference": "Medication/mf"}}, False),
        ({"medicationReference": {"reference": "Medication/mf", "display": "?"}}, False),
        ({"medicationReference": {"display": "Temazepam 10 mg"}}, True),
        ({"medicationReference": {"display": "metformin"}}, False),
        ({"medicationReference": {"reference": "Medication/missing"}}, True),
        (
            {
                "medicationReference": {"reference": "#m"},
                "contained": [{"resourceType": "Medication", "id": "m", "code": DIAZEPAM}],
            },
            True,
        ),
        (
            {
                "medicationReference": {"reference": "#m"},
                "contained": [{"resourceType": "Medication", "id": "m", "code": METFORMIN}],
            },
            False,
        ),
        ({}, True),
    ],
)
def test_a_member_is_whose_drug_is_in_scope_or_unknown(drug, is_member):
    assert (until(an_order(medicationCodeableConcept=None) | drug) is not None) is is_member


def test_an_unreadable_order_makes_a_member_only_of_who_may_be_concerned():
    assert until(an_order(dosageInstruction="twice a day")) == TODAY + timedelta(days=400)
    assert until(an_order(medicationCodeableConcept=METFORMIN, dosageInstruction="twice a day")) is None

"""Who a review is about can be read in the ledger while it is open, and at no other time."""

import msgspec
import pytest

from service.record.elements import Patient
from service.record.group import PatientRecord
from tests.cycle.world import a_patient, a_review, an_order, world

NAMED = {
    "name": [{"use": "nickname", "text": "Ady"}, {"use": "official", "given": ["Ada", "B"], "family": "Test"}]
}


def display(here, patient="p1"):
    with here.parts.ledger.read() as tx:
        return tx.patient("main", patient).display


def test_name_and_birth_date_are_kept_while_a_review_is_open_and_then_gone(tmp_path):
    with world(tmp_path, [a_patient(**NAMED), an_order()]) as here:
        here.cycle()
        assert display(here) == {"name": "Ada B Test", "birth_date": "1971-02-03"}
        here.pass_time(minutes=1)
        here.ehr.load([a_review()])
        here.cycle()
        assert display(here) is None


def test_nobody_is_named_for_whom_nothing_is_due(tmp_path):
    with world(tmp_path, [a_patient(**NAMED), an_order(ago=3)]) as here:
        here.cycle()
        assert display(here) is None


@pytest.mark.parametrize(
    ("patient", "shown"),
    [
        ({}, {}),
        ({"name": [{"family": "Test"}]}, {"name": "Test"}),
        ({"name": [{"given": ["Ada"]}, {"text": "Test, Ada", "use": "official"}]}, {"name": "Test, Ada"}),
        (
            {"name": [{"use": "official"}, {"text": "Ada"}], "birthDate": "1971"},
            {"name": "Ada", "birth_date": "1971"},
        ),
    ],
)
def test_the_official_name_comes_first_and_what_is_not_stated_is_left_out(patient, shown):
    record = PatientRecord(
        "Patient/p", patient=msgspec.convert({"resourceType": "Patient", **patient}, Patient)
    )
    assert record.display() == shown

"""Resources → one record per patient."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.record.group import Gathered, group
from service.record.read import read
from tests.record.build import a_fill, a_task, an_order, of_patient, raw


def readings(*resources):
    return [read(raw(one), f"x.ndjson:{n}") for n, one in enumerate(resources, 1)]


def the_record(*resources):
    (record,) = group(readings(*resources))
    return record


def updated(when, **changes):
    return an_order(meta={"lastUpdated": when} if when else None, **changes)


@pytest.mark.failure("F4")
@pytest.mark.parametrize(
    ("first", "second", "wins"),
    [
        (updated("2026-01-02T00:00:00Z", status="stopped"), updated("2026-01-01T00:00:00Z"), "stopped"),
        (updated(None, status="stopped"), updated("2026-01-01T00:00:00Z"), "active"),
        (updated("tomorrow", status="stopped"), updated("2026-01-01T00:00:00Z"), "active"),
        (updated("2026-01-01T01:00:00+02:00", status="stopped"), updated("2026-01-01T00:00:00Z"), "active"),
        (
            updated("2026-01-01T00:00:00.0000002Z", status="stopped"),
            updated("2026-01-01T00:00:00.0000001Z"),
            "stopped",
        ),
        (updated(None, status="stopped"), updated(None, status="active"), "stopped"),  # greatest JSON
    ],
)
def test_a_resource_that_came_twice_counts_once_in_whatever_order(first, second, wins):
    for pair in ((first, second), (second, first)):
        assert [one.status for one in the_record(*pair).orders] == [wins]


def test_the_newest_copy_wins_even_when_it_cannot_be_read():
    old, new = updated("2026-01-01T00:00:00Z"), updated("2026-01-02T00:00:00Z", authoredOn=5)
    for pair in ((old, new), (new, old)):
        record = the_record(*pair)
        assert (record.orders, len(record.unreadable)) == ((), 1)


def test_records_come_in_the_order_in_which_patients_appear():
    of = [
        an_order(name, subject={"reference": f"Patient/{who}"})
        for name, who in [("1", "z"), ("2", "a"), ("3", "z")]
    ]
    assert [record.reference for record in group(readings(*of))] == ["Patient/z", "Patient/a"]


def test_a_patient_that_was_asked_for_has_a_record_even_without_resources():
    (record,) = group([], patients=["Patient/q"])
    assert (record.reference, record.patient, record.patient_id) == ("Patient/q", None, "q")


def test_what_names_no_patient_is_in_no_record_and_named():
    gathered = Gathered()
    for one in readings(
        an_order("a", subject=None),
        a_fill("f", subject={"display": "somebody"}),
        an_order("g", subject={"reference": "Group/g"}),
        {"resourceType": "Observation", "id": "o"},
        an_order("m", subject="Patient/p"),
        {"resourceType": "Task", "id": "t"},
        {"resourceType": "Medication", "id": "n", "code": 5},
    ):
        gathered.add(one)
    assert list(gathered.records()) == []
    assert sorted(gathered.astray()) == [
        ("Medication/n", "malformed"),
        ("MedicationDispense/f", "no-subject"),
        ("MedicationRequest/a", "no-subject"),
        ("MedicationRequest/m", "malformed"),
        ("Observation/o", "no-subject"),
    ]


def test_a_record_holds_the_drugs_and_the_people_that_its_orders_name():
    role = {
        "resourceType": "PractitionerRole",
        "id": "r",
        "active": False,
        "practitioner": {"reference": "Practitioner/x"},
    }
    record = the_record(
        an_order(
            "a",
            medicationReference={"reference": "Medication/m"},
            requester={"reference": "PractitionerRole/r"},
        ),
        {"resourceType": "Medication", "id": "m"},
        {"resourceType": "Medication", "id": "other"},
        role,
        {"resourceType": "Practitioner", "id": "x"},
        {"resourceType": "Practitioner", "id": "other"},
        role | {"id": "second", "active": True},
    )
    assert list(record.medications) == ["Medication/m"]
    assert [one.id for one in record.practitioners] == ["x"]
    assert [one.id for one in record.roles] == ["r", "second"]
    assert record.is_active_practitioner("Practitioner/x")
    assert not record.is_active_practitioner("PractitionerRole/r")
    assert not record.is_active_practitioner("Practitioner/unknown")


def test_only_our_own_tasks_are_in_a_record():
    record = the_record(
        a_task("t"),
        a_task("u", identifier=[{"system": "urn:other", "value": "1"}]),
        a_task("v", identifier=None),
    )
    assert [one.id for one in record.tasks] == ["t"]


def test_the_general_practitioner_is_the_first_that_is_a_reference():
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "generalPractitioner": [{"display": "Dr X"}, {"reference": "Practitioner/x"}],
    }
    assert the_record(patient).general_practitioner() == "Practitioner/x"
    assert the_record(an_order()).general_practitioner() is None


some = [
    an_order("a"),
    an_order("a", status="stopped"),
    an_order("b", subject={"reference": "Patient/q"}),
    an_order("c", authoredOn=5),
    a_fill("f"),
    of_patient("Condition", "c", code={"text": "x"}),
    {"resourceType": "Patient", "id": "p"},
    {"resourceType": "Medication", "id": "m"},
]


@given(st.permutations(some))
def test_the_order_of_the_input_changes_no_record(mixed):
    def by_name(resources):
        return {record.reference: record for record in group(readings(*resources))}

    assert by_name(mixed) == by_name(some)


@given(st.integers(0, 4), st.sampled_from([{"status": 5}, {"subject": 5}, {"dosageInstruction": "x"}]))
def test_a_bad_resource_never_changes_what_the_others_give(place, wrong):
    good = [an_order("a"), a_fill("f"), of_patient("Condition", "c", code={"text": "x"})]
    record = next(iter(group(readings(*good[:place], an_order("bad", **wrong), *good[place:]))))
    alone = the_record(*good)
    assert (record.orders, record.fills, record.conditions) == (alone.orders, alone.fills, alone.conditions)

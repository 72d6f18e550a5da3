"""Start, stop, links and requesters of orders (exposure.md §2 and §4, rules.md R11)."""

from datetime import date

import pytest

from service.record.group import Traits
from tests.normalise.build import facts
from tests.record.build import a_fill, a_line, an_order


def order(traits=None, **changes):
    (found,) = facts(an_order(**changes), traits=traits).orders
    return found


def day(text):
    return date.fromisoformat(text).toordinal() if text else None


def bounded(*periods):
    lines = []
    for start, end in periods:
        period = {"start": start, "end": end}
        lines.append(a_line(timing={"repeat": {"boundsPeriod": period, "period": 1, "periodUnit": "d"}}))
    return lines


@pytest.mark.parametrize(
    ("authored", "periods", "validity", "start"),
    [
        ("2026-02-21", [], None, "2026-02-21"),
        ("2026-02-21", [("2026-03-01", None)], None, "2026-03-01"),
        ("2026-02-21", [("2026-01-01", "2026-03-01")], None, "2026-01-01"),
        ("2026-02-21", [("2026-01-01", None)], None, "2026-02-21"),
        ("2026-02-21", [("2026-03-05", "2026-03-09"), ("2026-03-01", "2026-03-04")], None, "2026-03-01"),
        (None, [("2026-01-01", None)], "2026-02-01", "2026-01-01"),
        (None, [], "2026-02-01", "2026-02-01"),
        ("2026-02-21", [], "2026-02-01", "2026-02-21"),
        ("2026-02", [], None, "2026-02-01"),
    ],
)
def test_an_order_starts_when_its_bounds_its_author_or_its_validity_say(authored, periods, validity, start):
    found = order(
        authoredOn=authored,
        dosageInstruction=bounded(*periods) or [a_line()],
        dispenseRequest={"validityPeriod": {"start": validity}},
    )
    assert found.start == day(start)
    assert found.authored == day("2026-02-01" if authored == "2026-02" else authored)


@pytest.mark.parametrize(
    ("changes", "stop"),
    [
        ({"status": "active", "statusChanged": "2026-03-01"}, None),
        ({"status": "completed", "statusChanged": "2026-03-01"}, None),
        ({"status": "stopped", "statusChanged": "2026-03-01"}, "2026-03-01"),
        ({"status": "ended", "statusChanged": "2026-03-01"}, "2026-03-01"),
        ({"status": "on-hold", "meta": {"lastUpdated": "2026-03-01T08:00:00Z"}}, "2026-03-01"),
        ({"status": "stopped", "meta": {"lastUpdated": "2026-02-21T08:00:00Z"}}, "2026-02-21"),
        ({"status": "stopped", "meta": {"lastUpdated": "2026-02-20T08:00:00Z"}}, None),
        ({"status": "stopped", "meta": {"lastUpdated": "soon"}}, None),
        ({"status": "stopped", "dosageInstruction": bounded(("2026-02-21", "2026-03-04"))}, "2026-03-05"),
        (
            {
                "status": "stopped",
                "statusChanged": "2026-03-10",
                "meta": {"lastUpdated": "2026-03-07T08:00:00Z"},
                "dosageInstruction": bounded(("2026-02-21", "2026-03-08")),
            },
            "2026-03-07",
        ),
        ({"status": "stopped"}, None),
    ],
)
def test_a_stopped_order_ends_at_the_earliest_date_that_says_so(changes, stop):
    found = order(**changes)
    assert found.stop_day == day(stop)
    assert found.stop_unknown == (changes["status"] == "stopped" and stop is None)


def test_the_last_update_is_no_stop_where_the_source_says_so():
    moved = Traits(last_updated_is_stop=False)
    found = order(moved, status="stopped", meta={"lastUpdated": "2026-03-01T08:00:00Z"})
    assert (found.stop_day, found.stop_unknown) == (None, True)


def test_an_instant_is_a_day_at_the_clinic():
    found = order(Traits(timezone="America/New_York"), authoredOn="2026-02-21T03:00:00Z")
    assert found.start == day("2026-02-20")


def test_flags_tell_of_partial_dates_and_of_drugs_found_by_text():
    assert order().flags == frozenset()
    assert order(authoredOn="2026-02").flags == {"date_imprecise"}
    assert order(medicationCodeableConcept={"text": "diazepam 5 mg"}).flags == {"identified_by_text"}


def test_an_order_says_its_links_and_its_supply():
    found = order(
        priorPrescription={"reference": "https://ehr.example/fhir/MedicationRequest/z/_history/1"},
        dispenseRequest={
            "validityPeriod": {"end": "2026-03"},
            "expectedSupplyDuration": {"value": 4, "unit": "weeks"},
        },
        dosageInstruction=bounded(("2026-02-21", "2026-03-04"), ("2026-02-21", None)),
    )
    assert (found.prior, found.expected_days) == ("MedicationRequest/z", 28)
    assert (found.validity_end, found.bounds_end) == (day("2026-03-31"), day("2026-03-04"))


def test_the_reasons_of_an_order_are_concepts():
    seizure = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "G40.909"}]}
    assert order(reasonCode=[seizure]).reason_concepts == {"seizure_disorder"}
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/p"},
        "code": seizure,
    }
    (found,) = facts(an_order(reasonReference=[{"reference": "Condition/c"}]), condition).orders
    assert found.reason_concepts == {"seizure_disorder"}


@pytest.mark.parametrize(
    ("supply", "days"),
    [
        ({"value": 28, "unit": "days"}, 28),
        ({"value": 28}, 28),
        ({"value": 4, "code": "wk"}, 28),
        ({"value": 0}, None),
    ],
)
def test_a_fill_says_how_many_days_it_is_for(supply, days):
    (fill,) = facts(a_fill(daysSupply=supply)).fills
    assert fill.days == days


def test_a_fill_handed_over_differs_from_one_only_prepared():
    (handed,) = facts(a_fill(whenPrepared="2026-02-01")).fills
    (prepared,) = facts(a_fill(whenHandedOver=None, whenPrepared="2026-02-01")).fills
    assert (handed.handed_over, handed.start) == (True, day("2026-02-22"))
    assert (prepared.handed_over, prepared.start) == (False, day("2026-02-01"))


def test_a_fill_without_instruction_leaves_the_dose_to_its_order():
    (bare,) = facts(a_fill()).fills
    (own,) = facts(a_fill(dosageInstruction=[a_line()])).fills
    assert bare.dosage is None
    assert own.dosage is not None


# -- requesters ------------------------------------------------------------------------------------


def requester(reference, *others):
    (found,) = facts(an_order(requester=reference), *others).orders
    return found.requester, found.organizations


def a_role(name, who="Practitioner/x", place="Organization/o"):
    return {
        "resourceType": "PractitionerRole",
        "id": name,
        "practitioner": {"reference": who},
        "organization": {"reference": place},
    }


@pytest.mark.parametrize(
    ("reference", "who"),
    [
        ({"reference": "Practitioner/x"}, "Practitioner/x"),
        ({"reference": "https://ehr.example/fhir/Practitioner/x", "display": "Dr X"}, "Practitioner/x"),
        ({"identifier": {"system": "http://npi", "value": "9"}, "display": "Dr X"}, "http://npi|9"),
        ({"reference": "Practitioner?identifier=http://npi|9"}, "http://npi|9"),
        ({"display": "Dr X"}, "Dr X"),
        ({"reference": "PractitionerRole/unknown", "display": "Dr X"}, "Dr X"),
        ({"reference": "PractitionerRole/unknown"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_requester_is_a_person_else_an_identifier_else_a_name(reference, who):
    assert requester(reference) == (who, frozenset())


def test_a_role_is_the_person_who_has_it():
    assert requester({"reference": "PractitionerRole/r"}, a_role("r")) == (
        "Practitioner/x",
        {"Organization/o"},
    )


def test_a_person_works_for_the_organizations_of_all_roles():
    found = requester(
        {"reference": "Practitioner/x"},
        a_role("r"),
        a_role("s", place="Organization/q"),
        a_role("t", "Practitioner/y", "Organization/z"),
    )
    assert found == ("Practitioner/x", {"Organization/o", "Organization/q"})

"""Each line of exposure.md §1 that a record can show."""

import pytest

from service.model.facts import Role
from tests.normalise.build import facts, reasons
from tests.record.build import RXNORM, a_fill, a_line, an_order, concept

SNOMED = "http://snomed.info/sct"
MORPHINE = concept(RXNORM, "7052")


def text(*words):
    return {"text": " ".join(words)}


def bounds(start, end):
    return [a_line(timing={"repeat": {"boundsPeriod": {"start": start, "end": end}}})]


def routed(**route):
    return [a_line(route=route)]


ORDERS = [
    # result, changes to an order that counts
    ("counts", {}),
    ("counts", {"status": "completed"}),
    ("counts", {"status": "stopped"}),
    ("counts", {"status": "ended"}),
    ("counts", {"status": "on-hold"}),
    ("counts", {"status": "unknown"}),
    ("counts", {"intent": None}),
    ("counts", {"intent": "banana"}),
    ("counts", {"intent": "instance-order"}),
    ("counts", {"doNotPerform": False}),
    ("counts", {"reportedBoolean": False}),
    ("counts", {"category": [{"coding": [{"code": "community"}]}]}),
    ("counts", {"meta": {"lastUpdated": "yesterday"}}),
    ("unreadable malformed", {"status": 5}),
    ("unreadable malformed", {"status": "entered-in-error", "intent": {}}),
    ("unreadable bad-status", {"status": None}),
    ("unreadable bad-status", {"status": "banana"}),
    ("unreadable bad-status", {"status": "Active"}),
    ("unreadable bad-status", {"status": "in-progress"}),
    ("ignored status", {"status": "entered-in-error"}),
    ("ignored status", {"status": "draft"}),
    ("ignored status", {"status": "cancelled", "intent": "plan"}),
    ("ignored intent", {"intent": "proposal"}),
    ("ignored intent", {"intent": "plan", "doNotPerform": True}),
    ("ignored intent", {"intent": "option"}),
    ("ignored do-not-perform", {"doNotPerform": True, "reportedBoolean": True}),
    ("ignored reported", {"reportedBoolean": True}),
    ("ignored reported", {"reportedReference": {"reference": "Patient/p"}}),
    ("ignored reported", {"reported": True}),
    (
        "ignored inpatient",
        {
            "category": [{"coding": [{"code": "community"}, {"code": "inpatient"}]}],
            "medicationCodeableConcept": None,
        },
    ),
    ("unreadable no-medication", {"medicationCodeableConcept": None}),
    ("unreadable no-medication", {"medicationCodeableConcept": {"coding": [{"system": RXNORM}]}}),
    (
        "unreadable no-medication",
        {"medicationCodeableConcept": None, "medicationReference": {"reference": "Medication/none"}},
    ),
    ("counts", {"medicationCodeableConcept": None, "medicationReference": {"display": "diazepam 5 mg"}}),
    ("unreadable contradicting-codings", {"medicationCodeableConcept": text("diazepam or lorazepam")}),
    (
        "unreadable contradicting-codings",
        {
            "medicationCodeableConcept": {
                "coding": [{"system": RXNORM, "code": "197591"}, {"system": RXNORM, "code": "6470"}]
            }
        },
    ),
    (
        "counts",
        {"medicationCodeableConcept": concept(RXNORM, "197591") | text("diazepam, formerly lorazepam")},
    ),
    ("ignored not-in-scope", {"medicationCodeableConcept": text("amlodipine 5 mg")}),
    ("ignored not-in-scope", {"medicationCodeableConcept": concept("http://ehr.example/drugs", "197591")}),
    ("ignored not-in-scope", {"medicationCodeableConcept": text("nordiazepamine 5 mg")}),
    ("ignored rescue-or-parenteral", {"medicationCodeableConcept": text("Buccolam 5 mg")}),
    ("ignored rescue-or-parenteral", {"medicationCodeableConcept": text("diazepam 10 mg/2 mL injection")}),
    ("ignored rescue-or-parenteral", {"medicationCodeableConcept": text("Diazepam RECTAL tubes 5 mg")}),
    ("counts", {"medicationCodeableConcept": text("diazepam 5 mg injections-free tablets")}),
    (
        "ignored rescue-or-parenteral",
        {"dosageInstruction": routed(coding=[{"system": SNOMED, "code": "37161004"}])},
    ),
    (
        "ignored rescue-or-parenteral",
        {"dosageInstruction": routed(coding=[{"display": "Intravenous route"}])},
    ),
    ("ignored rescue-or-parenteral", {"dosageInstruction": routed(text="nasal")}),
    ("counts", {"dosageInstruction": routed(text="oral")}),
    ("ignored rescue-or-parenteral", {"dosageInstruction": [a_line(text="by slow infusion")]}),
    ("unreadable bad-date", {"authoredOn": "20/02/2026"}),
    ("unreadable bad-date", {"authoredOn": "2026-02-30"}),
    ("unreadable bad-date", {"authoredOn": ""}),
    ("unreadable bad-date", {"statusChanged": "2026-02-21T10:00"}),
    ("unreadable bad-date", {"dosageInstruction": bounds("2026-02-21", "soon")}),
    ("unreadable bad-date", {"dosageInstruction": bounds("2026-02-21", "2026-02-20")}),
    ("counts", {"dosageInstruction": bounds("2026-02-21", "2026-02-21")}),
    ("counts", {"dosageInstruction": bounds("2026-02-21", "2026-02")}),
    ("unreadable bad-date", {"dispenseRequest": {"validityPeriod": {"start": "2026-02-32"}}}),
    ("unreadable bad-date", {"dispenseRequest": {"validityPeriod": {"start": "2026-02-21", "end": "2025"}}}),
    ("unreadable no-start", {"authoredOn": None}),
    ("counts", {"authoredOn": None, "dosageInstruction": bounds("2026-02-21", None)}),
    ("counts", {"authoredOn": None, "dispenseRequest": {"validityPeriod": {"start": "2026-02-21"}}}),
]


@pytest.mark.parametrize(("result", "changes"), ORDERS)
def test_an_order_is_classified_in_the_order_of_the_page(result, changes):
    found = facts(an_order(**changes))
    if result == "counts":
        assert [one.reference for one in found.orders] == ["MedicationRequest/a"]
        assert reasons(found) == {}
    else:
        assert found.orders == ()
        assert reasons(found) == {"MedicationRequest/a": result}


FILLS = [
    ("counts", {}),
    ("counts", {"status": "in-progress"}),
    ("ignored status", {"status": "declined"}),
    ("ignored status", {"status": "entered-in-error"}),
    ("unreadable bad-status", {"status": "active"}),
    ("unreadable bad-status", {"status": None}),
    ("ignored inpatient", {"category": {"coding": [{"code": "inpatient"}]}}),
    ("ignored inpatient", {"category": [{"coding": [{"code": "inpatient"}]}]}),
    ("unreadable no-medication", {"medicationCodeableConcept": None}),
    ("ignored not-in-scope", {"medicationCodeableConcept": text("amlodipine")}),
    ("ignored rescue-or-parenteral", {"medicationCodeableConcept": text("Diastat 10 mg")}),
    ("unreadable bad-date", {"whenHandedOver": "22.02.2026"}),
    ("unreadable bad-date", {"whenPrepared": "2026-02-30"}),
    ("unreadable no-start", {"whenHandedOver": None}),
    ("counts", {"whenHandedOver": None, "whenPrepared": "2026-02-20"}),
    ("unreadable malformed", {"daysSupply": 28}),
]


@pytest.mark.parametrize(("result", "changes"), FILLS)
def test_a_fill_is_classified_alike(result, changes):
    found = facts(a_fill(**changes))
    if result == "counts":
        assert [one.reference for one in found.fills] == ["MedicationDispense/f"]
        assert reasons(found) == {}
    else:
        assert reasons(found) == {"MedicationDispense/f": result}


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({"category": [{"coding": [{"code": "inpatient"}]}]}, "ignored inpatient"),
        ({"dosageInstruction": routed(text="rectal")}, "ignored rescue-or-parenteral"),
        ({"status": "cancelled"}, None),
        ({"authoredOn": "soon"}, None),
    ],
)
def test_a_fill_is_ignored_with_an_inpatient_or_rescue_order_only(changes, result):
    found = facts(an_order(**changes), a_fill(authorizingPrescription=[{"reference": "MedicationRequest/a"}]))
    assert reasons(found).get("MedicationDispense/f") == result
    assert [one.order for one in found.fills] == ([None] if result is None else [])


def test_a_fill_names_its_order_when_that_counts():
    found = facts(an_order("a"), a_fill(authorizingPrescription=[{"reference": "MedicationRequest/a"}]))
    assert [one.order for one in found.fills] == ["MedicationRequest/a"]


@pytest.mark.parametrize(
    ("medication", "role"),
    [
        (MORPHINE, Role.OPIOID),
        (text("gabapentin 300 mg"), Role.SEDATIVE),
        (text("naloxone nasal spray"), Role.NALOXONE),
    ],
)
def test_opioids_sedatives_and_naloxone_are_orders_of_their_own_role(medication, role):
    found = facts(an_order(medicationCodeableConcept=medication))
    assert [one.drug.role for one in found.orders] == [role]
    assert reasons(found) == {}


def test_an_opioid_that_is_ignored_is_not_listed():
    assert reasons(facts(an_order(status="cancelled", medicationCodeableConcept=MORPHINE))) == {}


@pytest.mark.parametrize(
    ("changes", "in_scope"),
    [
        ({"status": "banana"}, True),
        ({"status": "banana", "medicationCodeableConcept": text("amlodipine")}, False),
        ({"status": "banana", "medicationCodeableConcept": MORPHINE}, False),
        ({"status": "banana", "medicationCodeableConcept": None}, True),
        ({"authoredOn": 5}, True),
        ({"authoredOn": 5, "medicationCodeableConcept": text("amlodipine")}, False),
        ({"medicationCodeableConcept": "diazepam 5 mg"}, True),
        ({"medicationCodeableConcept": {"coding": "amlodipine"}}, False),
        ({"medicationCodeableConcept": 5}, True),
        (
            {
                "authoredOn": 5,
                "medicationCodeableConcept": None,
                "medicationReference": {"reference": "Medication/m"},
            },
            False,
        ),
        (
            {
                "authoredOn": 5,
                "medicationCodeableConcept": None,
                "medicationReference": {"reference": "Medication/x"},
            },
            True,
        ),
    ],
)
def test_an_unreadable_order_could_be_in_scope_when_it_says_so_or_says_nothing(changes, in_scope):
    amlodipine = {"resourceType": "Medication", "id": "m", "code": text("amlodipine")}
    found = facts(an_order(**changes), amlodipine)
    assert [one.in_scope for one in found.unreadable] == [in_scope]


def test_an_ignored_order_is_in_scope_by_its_drug():
    found = facts(
        an_order("a", status="cancelled"),
        an_order("b", status="cancelled", medicationCodeableConcept=text("x")),
    )
    assert [(one.reference, one.in_scope) for one in found.ignored] == [
        ("MedicationRequest/a", True),
        ("MedicationRequest/b", False),
    ]


def test_another_unreadable_resource_is_listed_and_about_no_drug():
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "code": "x"}
    found = facts(condition, {"resourceType": "Patient", "id": "p", "birthDate": 1950})
    assert [(one.reference, one.reason, one.in_scope) for one in found.unreadable] == [
        ("Condition/c", "malformed", False),
        ("Patient/p", "malformed", False),
    ]

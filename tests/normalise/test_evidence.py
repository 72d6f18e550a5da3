"""Reviews, plans, deliveries, stays and outcomes (rules.md)."""

from datetime import date

import pytest

from service.model.facts import Outcome, OutcomeKind
from service.normalise.outcomes import outcomes_of
from service.record.group import group
from service.record.read import read
from tests.normalise.build import facts
from tests.record.build import a_task, concept, of_patient, raw

SNOMED = "http://snomed.info/sct"
DONE = concept(SNOMED, "314530002")
BY_COMMUNITY_PHARMACIST = concept(SNOMED, "719327002")
HOSPICE, PALLIATIVE, HOSPICE_DISCHARGE = "170935008", "103735009", "428361000124107"


def day(text):
    return date.fromisoformat(text).toordinal() if text else None


def review(kind, **elements):
    """(day, strong) of the one review, or None."""
    found = facts(of_patient(kind, "x", **elements)).reviews
    return (date.fromordinal(found[0].day).isoformat(), found[0].strong) if found else None


@pytest.mark.parametrize(
    ("kind", "elements", "found"),
    [
        (
            "Procedure",
            {"status": "completed", "code": DONE, "performedDateTime": "2026-01-05"},
            ("2026-01-05", True),
        ),
        (
            "Procedure",
            {
                "status": "completed",
                "code": DONE,
                "performedPeriod": {"start": "2026-01-05", "end": "2026-01-07"},
            },
            ("2026-01-07", True),
        ),
        (
            "Procedure",
            {"status": "completed", "code": DONE, "performedPeriod": {"start": "2026-01-05"}},
            ("2026-01-05", True),
        ),
        (
            "Procedure",
            {"status": "completed", "code": BY_COMMUNITY_PHARMACIST, "performedDateTime": "2026-01-05"},
            ("2026-01-05", False),
        ),
        ("Procedure", {"status": "in-progress", "code": DONE, "performedDateTime": "2026-01-05"}, None),
        ("Procedure", {"status": "completed", "code": DONE}, None),
        (
            "Procedure",
            {"status": "completed", "code": concept(SNOMED, "391156007"), "performedDateTime": "2026-01-05"},
            None,
        ),
        (
            "Observation",
            {"status": "final", "code": DONE, "effectiveDateTime": "2026-01-05"},
            ("2026-01-05", True),
        ),
        (
            "Observation",
            {"status": "amended", "code": DONE, "effectiveInstant": "2026-01-05T10:00:00Z"},
            ("2026-01-05", True),
        ),
        ("Observation", {"status": "preliminary", "code": DONE, "effectiveDateTime": "2026-01-05"}, None),
        (
            "QuestionnaireResponse",
            {
                "status": "completed",
                "questionnaire": "urn:reviewdue:questionnaire:review|1",
                "authored": "2026-01-05",
            },
            ("2026-01-05", True),
        ),
        (
            "QuestionnaireResponse",
            {
                "status": "in-progress",
                "questionnaire": "urn:reviewdue:questionnaire:review",
                "authored": "2026-01-05",
            },
            None,
        ),
        (
            "QuestionnaireResponse",
            {"status": "completed", "questionnaire": "urn:other", "authored": "2026-01-05"},
            None,
        ),
    ],
)
def test_a_review_is_evidence_by_code_and_status(kind, elements, found):
    assert review(kind, **elements) == found


def test_a_taper_plan_is_ours_by_its_category():
    coded = [concept("urn:reviewdue:careplan", "benzodiazepine-taper")]
    (plan,) = facts(of_patient("CarePlan", "x", status="active", category=coded, created="2026-01-05")).plans
    assert (plan.status, plan.start, plan.end) == ("active", day("2026-01-05"), None)
    period = {"start": "2026-02-01", "end": "2026-03"}
    (plan,) = facts(of_patient("CarePlan", "x", status="completed", category=coded, period=period)).plans
    assert (plan.start, plan.end) == (day("2026-02-01"), day("2026-03-31"))
    assert facts(of_patient("CarePlan", "x", status="active")).plans == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "2026-07-01"),
        ({"status": "corrected"}, "2026-07-01"),
        ({"status": "entered-in-error"}, None),
        ({"valueDateTime": "soon"}, None),
        ({"code": concept("http://loinc.org", "8480-6")}, None),
    ],
)
def test_an_expected_delivery_is_read_from_its_observation(changes, expected):
    edd = {
        "status": "final",
        "code": concept("http://loinc.org", "11778-8"),
        "valueDateTime": "2026-07-01",
        "effectiveDateTime": "2026-01-05",
    }
    found = facts(of_patient("Observation", "x", **(edd | changes))).deliveries
    assert [one.expected for one in found] == ([day(expected)] if expected else [])
    assert all(one.known == day("2026-01-05") for one in found)


def stay(**elements):
    found = facts(of_patient("Encounter", "e", **({"status": "finished"} | elements))).encounters
    return found[0] if found else None


def test_a_stay_that_goes_on_is_a_fact_whatever_its_reason():
    found = stay(status="in-progress", period={"start": "2026-01-05T10:00:00Z"}, **{"class": {"code": "IMP"}})
    assert (found.klass, found.start, found.end) == ("IMP", day("2026-01-05"), None)
    assert stay(period={"start": "2026-01-05"}) is None


@pytest.mark.parametrize(
    ("elements", "hospice", "palliative", "discharge"),
    [
        ({"type": [concept(SNOMED, HOSPICE)]}, True, False, False),
        ({"reasonCode": [concept(SNOMED, PALLIATIVE)]}, False, True, False),
        (
            {"hospitalization": {"dischargeDisposition": concept(SNOMED, HOSPICE_DISCHARGE)}},
            False,
            False,
            True,
        ),
    ],
)
def test_a_stay_can_mean_hospice_or_palliative_care(elements, hospice, palliative, discharge):
    found = stay(**elements)
    assert (found.hospice, found.palliative, found.hospice_discharge) == (hospice, palliative, discharge)


@pytest.mark.parametrize("status", ["planned", "cancelled", "entered-in-error"])
def test_a_stay_that_never_was_means_nothing(status):
    assert stay(status=status, type=[concept(SNOMED, HOSPICE)]) is None


def test_a_stay_can_be_for_a_condition_of_the_record():
    condition = of_patient("Condition", "c", code=concept(SNOMED, HOSPICE))
    encounter = of_patient(
        "Encounter", "e", status="finished", reasonReference=[{"reference": "Condition/c"}]
    )
    (found,) = facts(condition, encounter).encounters
    assert found.hospice


def test_a_hospice_procedure_counts_when_it_was_done():
    done = of_patient(
        "Procedure",
        "x",
        status="completed",
        code=concept(SNOMED, "385763009"),
        performedDateTime="2026-01-05",
    )
    (found,) = facts(done).procedures
    assert (found.hospice, found.day) == (True, day("2026-01-05"))
    assert facts(done | {"status": "not-done"}).procedures == ()
    (palliative,) = facts(done | {"code": concept(SNOMED, PALLIATIVE)}).procedures
    assert not palliative.hospice


# -- outcomes --------------------------------------------------------------------------------------


def ledger(on, reference="K-1", key="K-1"):
    return Outcome(key, reference, day(on), OutcomeKind.REDUCE, completed=True, rules=frozenset())


def joined(known, *tasks):
    (record,) = group(
        [read(raw(one), "x") for one in tasks], patients=["Patient/p"], outcomes={"Patient/p": known}
    )
    return [(one.reference, date.fromordinal(one.day).isoformat()) for one in outcomes_of(record)]


def test_of_one_key_the_later_outcome_counts():
    assert joined([ledger("2026-05-21")], a_task()) == [("Task/t", "2026-05-22")]
    assert joined([ledger("2026-05-23")], a_task()) == [("K-1", "2026-05-23")]
    assert joined([ledger("2026-05-23", key="K-2")], a_task()) == [
        ("Task/t", "2026-05-22"),
        ("K-1", "2026-05-23"),
    ]


def test_what_the_task_says_now_replaces_what_it_said_before():
    assert joined([ledger("2026-05-20", "Task/t")], a_task()) == [("Task/t", "2026-05-22")]
    assert joined([ledger("2026-05-22", "Task/t")], a_task(status="in-progress")) == []


def test_a_task_of_a_restored_ehr_takes_no_later_answer_back():
    assert joined([ledger("2026-06-01", "Task/t")], a_task()) == [("Task/t", "2026-06-01")]


def test_an_outcome_whose_task_is_not_in_the_record_stays():
    assert joined([ledger("2026-05-22", "Task/t")]) == [("Task/t", "2026-05-22")]


# -- the person ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patient", "born", "died", "undated", "active"),
    [
        ({}, None, None, False, True),
        ({"birthDate": "1950"}, "1950-01-01", None, False, True),
        ({"birthDate": "01/02/1950"}, None, None, False, True),
        ({"deceasedBoolean": False}, None, None, False, True),
        ({"deceasedBoolean": True}, None, None, True, True),
        ({"deceasedDateTime": "2026-02"}, None, "2026-02-28", False, True),
        ({"deceasedDateTime": "last year"}, None, None, True, True),
        ({"active": False}, None, None, False, False),
    ],
)
def test_a_person_is_born_dies_and_is_active(patient, born, died, undated, active):
    found = facts({"resourceType": "Patient", "id": "p", **patient})
    assert (found.born, found.deceased, found.deceased_undated, found.active) == (
        day(born),
        day(died),
        undated,
        active,
    )
    assert found.flags == ({"date_imprecise"} if patient.get("birthDate") == "1950" else frozenset())


def test_an_order_without_a_patient_resource_is_of_an_active_person_of_unknown_age():
    found = facts(of_patient("Condition", "c"))
    assert (found.born, found.active, found.deceased_undated) == (None, True, False)

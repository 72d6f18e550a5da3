"""Conditions as concepts (rules.md: Condition X, events, hospice)."""

from datetime import date

import pytest

from tests.normalise.build import facts
from tests.record.build import of_patient

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"


def condition(*codes, **elements):
    """The fact of a Condition with these codes (SNOMED when all digits), or None."""
    coding = [{"system": SNOMED if code.isdigit() else ICD, "code": code} for code in codes]
    found = facts(of_patient("Condition", "c", code={"coding": coding}, **elements)).conditions
    return found[0] if found else None


def day(text):
    return date.fromisoformat(text).toordinal() if text else None


@pytest.mark.parametrize(
    ("codes", "concepts"),
    [
        (["G40.909"], {"seizure_disorder"}),
        (["g40909"], {"seizure_disorder"}),
        (["84757009"], {"seizure_disorder"}),
        (["W05.0XXA"], {"falls"}),
        (["F11.20"], {"opioid_use_disorder"}),
        (["F17.210"], {"nicotine_dependence_not_sud"}),
        (["F11.20", "F17.210"], {"nicotine_dependence_not_sud"}),
        (["G40.909", "I10"], {"seizure_disorder"}),
    ],
)
def test_codes_stand_for_concepts_and_some_override_others(codes, concepts):
    found = condition(*codes)
    assert found is not None
    assert found.concepts == concepts


def test_a_disorder_in_remission_is_on_record_but_not_active():
    found = condition("F11.21")
    assert found is not None
    assert ("opioid_use_disorder" in found.concepts, found.active) == (True, False)


def test_other_conditions_are_no_facts():
    assert condition("I10") is None
    coding = {"system": "http://local", "code": "G40.909"}
    assert facts(of_patient("Condition", "c", code={"coding": [coding]})).conditions == ()


def status(code):
    return {"coding": [{"code": code}]}


@pytest.mark.parametrize(
    ("elements", "active", "valid"),
    [
        ({}, True, True),
        ({"clinicalStatus": status("active")}, True, True),
        ({"clinicalStatus": status("relapse")}, True, True),
        ({"clinicalStatus": status("recurrence")}, True, True),
        ({"clinicalStatus": status("remission")}, False, True),
        ({"clinicalStatus": status("resolved")}, False, True),
        ({"clinicalStatus": status("inactive")}, False, True),
        ({"verificationStatus": status("refuted")}, True, False),
        ({"verificationStatus": status("entered-in-error")}, True, False),
        ({"verificationStatus": status("unconfirmed")}, True, True),
    ],
)
def test_a_condition_is_active_and_valid_by_its_statuses(elements, active, valid):
    found = condition("G40.909", **elements)
    assert (found.active, found.valid) == (active, valid)


@pytest.mark.parametrize(
    ("elements", "start", "recorded", "abated"),
    [
        ({}, None, None, None),
        ({"recordedDate": "2026-01-02"}, "2026-01-02", "2026-01-02", None),
        ({"onsetDateTime": "2026-01-01"}, "2026-01-01", "2026-01-01", None),
        (
            {"onsetPeriod": {"start": "2026-01"}, "recordedDate": "2026-03-01"},
            "2026-01-01",
            "2026-03-01",
            None,
        ),
        ({"onsetDateTime": "long ago", "recordedDate": "2026-03-01"}, "2026-03-01", "2026-03-01", None),
        ({"abatementDateTime": "2026-02"}, None, None, "2026-02-28"),
        ({"abatementPeriod": {"start": "2026-02-01"}}, None, None, "2026-02-01"),
    ],
)
def test_a_condition_says_its_days(elements, start, recorded, abated):
    found = condition("G40.909", **elements)
    assert (found.start, found.recorded, found.abated) == (day(start), day(recorded), day(abated))


@pytest.mark.parametrize(
    ("code", "later"),
    [
        ("S72.001A", False),
        ("S72.001B", False),
        ("S72.001D", True),
        ("S72.001G", True),
        ("S72.001R", True),
        ("S72.001S", True),
        ("W05.0XXA", False),
        ("W05.0XXD", True),
        ("W05.0XXG", False),
    ],
)
def test_a_later_visit_is_told_by_the_seventh_character(code, later):
    found = condition(code)
    assert found is not None
    assert (found.later_visit, found.code) == (later, f"ICD-10-CM {code}")


def test_poisoning_counts_by_intent_1_to_4_only():
    assert "bzd_poisoning" in condition("T42.4X1A").concepts
    assert condition("T42.4X5A") is None


def test_hospice_and_palliative_care_are_told_apart():
    assert condition("170935008").hospice
    palliative = condition("Z51.5")
    assert (palliative.hospice, palliative.concepts) == (False, {"palliative_or_hospice"})

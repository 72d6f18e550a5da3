"""References as records write them."""

import pytest

from service.record.references import local_reference, patient_reference, queried_identifier


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Patient/p", "Patient/p"),
        ("https://ehr.example/fhir/R4/Patient/p", "Patient/p"),
        ("https://ehr.example/fhir/R4/Patient/p/_history/3", "Patient/p"),
        ("Patient/p/_history/3", "Patient/p"),
        ("/Patient/p", "Patient/p"),
        (" Patient/p ", "Patient/p"),
        ("Medication/eAb.9-x0", "Medication/eAb.9-x0"),
        ("#contained", "#contained"),
        ("urn:uuid:1-2", "urn:uuid:1-2"),
        ("Practitioner?identifier=s|v", "Practitioner?identifier=s|v"),
        ("", None),
        (None, None),
    ],
)
def test_a_reference_is_brought_into_one_form(written, meant):
    assert local_reference(written) == meant


@pytest.mark.parametrize(
    ("written", "patient"),
    [
        ("Patient/p", "Patient/p"),
        ("urn:uuid:1-2", "Patient/1-2"),
        ("Group/g", None),
        ("Patient/", None),
        ("Patient?identifier=s|v", None),
        ("p", None),
    ],
)
def test_only_a_patient_that_can_be_told_apart_is_one(written, patient):
    assert patient_reference(written) == patient


def test_a_reference_by_search_names_an_identifier():
    assert queried_identifier("Practitioner?identifier=http://npi|9") == ("http://npi", "9")
    assert queried_identifier("Practitioner?identifier=9") == (None, "9")
    assert queried_identifier("Practitioner/9") is None

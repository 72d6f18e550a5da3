"""Loading: ids, references and their order."""

import graphlib

import httpx2
import pytest

from tests.hapi.loading import in_order, load, prefixed


def test_a_prefix_changes_ids_and_relative_references_only():
    order = {
        "resourceType": "MedicationRequest",
        "id": "o",
        "contained": [{"resourceType": "Medication", "id": "m1"}],
        "medicationReference": {"reference": "#m1"},
        "subject": {"reference": "Patient/p", "display": "Patient/p"},
        "reasonReference": [{"reference": "Condition/c"}, {"reference": "https://other.test/Condition/c"}],
        "identifier": [{"system": "urn:orders", "value": "o"}],
    }

    assert prefixed(order, "t1-") == {
        **order,
        "id": "t1-o",
        "subject": {"reference": "Patient/t1-p", "display": "Patient/p"},
        "reasonReference": [{"reference": "Condition/t1-c"}, {"reference": "https://other.test/Condition/c"}],
    }


def test_a_resource_comes_after_those_it_refers_to():
    task = {"resourceType": "Task", "id": "t", "for": {"reference": "Patient/p"}}
    patient = {"resourceType": "Patient", "id": "p", "managingOrganization": {"reference": "Organization/o"}}
    organization = {
        "resourceType": "Organization",
        "id": "o",
        "partOf": {"reference": "Organization/elsewhere"},
    }

    assert in_order([task, patient, organization]) == [organization, patient, task]


def test_two_resources_of_one_name_are_refused():
    with pytest.raises(ValueError, match="Patient/p is there twice"):
        in_order(
            [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Patient", "id": "p", "active": True}]
        )


def test_a_circle_of_references_is_refused():
    a = {"resourceType": "Organization", "id": "a", "partOf": {"reference": "Organization/b"}}
    b = {"resourceType": "Organization", "id": "b", "partOf": {"reference": "Organization/a"}}
    with pytest.raises(graphlib.CycleError):
        in_order([a, b])


def test_loading_twice_stores_once_and_keeps_the_version(hapi, hapi_prefix):
    patient = {"resourceType": "Patient", "id": "p"}

    for _ in range(2):
        (sent,) = load(hapi, [patient], prefix=hapi_prefix)

    stored = httpx2.get(f"{hapi}/Patient/{sent['id']}", timeout=60, trust_env=False).json()
    assert (stored["id"], stored["meta"]["versionId"]) == (f"{hapi_prefix}p", "1")


def test_a_reference_to_nothing_is_refused_with_the_words_of_the_server(hapi, hapi_prefix):
    order = {"resourceType": "Task", "id": "t", "status": "requested", "intent": "order"}
    with pytest.raises(ValueError, match=f"Patient/{hapi_prefix}nobody"):
        load(hapi, [{**order, "for": {"reference": "Patient/nobody"}}], prefix=hapi_prefix)

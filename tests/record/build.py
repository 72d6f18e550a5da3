"""FHIR resources as JSON, with only what a test is about spelled out."""

import json
from typing import Any

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
DIAZEPAM_5_MG = {"coding": [{"system": RXNORM, "code": "197591"}]}


def an_order(name: str = "a", **changes: Any) -> dict[str, Any]:
    """An active order of diazepam 5 mg, one tablet a day; a change to None leaves the element out."""
    order: dict[str, Any] = {
        "resourceType": "MedicationRequest",
        "id": name,
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "authoredOn": "2026-02-21",
        "medicationCodeableConcept": DIAZEPAM_5_MG,
        "dosageInstruction": [a_line()],
    }
    return without_none(order | changes)


def a_fill(name: str = "f", **changes: Any) -> dict[str, Any]:
    """A completed dispense of diazepam 5 mg for 28 days."""
    fill: dict[str, Any] = {
        "resourceType": "MedicationDispense",
        "id": name,
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "whenHandedOver": "2026-02-22",
        "medicationCodeableConcept": DIAZEPAM_5_MG,
        "daysSupply": {"value": 28, "unit": "days"},
    }
    return without_none(fill | changes)


def a_line(value: Any = 1, unit: str | None = "tablet", **changes: Any) -> dict[str, Any]:
    """One dosage line: so many a day."""
    line: dict[str, Any] = {
        "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": without_none({"value": value, "unit": unit})}],
    }
    return without_none(line | changes)


def a_task(name: str = "t", **changes: Any) -> dict[str, Any]:
    """An own Task that a person completed."""
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": name,
        "identifier": [{"system": "urn:reviewdue:item", "value": "K-1"}],
        "status": "completed",
        "intent": "proposal",
        "for": {"reference": "Patient/p"},
        "executionPeriod": {"end": "2026-05-22"},
    }
    return without_none(task | changes)


def of_patient(kind: str, name: str, **elements: Any) -> dict[str, Any]:
    """Any other resource of the patient."""
    return {"resourceType": kind, "id": name, "subject": {"reference": "Patient/p"}, **elements}


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def raw(resource: Any) -> bytes:
    return json.dumps(resource).encode()


def without_none(elements: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in elements.items() if value is not None}

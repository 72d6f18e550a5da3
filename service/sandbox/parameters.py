"""The resource types this server keeps and the search parameters of each: one table for search and /metadata.

Names, types and elements are those of FHIR R4 (https://hl7.org/fhir/R4/searchparameter-registry.html); only
parameters whose element this server really looks at are in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from service.sandbox.outcome import Resource


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter: its FHIR type (token, reference, date) and the elements it looks at (paths)."""

    name: str
    kind: str
    paths: tuple[str, ...]


def _token(name: str, *paths: str) -> Parameter:
    return Parameter(name, "token", paths or (name,))


def _reference(name: str, *paths: str) -> Parameter:
    return Parameter(name, "reference", paths or (name,))


def _date(name: str, *paths: str) -> Parameter:
    return Parameter(name, "date", paths or (name,))


COMMON = (_token("_id", "id"), _date("_lastUpdated", "meta.lastUpdated"))
_IDENTIFIER = _token("identifier")
_STATUS = _token("status")
_CODE = _token("code")
_CATEGORY = _token("category")
_SUBJECT = (_reference("patient", "subject"), _reference("subject"))
_PATIENT = (_reference("patient"),)

# `code` asks the medication's own code; a referenced or contained Medication is not followed, as in HAPI.
_DRUG_CODE = _token("code", "medicationCodeableConcept")
_DRUG_REFERENCE = _reference("medication", "medicationReference")

_OWN: dict[str, tuple[Parameter, ...]] = {
    "AllergyIntolerance": (*_PATIENT, _CODE, _CATEGORY, _token("clinical-status", "clinicalStatus")),
    "CarePlan": (*_SUBJECT, _STATUS, _CATEGORY, _token("intent"), _date("date", "period")),
    "CareTeam": (*_SUBJECT, _STATUS, _CATEGORY),
    "Communication": (*_SUBJECT, _STATUS, _CATEGORY, _date("sent")),
    "Condition": (
        *_SUBJECT, _CODE, _CATEGORY, _token("clinical-status", "clinicalStatus"),
        _date("recorded-date", "recordedDate"),
    ),
    "Coverage": (_reference("patient", "beneficiary"), _reference("beneficiary"), _STATUS),
    "Device": (*_PATIENT, _STATUS),
    "DiagnosticReport": (*_SUBJECT, _STATUS, _CODE, _CATEGORY),
    "DocumentReference": (*_SUBJECT, _STATUS, _CATEGORY),
    "Encounter": (*_SUBJECT, _STATUS, _token("class"), _date("date", "period")),
    "EpisodeOfCare": (*_PATIENT, _STATUS),
    "Goal": (*_SUBJECT, _token("lifecycle-status", "lifecycleStatus")),
    "Group": (_CODE,),
    "HealthcareService": (_token("active"),),
    "Immunization": (*_PATIENT, _STATUS),
    "Location": (_STATUS,),
    "Medication": (_STATUS, _CODE),
    "MedicationAdministration": (*_SUBJECT, _STATUS, _DRUG_CODE, _DRUG_REFERENCE),
    "MedicationDispense": (
        *_SUBJECT, _STATUS, _DRUG_CODE, _DRUG_REFERENCE, _date("whenhandedover", "whenHandedOver"),
        _reference("prescription", "authorizingPrescription"),
    ),
    "MedicationRequest": (
        *_SUBJECT, _STATUS, _token("intent"), _CATEGORY, _DRUG_CODE, _DRUG_REFERENCE,
        _date("authoredon", "authoredOn"), _reference("requester"),
    ),
    "MedicationStatement": (*_SUBJECT, _STATUS, _CATEGORY, _DRUG_CODE, _DRUG_REFERENCE),
    "Observation": (
        *_SUBJECT, _STATUS, _CODE, _CATEGORY,
        _date("date", "effectiveDateTime", "effectivePeriod", "effectiveInstant"),
    ),
    "Organization": (_token("active"),),
    "Patient": (
        _token("active"), _date("birthdate", "birthDate"),
        _reference("general-practitioner", "generalPractitioner"),
    ),
    "Practitioner": (_token("active"),),
    "PractitionerRole": (_token("active"), _reference("practitioner"), _reference("organization")),
    "Procedure": (
        *_SUBJECT, _STATUS, _CODE, _CATEGORY, _date("date", "performedDateTime", "performedPeriod"),
    ),
    "Provenance": (_reference("target"), _date("recorded")),
    "Questionnaire": (_STATUS,),
    "QuestionnaireResponse": (*_SUBJECT, _STATUS, _date("authored")),
    "RelatedPerson": (*_PATIENT, _token("active")),
    "ServiceRequest": (*_SUBJECT, _STATUS, _CODE, _CATEGORY, _token("intent")),
    "Task": (
        _reference("patient", "for"), _reference("subject", "for"), _STATUS, _CODE, _token("intent"),
        _token("priority"), _token("business-status", "businessStatus"), _reference("owner"),
        _reference("focus"), _date("authored-on", "authoredOn"), _date("modified", "lastModified"),
    ),
}  # fmt: skip
_WITHOUT_IDENTIFIER = {"Provenance"}

PARAMETERS: dict[str, dict[str, Parameter]] = {
    type_: {
        parameter.name: parameter
        for parameter in (*COMMON, *(() if type_ in _WITHOUT_IDENTIFIER else (_IDENTIFIER,)), *own)
    }
    for type_, own in sorted(_OWN.items())
}

INCLUDES: dict[str, tuple[str, str]] = {  # by type: the value of _include, the element that is followed
    "MedicationRequest": ("MedicationRequest:medication", "medicationReference"),
    "MedicationDispense": ("MedicationDispense:medication", "medicationReference"),
}


def values_at(resource: Resource, path: str) -> Iterator[object]:
    """Give each value at a dotted path, lists taken apart."""
    values: list[object] = [resource]
    for step in path.split("."):
        values = [value[step] for value in values if isinstance(value, dict) and value.get(step) is not None]
        values = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return iter(values)


def patient_of(resource: Resource) -> str | None:
    """Give the id of the patient that the parameter `patient` of this type finds, else None."""
    parameter = PARAMETERS.get(str(resource.get("resourceType")), {}).get("patient")
    if parameter is None:
        return None
    return next((id_ for id_ in map(patient_id, values_at(resource, parameter.paths[0])) if id_), None)


def patient_id(value: object) -> str | None:
    """Give p1 for a Reference to `Patient/p1`, also absolute or versioned; None for anything else."""
    reference = value.get("reference") if isinstance(value, dict) else None
    type_, id_ = type_and_id(reference) if isinstance(reference, str) else ("", "")
    return id_ if type_ == "Patient" else None


def type_and_id(reference: str) -> tuple[str, str]:
    """Give ("Patient", "p1") for `Patient/p1`, also absolute or with `/_history/2` behind, else ("", "")."""
    parts = reference.split("/_history/")[0].split("/")
    return (parts[-2], parts[-1]) if len(parts) >= 2 and parts[-2] and parts[-1] else ("", "")


def identifiers_of(resource: Resource) -> Iterator[tuple[str, str]]:
    """Give (system, value) of each identifier that has a value; the system is "" where none is stated."""
    for identifier in values_at(resource, "identifier"):
        if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
            system = identifier.get("system")
            yield system if isinstance(system, str) else "", identifier["value"]

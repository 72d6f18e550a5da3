"""Resources as bytes with holes: what most of a population is made of, filled in by `%`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
CATEGORY = "http://terminology.hl7.org/CodeSystem"
PROFILE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """The bytes of one resource with `%b` where its own values go, in the order of the holes."""

    kind: str
    holes: bytes

    def fill(self, *values: bytes) -> tuple[str, bytes]:
        return self.kind, self.holes % values


def template(resource: Json) -> Template:
    """`"%b"` stays a string with a hole; `"#%b"` is a number with a hole."""
    text = json.dumps(resource, separators=(",", ":"), ensure_ascii=False)
    text = text.replace("%", "%%").replace("%%b", "%b").replace('"#%b"', "%b")
    return Template(resource["resourceType"], text.encode() + b"\n")


def coded(system: str, code: str, display: str) -> Json:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def category(system: str, code: str) -> list[Json]:
    return [{"coding": [{"system": f"{CATEGORY}/{system}", "code": code}]}]


def resource(kind: str, profile: str, rest: Mapping[str, Any]) -> Json:
    """With its id and its last change as the first two holes."""
    meta = {"versionId": "1", "lastUpdated": "%bT06:30:00.000+00:00", "profile": [PROFILE + profile]}
    return {"resourceType": kind, "id": "%b", "meta": meta, **rest}


SUBJECT = {"reference": "Patient/%b"}
ENCOUNTER = {"reference": "Encounter/%b"}

PATIENT = template(
    resource(
        "Patient",
        "patient",
        {
            "text": {
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml">Invented person for measuring speed</div>',
            },
            "extension": [
                {
                    "url": PROFILE + name,
                    "extension": [
                        {
                            "url": "ombCategory",
                            "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": code},
                        },
                        {"url": "text", "valueString": "not stated"},
                    ],
                }
                for name, code in (("race", "2106-3"), ("ethnicity", "2186-5"))
            ],
            "identifier": [
                {
                    "use": "usual",
                    "type": coded(f"{CATEGORY}/v2-0203", "MR", "Medical Record Number"),
                    "system": "urn:bench:mrn",
                    "value": "%b",
                }
            ],
            "active": True,
            "name": [{"use": "official", "family": "%b", "given": ["%b"], "prefix": ["Mx."]}],
            "telecom": [{"system": "phone", "value": "555-0100", "use": "home"}],
            "gender": "%b",
            "birthDate": "%b",
            "address": [
                {"line": ["1 Example Street"], "city": "Exampleton", "state": "MA", "postalCode": "00000"}
            ],
            "maritalStatus": coded(f"{CATEGORY}/v3-MaritalStatus", "M", "Married"),
            "communication": [{"language": coded("urn:ietf:bcp:47", "en-US", "English (United States)")}],
            "generalPractitioner": [{"reference": "Practitioner/%b"}],
        },
    )
)

PRACTITIONER = template(
    resource(
        "Practitioner",
        "practitioner",
        {
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "99999%b"}],
            "active": True,
            "name": [{"family": "Example%b", "given": ["Prescriber"], "prefix": ["Dr."]}],
            "gender": "unknown",
        },
    )
)

ENCOUNTERS = tuple(
    template(
        resource(
            "Encounter",
            "encounter",
            {
                "identifier": [{"use": "official", "system": "urn:bench:visit", "value": "%b"}],
                "status": "finished",
                "class": {"system": f"{CATEGORY}/v3-ActCode", "code": klass},
                "type": [coded(SNOMED, code, display)],
                "subject": {**SUBJECT, "display": "Invented person"},
                "participant": [
                    {
                        "type": [coded(f"{CATEGORY}/v3-ParticipationType", "PPRF", "primary performer")],
                        "individual": {"reference": "Practitioner/%b", "display": "Dr. Example"},
                    }
                ],
                "period": {"start": "%bT09:00:00+00:00", "end": "%bT09:30:00+00:00"},
                "reasonCode": [coded(SNOMED, reason, why)],
                "serviceProvider": {"reference": "Organization/o1", "display": "Example practice"},
            },
        )
    )
    for klass, code, display, reason, why in (
        ("AMB", "162673000", "General examination of patient (procedure)", "38341003", "Hypertension"),
        ("AMB", "185345009", "Encounter for symptom", "36971009", "Sinusitis"),
        ("AMB", "390906007", "Follow-up encounter", "55822004", "Hyperlipidemia"),
        ("AMB", "185349003", "Encounter for check up (procedure)", "10509002", "Acute bronchitis"),
        ("EMER", "50849002", "Emergency room admission (procedure)", "22298006", "Chest pain"),
    )
)
"""Holes: id, last change, visit, patient, practitioner, start, end."""


def condition(system: str, code: str, display: str) -> Template:
    """Holes: id, last change, patient, encounter, onset, recorded."""
    status = {"coding": [{"system": f"{CATEGORY}/condition-clinical", "code": "active"}]}
    verified = {"coding": [{"system": f"{CATEGORY}/condition-ver-status", "code": "confirmed"}]}
    return template(
        resource(
            "Condition",
            "condition-encounter-diagnosis",
            {
                "clinicalStatus": status,
                "verificationStatus": verified,
                "category": category("condition-category", "encounter-diagnosis"),
                "code": coded(system, code, display),
                "subject": SUBJECT,
                "encounter": ENCOUNTER,
                "onsetDateTime": "%bT09:00:00+00:00",
                "recordedDate": "%bT09:20:00+00:00",
            },
        )
    )


CONDITIONS = tuple(
    condition(SNOMED, code, display)
    for code, display in (
        ("38341003", "Hypertensive disorder"),
        ("55822004", "Hyperlipidemia"),
        ("44054006", "Diabetes mellitus type 2"),
        ("36971009", "Sinusitis"),
        ("162864005", "Body mass index 30+ - obesity (finding)"),
        ("396275006", "Osteoarthritis"),
        ("195662009", "Acute viral pharyngitis"),
        ("235595009", "Gastroesophageal reflux disease"),
        ("40930008", "Hypothyroidism"),
        ("271737000", "Anemia"),
        ("73595000", "Stress (finding)"),
        ("160903007", "Full-time employment (finding)"),
    )
)


def _observation(code: Json, kind: str, value: Json) -> Template:
    return template(
        resource(
            "Observation",
            kind,
            {
                "status": "final",
                "category": category("observation-category", kind),
                "code": code,
                "subject": SUBJECT,
                "encounter": ENCOUNTER,
                "effectiveDateTime": "%bT09:10:00+00:00",
                "issued": "%bT09:10:00.000+00:00",
                **value,
            },
        )
    )


def _quantity(unit: str) -> Json:
    return {"value": "#%b", "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


OBSERVATIONS = tuple(
    _observation(coded(LOINC, code, display), kind, {"valueQuantity": _quantity(unit)})
    for code, display, kind, unit in (
        ("8302-2", "Body Height", "vital-signs", "cm"),
        ("29463-7", "Body Weight", "vital-signs", "kg"),
        ("39156-5", "Body mass index (BMI) [Ratio]", "vital-signs", "kg/m2"),
        ("8867-4", "Heart rate", "vital-signs", "/min"),
        ("9279-1", "Respiratory rate", "vital-signs", "/min"),
        ("2708-6", "Oxygen saturation in Arterial blood", "vital-signs", "%"),
        ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "laboratory", "%"),
        ("2339-0", "Glucose [Mass/volume] in Blood", "laboratory", "mg/dL"),
        ("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "laboratory", "mg/dL"),
        ("2571-8", "Triglycerides", "laboratory", "mg/dL"),
        ("33914-3", "Estimated Glomerular Filtration Rate", "laboratory", "mL/min"),
        ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "laboratory", "mmol/L"),
        ("718-7", "Hemoglobin [Mass/volume] in Blood", "laboratory", "g/dL"),
        ("72514-3", "Pain severity - 0-10 verbal numeric rating", "survey", "{score}"),
    )
)
"""Holes: id, last change, patient, encounter, effective, issued, value."""

BLOOD_PRESSURE = _observation(
    coded(LOINC, "85354-9", "Blood pressure panel with all children optional"),
    "vital-signs",
    {
        "component": [
            {"code": coded(LOINC, code, display), "valueQuantity": _quantity("mm[Hg]")}
            for code, display in (
                ("8480-6", "Systolic Blood Pressure"),
                ("8462-4", "Diastolic Blood Pressure"),
            )
        ]
    },
)
"""Holes as an Observation's, with two values."""


def procedure(code: str, display: str) -> Template:
    """Holes: id, last change, patient, encounter, start, end."""
    return template(
        resource(
            "Procedure",
            "procedure",
            {
                "status": "completed",
                "code": coded(SNOMED, code, display),
                "subject": SUBJECT,
                "encounter": ENCOUNTER,
                "performedPeriod": {"start": "%bT09:05:00+00:00", "end": "%bT09:25:00+00:00"},
                "location": {"display": "Example practice"},
            },
        )
    )


PROCEDURES = tuple(
    procedure(code, display)
    for code, display in (
        ("710824005", "Assessment of health and social care needs"),
        ("73761001", "Colonoscopy"),
        ("23426006", "Measurement of respiratory function"),
        ("171207006", "Depression screening"),
        ("274031008", "Rectal polypectomy"),
        ("430193006", "Medication reconciliation"),
    )
)

"""What fills every record whatever the person takes: visits, vitals, other drugs.  Nothing here is in scope."""

from bench import templates as t
from bench.templates import RXNORM, SUBJECT, Json, coded

ORDINARY = (
    ("314076", "lisinopril 10 MG Oral Tablet"),
    ("860975", "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet"),
    ("312961", "simvastatin 20 MG Oral Tablet"),
    ("310798", "hydrochlorothiazide 25 MG Oral Tablet"),
    ("197361", "amlodipine 5 MG Oral Tablet"),
    ("313782", "acetaminophen 325 MG Oral Tablet"),
    ("310965", "ibuprofen 200 MG Oral Tablet"),
    ("849574", "naproxen sodium 220 MG Oral Tablet"),
    ("308182", "amoxicillin 250 MG Oral Capsule"),
    ("866412", "24 HR metoprolol succinate 100 MG Extended Release Oral Tablet"),
    ("855332", "warfarin sodium 5 MG Oral Tablet"),
    ("309362", "clopidogrel 75 MG Oral Tablet"),
    ("312938", "sertraline 50 MG Oral Tablet"),
    ("198046", "levothyroxine sodium 0.05 MG Oral Tablet"),
    ("665078", "loratadine 5 MG Chewable Tablet"),
    ("198051", "omeprazole 20 MG Delayed Release Oral Capsule"),
)
RARE = (
    ("310431", "gabapentin 300 MG Oral Capsule"),
    ("835603", "tramadol hydrochloride 50 MG Oral Tablet"),
    ("857005", "acetaminophen 325 MG / hydrocodone bitartrate 7.5 MG Oral Tablet"),
)
"""Sedating drugs of people without a benzodiazepine: they must be looked up and then left alone."""
RARE_SHARE = 0.06

_SIG = "Take 1 tablet by mouth once daily with food"


def _order(code: str, name: str) -> t.Template:
    return t.template(
        t.resource(
            "MedicationRequest",
            "medicationrequest",
            {
                "identifier": [{"system": "urn:bench:order", "value": "%b"}],
                "status": "%b",
                "intent": "order",
                "category": t.category("medicationrequest-category", "community"),
                "medicationCodeableConcept": coded(RXNORM, code, name),
                "subject": {**SUBJECT, "display": "Invented person"},
                "encounter": t.ENCOUNTER,
                "authoredOn": "%bT09:15:00+00:00",
                "requester": {"reference": "Practitioner/%b", "display": "Dr. Example"},
                "dosageInstruction": [
                    {
                        "sequence": 1,
                        "text": _SIG,
                        "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                        "asNeededBoolean": False,
                        "doseAndRate": [
                            {
                                "type": coded(f"{t.CATEGORY}/dose-rate-type", "ordered", "Ordered"),
                                "doseQuantity": {"value": 1, "unit": "tablet"},
                            }
                        ],
                    }
                ],
                "dispenseRequest": {
                    "numberOfRepeatsAllowed": 3,
                    "quantity": {"value": 90, "unit": "tablet"},
                    "expectedSupplyDuration": {
                        "value": 90,
                        "unit": "days",
                        "system": "http://unitsofmeasure.org",
                        "code": "d",
                    },
                },
            },
        )
    )


def _fill(code: str, name: str) -> t.Template:
    rest: Json = {
        "status": "completed",
        "medicationCodeableConcept": coded(RXNORM, code, name),
        "subject": SUBJECT,
        "authorizingPrescription": [{"reference": "MedicationRequest/%b"}],
        "type": coded(f"{t.CATEGORY}/v3-ActCode", "FF", "First Fill"),
        "quantity": {"value": 90, "unit": "tablet"},
        "daysSupply": {"value": 90, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"},
        "whenHandedOver": "%bT15:00:00+00:00",
        "dosageInstruction": [{"text": _SIG}],
    }
    return t.template(t.resource("MedicationDispense", "medicationdispense", rest))


ORDERS = tuple(_order(*drug) for drug in ORDINARY)
"""Holes: id, last change, number, status, patient, encounter, authored, requester."""
FILLS = tuple(_fill(*drug) for drug in ORDINARY)
"""Holes: id, last change, patient, order, handed over."""
RARE_ORDERS = tuple(_order(*drug) for drug in RARE)

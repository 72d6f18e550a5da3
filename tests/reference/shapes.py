"""The JSON types of the elements that are read from an order or a fill (exposure.md, section 1, `malformed`).

A shape is a type, a list of one shape (an array), a dict of shapes (an object; names not listed are not read),
or a tuple of shapes (any of them: R4 and R5 differ).
"""

from typing import Any

TEXT, FLAG = "text", "flag"
NUMBER = "number"  # a number written as a string is no wrong type, only an unknown number

CODING = {"system": TEXT, "code": TEXT, "display": TEXT}
CONCEPT = {"coding": [CODING], "text": TEXT}
REFERENCE = {"reference": TEXT, "display": TEXT, "identifier": {"system": TEXT, "value": TEXT}}
QUANTITY = {"value": NUMBER, "unit": TEXT, "system": TEXT, "code": TEXT}
PERIOD = {"start": TEXT, "end": TEXT}
RATIO = {"numerator": QUANTITY, "denominator": QUANTITY}
CODEABLE_REFERENCE = {"concept": CONCEPT, "reference": REFERENCE}

DOSAGE = {
    "sequence": NUMBER,
    "text": TEXT,
    "asNeededBoolean": FLAG,
    "asNeededCodeableConcept": CONCEPT,
    "asNeeded": FLAG,
    "asNeededFor": [CONCEPT],
    "route": CONCEPT,
    "timing": {
        "code": CONCEPT,
        "repeat": {
            "boundsDuration": QUANTITY,
            "boundsRange": {"low": QUANTITY, "high": QUANTITY},
            "boundsPeriod": PERIOD,
            "count": NUMBER,
            "frequency": NUMBER,
            "frequencyMax": NUMBER,
            "period": NUMBER,
            "periodMax": NUMBER,
            "periodUnit": TEXT,
            "dayOfWeek": [TEXT],
            "timeOfDay": [TEXT],
            "when": [TEXT],
        },
    },
    "doseAndRate": [{"doseQuantity": QUANTITY, "doseRange": {"low": QUANTITY, "high": QUANTITY}}],
    "maxDosePerPeriod": (RATIO, [RATIO]),
}

MEDICATION = {
    "id": TEXT,
    "code": CONCEPT,
    "form": CONCEPT,
    "ingredient": [
        {
            "itemCodeableConcept": CONCEPT,
            "itemReference": REFERENCE,
            "item": CODEABLE_REFERENCE,
            "isActive": FLAG,
            "strength": RATIO,
            "strengthRatio": RATIO,
        }
    ],
}

_BOTH = {
    "id": TEXT,
    "status": TEXT,
    "subject": REFERENCE,
    "contained": [MEDICATION],
    "medicationCodeableConcept": CONCEPT,
    "medicationReference": REFERENCE,
    "medication": CODEABLE_REFERENCE,
    "dosageInstruction": [DOSAGE],
}

MEDICATION_REQUEST = {
    **_BOTH,
    "intent": TEXT,
    "category": [CONCEPT],
    "doNotPerform": FLAG,
    "reportedBoolean": FLAG,
    "reportedReference": REFERENCE,
    "reported": FLAG,
    "authoredOn": TEXT,
    "statusChanged": TEXT,
    "requester": REFERENCE,
    "priorPrescription": REFERENCE,
    "reasonCode": [CONCEPT],
    "reasonReference": [REFERENCE],
    "reason": [CODEABLE_REFERENCE],
    "dispenseRequest": {
        "validityPeriod": PERIOD,
        "numberOfRepeatsAllowed": NUMBER,
        "quantity": QUANTITY,
        "expectedSupplyDuration": QUANTITY,
    },
}

MEDICATION_DISPENSE = {
    **_BOTH,
    "category": (CONCEPT, [CONCEPT]),
    "authorizingPrescription": [REFERENCE],
    "quantity": QUANTITY,
    "daysSupply": QUANTITY,
    "whenPrepared": TEXT,
    "whenHandedOver": TEXT,
}

SHAPES = {"MedicationRequest": MEDICATION_REQUEST, "MedicationDispense": MEDICATION_DISPENSE}


def malformed(resource: dict[str, Any]) -> bool:
    return not fits(resource, SHAPES[resource["resourceType"]])


def fits(value: Any, shape: Any) -> bool:
    if value is None:
        return True
    if isinstance(shape, tuple):
        return any(fits(value, one) for one in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(fits(value.get(name), inner) for name, inner in shape.items())
    if shape == FLAG:
        return isinstance(value, bool)
    if shape == NUMBER:
        return isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool))
    return isinstance(value, str)

"""One shape for R4 and R5: what R5 spells otherwise is moved into its R4 place; contained drugs are found."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from service.record.datatypes import CodeableConcept, CodeableReference, ConceptOrReference, Ratio, Reference
from service.record.elements import (
    Encounter,
    Ingredient,
    Medication,
    MedicationDispense,
    MedicationRequest,
    Procedure,
    Resource,
    Task,
)

_ENCOUNTER_STATUS = {  # R5 status → the R4 one that means the same (R5 Encounter, "R4 conversion")
    "completed": "finished",
    "discharged": "finished",
    "on-hold": "onleave",
    "discontinued": "cancelled",
}


class MalformedError(ValueError):
    """A contained resource that we read has a wrong JSON type."""


class _Named(msgspec.Struct, gc=False):
    id: Any = None


class _Substance(msgspec.Struct, gc=False):
    code: CodeableConcept | None = None


_named = msgspec.json.Decoder(_Named)
_substance = msgspec.json.Decoder(_Substance)
_medication = msgspec.json.Decoder(Medication)


def in_r4_shape(resource: Resource) -> Resource:
    """The resource as R4 would say it.  Raises MalformedError for a contained drug that cannot be read."""
    move = _MOVES.get(type(resource))
    return resource if move is None else move(resource)


def _request(request: MedicationRequest) -> MedicationRequest:
    if request.contained is not None:
        found = _contained_medication(request)
        request = replace(request, contained=None, contained_medication=found)
    if request.medication is not None:
        request = replace(request, **_drug(request), medication=None)
    if request.reported is not None:
        request = replace(request, reported_boolean=request.reported, reported=None)
    if request.reason is not None:
        codes, references = _apart(request.reason)
        request = replace(
            request,
            reason_code=(*(request.reason_code or ()), *codes),
            reason_reference=(*(request.reason_reference or ()), *references),
            reason=None,
        )
    return request


def _dispense(dispense: MedicationDispense) -> MedicationDispense:
    if dispense.contained is not None:
        found = _contained_medication(dispense)
        dispense = replace(dispense, contained=None, contained_medication=found)
    if dispense.medication is not None:
        dispense = replace(dispense, **_drug(dispense), medication=None)
    return dispense


def _drug(resource: MedicationRequest | MedicationDispense) -> dict[str, Any]:
    newer = resource.medication or CodeableReference()
    return {
        "medication_codeable_concept": resource.medication_codeable_concept or newer.concept,
        "medication_reference": resource.medication_reference or newer.reference,
    }


def _contained_medication(resource: MedicationRequest | MedicationDispense) -> Medication | None:
    named = resource.medication_reference or (resource.medication and resource.medication.reference)
    reference = named.reference if named else None
    if not reference or not reference.startswith("#"):
        return None
    raw = _find_contained(resource.contained or (), reference)
    if raw is None:
        return None
    try:
        return replace(_medicine(_medication.decode(raw), resource.contained or ()), id=None, meta=None)
    except msgspec.DecodeError:
        raise MalformedError(reference) from None


def _find_contained(contained: Iterable[msgspec.Raw], reference: str) -> msgspec.Raw | None:
    for raw in contained:
        try:
            found = _named.decode(raw).id
        except msgspec.DecodeError:
            raise MalformedError("contained") from None
        if isinstance(found, str) and found.removeprefix("#") == reference[1:]:
            return raw
    return None


def _medicine(medicine: Medication, contained: Iterable[msgspec.Raw] | None = None) -> Medication:
    contained = (medicine.contained or ()) if contained is None else contained
    ingredients = medicine.ingredient and tuple(_ingredient(one, contained) for one in medicine.ingredient)
    return replace(
        medicine,
        ingredient=ingredients,
        form=medicine.form or medicine.dose_form,
        dose_form=None,
        contained=None,
    )


def _ingredient(ingredient: Ingredient, contained: Iterable[msgspec.Raw]) -> Ingredient:
    newer = ingredient.item or CodeableReference()
    concept = ingredient.item_codeable_concept or newer.concept
    reference = ingredient.item_reference or newer.reference
    if concept is None and reference and (reference.reference or "").startswith("#"):
        raw = _find_contained(contained, reference.reference or "")
        try:
            concept = _substance.decode(raw).code if raw is not None else None
        except msgspec.DecodeError:
            raise MalformedError("contained") from None
    strength = ingredient.strength or ingredient.strength_ratio
    if strength is None and ingredient.strength_quantity is not None:
        strength = Ratio(numerator=ingredient.strength_quantity)
    return Ingredient(concept, reference, ingredient.is_active, strength)


def _procedure(procedure: Procedure) -> Procedure:
    if procedure.occurrence_date_time is None and procedure.occurrence_period is None:
        return procedure
    return replace(
        procedure,
        performed_date_time=procedure.performed_date_time or procedure.occurrence_date_time,
        performed_period=procedure.performed_period or procedure.occurrence_period,
        occurrence_date_time=None,
        occurrence_period=None,
    )


def _encounter(encounter: Encounter) -> Encounter:
    if encounter.status in _ENCOUNTER_STATUS:
        encounter = replace(encounter, status=_ENCOUNTER_STATUS[encounter.status])
    if encounter.actual_period is None and encounter.admission is None and encounter.reason is None:
        return encounter
    codes, references = _apart(one for reason in encounter.reason or () for one in reason.value or ())
    return replace(
        encounter,
        period=encounter.period or encounter.actual_period,
        hospitalization=encounter.hospitalization or encounter.admission,
        reason_code=(*(encounter.reason_code or ()), *codes),
        reason_reference=(*(encounter.reason_reference or ()), *references),
        actual_period=None,
        admission=None,
        reason=None,
    )


def _task(task: Task) -> Task:
    why = task.status_reason
    if why is not None and why.concept is not None:
        task = replace(task, status_reason=ConceptOrReference(why.concept.coding, why.concept.text))
    if task.requested_performer is not None:
        wanted, _ = _apart(task.requested_performer)
        task = replace(task, performer_type=task.performer_type or wanted, requested_performer=None)
    if task.reason is not None:
        codes, _ = _apart(task.reason)
        first = codes[0] if codes else None
        task = replace(task, reason_code=task.reason_code or first, reason=None)
    return task


def _apart(
    found: Iterable[CodeableReference],
) -> tuple[tuple[CodeableConcept, ...], tuple[Reference, ...]]:
    """The concepts, and the references."""
    listed = tuple(found)
    return (
        tuple(one.concept for one in listed if one.concept is not None),
        tuple(one.reference for one in listed if one.reference is not None),
    )


_MOVES: dict[type[Resource], Callable[[Any], Resource]] = {
    MedicationRequest: _request,
    MedicationDispense: _dispense,
    Medication: _medicine,
    Procedure: _procedure,
    Encounter: _encounter,
    Task: _task,
}

"""The resources that we read, each with the elements that we read of it.

Elements of R5 that R4 spells otherwise are declared too, last; `read` moves them into their R4 place, so
that nobody else needs to know.
"""

import msgspec

from service.record.datatypes import (
    Annotation,
    CodeableConcept,
    CodeableReference,
    Coding,
    ConceptOrReference,
    Dosage,
    Element,
    HumanName,
    Identifier,
    Meta,
    Number,
    Period,
    Quantity,
    Ratio,
    Reference,
)


class Resource(Element, frozen=True, kw_only=True, tag_field="resourceType", tag=True):
    """Base of all resources.  In a PatientRecord every one has an id, if need be `#<file name>:<n>`."""

    id: str | None = None
    meta: Meta | None = None

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{type(self).__name__}/{self.id}"


class PatientLink(Element, frozen=True):
    other: Reference | None = None
    type: str | None = None


class Patient(Resource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] | None = None
    active: bool | None = None
    name: tuple[HumanName, ...] | None = None
    gender: str | None = None
    birth_date: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None
    link: tuple[PatientLink, ...] | None = None
    general_practitioner: tuple[Reference, ...] | None = None


class Ingredient(Element, frozen=True):
    item_codeable_concept: CodeableConcept | None = None
    item_reference: Reference | None = None
    is_active: bool | None = None
    strength: Ratio | None = None
    item: CodeableReference | None = None  # R5
    strength_ratio: Ratio | None = None  # R5
    strength_quantity: Quantity | None = None  # R5


class Medication(Resource, frozen=True, kw_only=True):
    code: CodeableConcept | None = None
    form: CodeableConcept | None = None
    ingredient: tuple[Ingredient, ...] | None = None
    contained: tuple[msgspec.Raw, ...] | None = None
    dose_form: CodeableConcept | None = None  # R5


class DispenseRequest(Element, frozen=True):
    validity_period: Period | None = None
    number_of_repeats_allowed: Number | None = None
    quantity: Quantity | None = None
    expected_supply_duration: Quantity | None = None


class MedicationRequest(Resource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] | None = None
    status: str | None = None
    intent: str | None = None
    category: tuple[CodeableConcept, ...] | None = None
    do_not_perform: bool | None = None
    reported_boolean: bool | None = None
    reported_reference: Reference | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Reference | None = None
    authored_on: str | None = None
    requester: Reference | None = None
    reason_code: tuple[CodeableConcept, ...] | None = None
    reason_reference: tuple[Reference, ...] | None = None
    dosage_instruction: tuple[Dosage, ...] | None = None
    dispense_request: DispenseRequest | None = None
    prior_prescription: Reference | None = None
    status_changed: str | None = None  # R5 only
    contained: tuple[msgspec.Raw, ...] | None = None
    contained_medication: Medication | None = None  # set by `read`: what medicationReference `#x` names
    medication: CodeableReference | None = None  # R5
    reported: bool | None = None  # R5
    reason: tuple[CodeableReference, ...] | None = None  # R5


class MedicationDispense(Resource, frozen=True, kw_only=True):
    status: str | None = None
    category: CodeableConcept | tuple[CodeableConcept, ...] | None = None  # R5: a list
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Reference | None = None
    authorizing_prescription: tuple[Reference, ...] | None = None
    quantity: Quantity | None = None
    days_supply: Quantity | None = None
    when_prepared: str | None = None
    when_handed_over: str | None = None
    dosage_instruction: tuple[Dosage, ...] | None = None
    status_changed: str | None = None  # R5 only
    contained: tuple[msgspec.Raw, ...] | None = None
    contained_medication: Medication | None = None  # set by `read`
    medication: CodeableReference | None = None  # R5

    @property
    def categories(self) -> tuple[CodeableConcept, ...]:
        found = self.category
        return found if isinstance(found, tuple) else () if found is None else (found,)


class Condition(Resource, frozen=True, kw_only=True):
    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    onset_date_time: str | None = None
    onset_period: Period | None = None
    abatement_date_time: str | None = None
    abatement_period: Period | None = None
    abatement_boolean: bool | None = None
    recorded_date: str | None = None


class Procedure(Resource, frozen=True, kw_only=True):
    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None
    occurrence_date_time: str | None = None  # R5
    occurrence_period: Period | None = None  # R5


class Observation(Resource, frozen=True, kw_only=True):
    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_instant: str | None = None
    effective_period: Period | None = None
    value_date_time: str | None = None


class Hospitalization(Element, frozen=True):
    discharge_disposition: CodeableConcept | None = None


class EncounterReason(Element, frozen=True):
    """R5."""

    value: tuple[CodeableReference, ...] | None = None


class EncounterClass(Element, frozen=True):
    """A Coding in R4; one of a list of CodeableConcepts in R5."""

    system: str | None = None
    code: str | None = None
    coding: tuple[Coding, ...] | None = None


class Encounter(Resource, frozen=True, kw_only=True):
    status: str | None = None
    klass: EncounterClass | tuple[EncounterClass, ...] | None = msgspec.field(default=None, name="class")
    type: tuple[CodeableConcept, ...] | None = None
    subject: Reference | None = None
    period: Period | None = None
    reason_code: tuple[CodeableConcept, ...] | None = None
    reason_reference: tuple[Reference, ...] | None = None
    hospitalization: Hospitalization | None = None
    actual_period: Period | None = None  # R5
    admission: Hospitalization | None = None  # R5
    reason: tuple[EncounterReason, ...] | None = None  # R5

    @property
    def class_codes(self) -> tuple[str, ...]:
        """All codes of the class, in their order."""
        found = self.klass
        classes = found if isinstance(found, tuple) else () if found is None else (found,)
        codes = (code for one in classes for code in (one.code, *(each.code for each in one.coding or ())))
        return tuple(code for code in codes if code)


class QuestionnaireResponse(Resource, frozen=True, kw_only=True):
    questionnaire: str | None = None
    status: str | None = None
    subject: Reference | None = None
    authored: str | None = None
    author: Reference | None = None


class CarePlan(Resource, frozen=True, kw_only=True):
    status: str | None = None
    intent: str | None = None
    category: tuple[CodeableConcept, ...] | None = None
    subject: Reference | None = None
    period: Period | None = None
    created: str | None = None


class TaskRestriction(Element, frozen=True):
    period: Period | None = None


class TaskParameter(Element, frozen=True):
    """An input or an output of a Task."""

    type: CodeableConcept | None = None
    value_string: str | None = None
    value_code: str | None = None
    value_date: str | None = None
    value_date_time: str | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_coding: Coding | None = None
    value_reference: Reference | None = None


class Task(Resource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] | None = None
    status: str | None = None
    status_reason: ConceptOrReference | None = None
    business_status: CodeableConcept | None = None
    intent: str | None = None
    priority: str | None = None
    code: CodeableConcept | None = None
    description: str | None = None
    focus: Reference | None = None
    for_: Reference | None = msgspec.field(default=None, name="for")
    execution_period: Period | None = None
    authored_on: str | None = None
    last_modified: str | None = None
    requester: Reference | None = None
    performer_type: tuple[CodeableConcept, ...] | None = None
    owner: Reference | None = None
    reason_code: CodeableConcept | None = None
    note: tuple[Annotation, ...] | None = None
    restriction: TaskRestriction | None = None
    input: tuple[TaskParameter, ...] | None = None
    output: tuple[TaskParameter, ...] | None = None
    requested_performer: tuple[CodeableReference, ...] | None = None  # R5
    reason: tuple[CodeableReference, ...] | None = None  # R5


class Practitioner(Resource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] | None = None
    active: bool | None = None
    name: tuple[HumanName, ...] | None = None


class PractitionerRole(Resource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] | None = None
    active: bool | None = None
    practitioner: Reference | None = None
    organization: Reference | None = None


Drugged = MedicationRequest | MedicationDispense
"""The resources that say which drug a patient was given."""

RESOURCES: tuple[type[Resource], ...] = (
    Patient,
    Medication,
    MedicationRequest,
    MedicationDispense,
    Condition,
    Procedure,
    Observation,
    Encounter,
    QuestionnaireResponse,
    CarePlan,
    Task,
    Practitioner,
    PractitionerRole,
)

KINDS: dict[str, type[Resource]] = {kind.__name__: kind for kind in RESOURCES}
"""Resource type → what we read of it.  Every other type is none of our business."""

WITH_SUBJECT = frozenset(kind.__name__ for kind in RESOURCES if "subject" in kind.__struct_fields__)
"""The types that belong to the patient in `subject` (a Task to the one in `for`)."""

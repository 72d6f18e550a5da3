"""Which patients an order or a fill makes worth looking at: the first pass over a whole population."""

from dataclasses import dataclass, field

from service.knowledge import Knowledge
from service.normalise.medication import Medicines
from service.normalise.order import is_known_status
from service.record.datatypes import CodeableConcept
from service.record.elements import Medication, MedicationDispense, MedicationRequest
from service.record.read import Reading, Unreadable
from service.record.references import local_reference, patient_reference

_MOST_KEPT = 50_000  # different concepts that matter to nobody


@dataclass(slots=True)
class Concern:
    """Collects, from all orders, fills and Medications in any order, whose records matter.

    A patient is concerned when an order or a fill is about a drug in scope, when it cannot be told what it
    is about, or when it is unreadable.  Memory follows the number of patients and Medications named.
    """

    knowledge: Knowledge
    _medicines: Medicines = field(init=False)
    _patients: set[str] = field(init=False, default_factory=set)
    _of_no_concern: set[CodeableConcept | None] = field(init=False, default_factory=set)
    _waiting: dict[str, set[str]] = field(init=False, default_factory=dict)  # Medication → patients
    _in_scope: set[str] = field(init=False, default_factory=set)  # Medications
    _other: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._medicines = Medicines(self.knowledge)

    def add(self, reading: Reading) -> None:
        """Take in one order, fill or Medication; others are dropped."""
        body, patient = reading.body, reading.patient
        if isinstance(body, Medication):
            medicine = self._medicines.identify(None, body, None)
            (self._in_scope if medicine.could_be_in_scope else self._other).add(body.reference)
        elif patient is None:
            return
        elif isinstance(body, Unreadable):
            self._patients.add(patient)
        elif isinstance(body, MedicationRequest | MedicationDispense):
            self._add_drugged(body, patient)

    def add_plain(self, body: MedicationRequest | MedicationDispense) -> None:
        """Take in an order or a fill of R4 with nothing contained, as it was decoded."""
        concept = body.medication_codeable_concept
        if concept in self._of_no_concern and body.medication_reference is None and is_known_status(body):
            return  # the usual case, and the only one that has to be fast
        subject = body.subject
        patient = patient_reference(subject.reference) if subject is not None else None
        if patient is not None:
            self._add_drugged(body, patient)

    def _add_drugged(self, body: MedicationRequest | MedicationDispense, patient: str) -> None:
        named = body.medication_reference
        reference = local_reference(named.reference) if named and not body.contained_medication else None
        if reference is not None:
            self._waiting.setdefault(reference, set()).add(patient)
        if patient in self._patients:
            return
        display = named.display if named else None
        medicine = self._medicines.identify(
            body.medication_codeable_concept, body.contained_medication, display
        )
        unknown = not medicine.stated and reference is None
        plain = body.medication_reference is None and medicine.stated and not medicine.could_be_in_scope
        if plain and len(self._of_no_concern) < _MOST_KEPT:
            self._of_no_concern.add(body.medication_codeable_concept)
        if unknown or (medicine.stated and medicine.could_be_in_scope) or not is_known_status(body):
            self._patients.add(patient)

    def patients(self) -> set[str]:
        """`Patient/id` of all patients concerned."""
        for reference, waiting in self._waiting.items():
            if reference in self._in_scope or reference not in self._other:
                self._patients |= waiting
        return self._patients

    def medications(self) -> set[str]:
        """References of the Medications that these patients' orders and fills name."""
        patients = self.patients()
        return {reference for reference, waiting in self._waiting.items() if waiting & patients}

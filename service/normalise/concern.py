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
MOST_WAITING = 50_000  # (Medication, patient) pairs, some 10 MB


@dataclass(slots=True)
class Concerned:
    """Who is concerned, as far as some of the input says; `merge` joins what its parts say, in any order."""

    patients: set[str] = field(default_factory=set)
    in_scope: set[str] = field(default_factory=set)  # Medications, by reference
    other: set[str] = field(default_factory=set)
    waiting: dict[str, set[str]] = field(default_factory=dict)  # Medication → patients who were given it
    pairs: int = 0  # in `waiting`
    overflowed: bool = False  # too many were waiting: to be asked again, with the Medications known

    def merge(self, more: "Concerned") -> None:
        self.patients |= more.patients
        self.in_scope |= more.in_scope
        self.other |= more.other
        self.overflowed |= more.overflowed
        for medication, patients in more.waiting.items():
            for patient in patients:
                self.wait(medication, patient)

    def wait(self, medication: str, patient: str) -> None:
        """Whether the patient is concerned hangs on a Medication."""
        if self.overflowed:
            return
        waiting = self.waiting.setdefault(medication, set())
        if patient not in waiting:
            waiting.add(patient)
            self.pairs += 1
        if self.pairs > MOST_WAITING:
            self.waiting, self.pairs, self.overflowed = {}, 0, True

    def could_be_in_scope(self, medication: str) -> bool:
        """Of a Medication, once all are known: one that is not in the input could be anything."""
        return medication in self.in_scope or medication not in self.other

    def settle(self) -> None:
        """Decide about all who wait, once all Medications are known."""
        for medication, waiting in self.waiting.items():
            if self.could_be_in_scope(medication):
                self.patients |= waiting

    def medications(self) -> set[str] | None:
        """Those that the orders and fills of the patients concerned name; None: more than could be kept."""
        if self.overflowed:
            return None
        return {medication for medication, waiting in self.waiting.items() if waiting & self.patients}


@dataclass(slots=True)
class Concern:
    """Collects, from orders, fills and Medications in any order, whose records matter.

    A patient is concerned when an order or a fill is about a drug in scope, when it cannot be told what it
    is about, or when it is unreadable.  Memory follows the number of patients concerned and of Medications.
    `known`: all Medications, where they are known already.
    """

    knowledge: Knowledge
    known: Concerned | None = None
    found: Concerned = field(init=False, default_factory=Concerned)
    _medicines: Medicines = field(init=False)
    _of_no_concern: set[CodeableConcept | None] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._medicines = Medicines(self.knowledge)

    def add(self, reading: Reading) -> None:
        """Take in one order, fill or Medication; others are dropped."""
        body, patient = reading.body, reading.patient
        if isinstance(body, Medication):
            medicine = self._medicines.identify(None, body, None)
            found = self.found
            (found.in_scope if medicine.could_be_in_scope else found.other).add(body.reference)
        elif patient is None:
            return
        elif isinstance(body, Unreadable):
            self.found.patients.add(patient)
            if body.medication is not None:
                self._add_by_reference(body.medication, patient)
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
            self._add_by_reference(reference, patient)
        if patient in self.found.patients:
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
            self.found.patients.add(patient)

    def _add_by_reference(self, medication: str, patient: str) -> None:
        if self.known is None:
            self.found.wait(medication, patient)
        elif self.known.could_be_in_scope(medication):
            self.found.patients.add(patient)

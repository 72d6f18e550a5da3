"""PatientRecord → Facts: the whole of one patient."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from service.knowledge import Knowledge, Policy, load_policy
from service.model.facts import Facts, Fill, Order, SetAside
from service.normalise.conditions import Meaning, condition_fact, meaning_of
from service.normalise.dosage import Dosages
from service.normalise.evidence import (
    delivery_fact,
    encounter_fact,
    plan_fact,
    procedure_fact,
    review_of_observation,
    review_of_procedure,
    review_of_response,
)
from service.normalise.medication import Medicines
from service.normalise.order import Aside, Classifier
from service.normalise.outcomes import outcomes_of
from service.normalise.requester import Requesters
from service.normalise.sig import SigReader
from service.normalise.units import Calendar
from service.record.datatypes import Reference
from service.record.dates import last_day, read_date
from service.record.elements import Condition, MedicationRequest, Observation, Procedure
from service.record.group import PatientRecord
from service.record.read import Unreadable
from service.record.references import local_reference

A = TypeVar("A")
B = TypeVar("B")

_DRUGGED = frozenset({"MedicationRequest", "MedicationDispense"})
_kept: list["Normaliser"] = []  # the last one: its caches live as long as the same knowledge is used


def facts_of(record: PatientRecord, knowledge: Knowledge, policy: Policy | None = None) -> Facts:
    """What the record states, for all days.  `policy` says how long a month and a year are."""
    if not (_kept and _kept[0].fits(knowledge, policy)):
        _kept[:] = [Normaliser(knowledge, policy)]
    return _kept[0].facts(record)


class Normaliser:
    """Turns records into facts; what repeats from patient to patient is worked out once."""

    def __init__(self, knowledge: Knowledge, policy: Policy | None = None) -> None:
        numbers = policy or load_policy("us")
        self.medicines = Medicines(knowledge)
        self._knowledge = knowledge
        self._policy = policy
        calendar = Calendar(numbers.days("unit.month"), numbers.days("unit.year"))
        self.read_sig = SigReader(knowledge.drugs, calendar.month_days)
        self._dosages = Dosages(calendar, self.read_sig)

    def fits(self, knowledge: Knowledge, policy: Policy | None) -> bool:
        return self._knowledge is knowledge and self._policy is policy

    def facts(self, record: PatientRecord) -> Facts:
        """What the record states, for all days."""
        zone, known = record.traits.timezone, self._knowledge
        orders, fills, asides = self._classified(record)
        patient = record.patient
        born = read_date(patient.birth_date, zone) if patient and patient.birth_date else None
        died = last_day(patient.deceased_date_time, zone) if patient else None
        dead = patient is not None and bool(patient.deceased_boolean or patient.deceased_date_time)
        meanings = _Meanings(record, known)
        return Facts(
            patient=record.reference,
            born=born.first if born else None,
            deceased=died,
            deceased_undated=dead and died is None,
            active=patient is None or patient.active is not False,
            orders=orders,
            fills=fills,
            conditions=_all(record.conditions, lambda one: condition_fact(one, known.conditions, zone)),
            encounters=_all(record.encounters, lambda one: encounter_fact(one, known, zone, meanings)),
            procedures=_all(record.procedures, lambda one: procedure_fact(one, known, zone)),
            reviews=(
                *_all(record.procedures, lambda one: review_of_procedure(one, known, zone)),
                *_all(record.observations, lambda one: review_of_observation(one, known, zone)),
                *_all(record.responses, lambda one: review_of_response(one, zone)),
            ),
            plans=_all(record.plans, lambda one: plan_fact(one, zone)),
            deliveries=_all(record.observations, lambda one: delivery_fact(one, zone)),
            outcomes=outcomes_of(record),
            unreadable=_by_reference(
                (
                    *(aside.stated for aside in asides if aside.unreadable),
                    *(self._unreadable(record, one) for one in record.unreadable),
                )
            ),
            ignored=_by_reference(
                aside.stated for aside in asides if not aside.unreadable and not aside.is_of_another_role
            ),
            reads=record.reads,
            flags=frozenset({"date_imprecise"} if born and born.imprecise else ()),
        )

    def _classified(self, record: PatientRecord) -> tuple[tuple[Order, ...], tuple[Fill, ...], list[Aside]]:
        classifier = Classifier(
            medicines=self.medicines,
            medications=record.medications,
            requesters=Requesters(record.practitioners, record.roles),
            traits=record.traits,
            dosages=self._dosages,
        )
        meanings = _Meanings(record, self._knowledge)
        orders = [classifier.order(one, meanings.reasons(one)) for one in record.orders]
        fills = [classifier.fill(one) for one in record.fills]
        return (
            tuple(one for one in orders if isinstance(one, Order)),
            tuple(one for one in fills if isinstance(one, Fill)),
            [one for one in (*orders, *fills) if isinstance(one, Aside)],
        )

    def _unreadable(self, record: PatientRecord, found: Unreadable) -> SetAside:
        if found.kind not in _DRUGGED:
            return SetAside(found.reference, found.reason, in_scope=False)
        medication = record.medications.get(found.medication or "")
        if medication is not None and not (found.codings or found.texts):
            medicine = self.medicines.identify(None, medication, None)
            return SetAside(found.reference, found.reason, medicine.could_be_in_scope)
        in_scope = self.medicines.could_be_in_scope(found.codings, found.texts)
        return SetAside(found.reference, found.reason, in_scope)


class _Meanings:
    """What the coded resources of a record stand for, by reference; worked out when asked."""

    def __init__(self, record: PatientRecord, knowledge: Knowledge) -> None:
        self._record = record
        self._conditions = knowledge.conditions
        self._codes: dict[str, Meaning] | None = None

    def __call__(self, reference: Reference) -> Meaning | None:
        if self._codes is None:
            record = self._record
            coded: tuple[Condition | Procedure | Observation, ...] = (
                *record.conditions,
                *record.procedures,
                *record.observations,
            )
            self._codes = {one.reference: meaning_of((one.code,), self._conditions) for one in coded}
        return self._codes.get(local_reference(reference.reference) or "")

    def reasons(self, request: MedicationRequest) -> frozenset[str]:
        """The concepts of the reasons of an order."""
        if not request.reason_code and not request.reason_reference:
            return frozenset()
        found = meaning_of(request.reason_code or (), self._conditions).concepts
        for one in request.reason_reference or ():
            meaning = self(one)
            found |= meaning.concepts if meaning else frozenset()
        return found


def _all(resources: Iterable[A], fact_of: Callable[[A], B | None]) -> tuple[B, ...]:
    return tuple(fact for one in resources if (fact := fact_of(one)) is not None)


def _by_reference(asides: Iterable[SetAside]) -> tuple[SetAside, ...]:
    return tuple(sorted(asides, key=lambda one: (one.reference, one.reason)))

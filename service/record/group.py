"""Resources → one PatientRecord per patient: the one value between reading and thinking."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from service.model.facts import Outcome, Read
from service.record.elements import (
    WITH_SUBJECT,
    CarePlan,
    Condition,
    Encounter,
    Medication,
    MedicationDispense,
    MedicationRequest,
    Observation,
    Patient,
    Practitioner,
    PractitionerRole,
    Procedure,
    QuestionnaireResponse,
    Resource,
    Task,
)
from service.record.own_tasks import OwnTask, own_task
from service.record.read import Reading, Unreadable
from service.record.references import local_reference

SHARED = frozenset({"Medication", "Practitioner", "PractitionerRole"})
"""The types that are no patient's own."""

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class Traits:
    """What one must know of a source to understand its records."""

    timezone: str | None = None  # None: the calendar date as written
    last_updated_is_stop: bool = True  # meta.lastUpdated of a stopped order may be its stop date
    item_system: str = "urn:reviewdue:item"  # of the identifier of our own Tasks


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """All that we read of one patient, each resource once, in order of reference.

    `medications`, `practitioners` and `roles` are those that the patient's orders and fills name (a role
    also when it is one of a practitioner named).
    """

    reference: str  # "Patient/p"
    patient: Patient | None = None
    orders: tuple[MedicationRequest, ...] = ()
    fills: tuple[MedicationDispense, ...] = ()
    conditions: tuple[Condition, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    observations: tuple[Observation, ...] = ()
    encounters: tuple[Encounter, ...] = ()
    responses: tuple[QuestionnaireResponse, ...] = ()
    plans: tuple[CarePlan, ...] = ()
    tasks: tuple[Task, ...] = ()  # our own only
    outcomes: tuple[Outcome, ...] = ()  # what the ledger knows
    practitioners: tuple[Practitioner, ...] = ()
    roles: tuple[PractitionerRole, ...] = ()
    medications: Mapping[str, Medication] = field(default_factory=dict)  # by reference
    unreadable: tuple[Unreadable, ...] = ()
    reads: Mapping[str, Read] = field(default_factory=dict)  # by resource type
    traits: Traits = Traits()

    @property
    def patient_id(self) -> str:
        """The bare id."""
        return self.reference.removeprefix("Patient/")

    def own_tasks(self) -> tuple[OwnTask, ...]:
        """Our own Tasks as the EHR shows them."""
        found = (own_task(one, self.traits.item_system, self.traits.timezone) for one in self.tasks)
        return tuple(one for one in found if one is not None)

    def task_outcomes(self) -> tuple[Outcome, ...]:
        """What people decided by ending our Tasks."""
        return tuple(one.outcome for one in self.own_tasks() if one.outcome is not None)

    def display(self) -> dict[str, str]:
        """Name (the official one first) and birth date as written: what people know the patient by."""
        names = sorted(self.patient.name or (), key=lambda one: one.use != "official") if self.patient else []
        shown = (one.text or " ".join((*(one.given or ()), *filter(None, (one.family,)))) for one in names)
        name = next(filter(None, shown), None)
        born = self.patient.birth_date if self.patient else None
        return {key: value for key, value in (("name", name), ("birth_date", born)) if value}

    def general_practitioner(self) -> str | None:
        """The first one named by a reference that can own a Task."""
        named = (one.reference for one in (self.patient.general_practitioner or () if self.patient else ()))
        return next((found for found in map(local_reference, named) if found and found[0] != "#"), None)

    def is_active_practitioner(self, reference: str) -> bool:
        """Whether the Practitioner or PractitionerRole was read and is not said to be inactive."""
        people: tuple[Practitioner | PractitionerRole, ...] = (*self.practitioners, *self.roles)
        return any(one.reference == reference and one.active is not False for one in people)


class Gathered:
    """Readings as they come in, in any order; then the record of each patient.

    A resource that came twice counts once (exposure.md §0): the copy with the greatest
    `meta.lastUpdated`, then the one with the greatest canonical JSON.
    """

    def __init__(self, traits: Traits = Traits(), directory: "Directory | None" = None) -> None:
        self.traits = traits
        self._directory = directory  # of what is no patient's own; None: what is taken in here
        self._copies: dict[str, Reading] = {}
        self._patients: dict[str, None] = {}  # in order of first appearance

    def add(self, reading: Reading) -> None:
        """Take one resource in; types that we do not read are dropped."""
        if reading.body is None:
            return
        if reading.patient is not None:
            self._patients.setdefault(reading.patient)
        known = self._copies.get(reading.reference)
        if known is None or _beats(reading, known):
            self._copies[reading.reference] = reading

    def see(self, patient: str) -> None:
        """Give the patient a record, be it an empty one."""
        self._patients.setdefault(patient)

    def owners(self) -> dict[str, str | None]:
        """Reference → whose the copy is that counts."""
        return {reference: reading.patient for reference, reading in self._copies.items()}

    def directory(self) -> "Directory":
        """What is no patient's own of all that was taken in."""
        return Directory(
            {
                reading.reference: reading.body
                for reading in self._copies.values()
                if reading.kind in SHARED and isinstance(reading.body, Resource)
            }
        )

    def astray(self) -> Iterator[tuple[str, str]]:
        """(reference, reason) of what no assessment shows: it names no patient, or is no patient's own."""
        for reading in self._copies.values():
            if reading.patient is not None:
                continue
            if isinstance(reading.body, Unreadable):
                yield reading.reference, reading.body.reason
            elif reading.kind in WITH_SUBJECT and not reading.has_subject:
                yield reading.reference, "no-subject"

    def records(
        self,
        *,
        patients: Iterable[str] = (),
        reads: Mapping[str, Mapping[str, Read]] | None = None,
        outcomes: Mapping[str, Sequence[Outcome]] | None = None,
    ) -> Iterator[PatientRecord]:
        """The record of each patient, in order of first appearance.

        `patients` get one even when nothing was read; `reads` and `outcomes` are by `Patient/id`.
        """
        parts: dict[str, list[Reading]] = {one: [] for one in (*self._patients, *patients)}
        for reading in self._copies.values():
            if reading.patient is not None and reading.kind not in SHARED:
                parts[reading.patient].append(reading)
        directory = self._directory or self.directory()
        for patient, readings in parts.items():
            yield _record(
                patient,
                readings,
                directory,
                self.traits,
                (reads or {}).get(patient, {}),
                tuple((outcomes or {}).get(patient, ())),
            )


def group(
    readings: Iterable[Reading],
    *,
    traits: Traits = Traits(),
    patients: Iterable[str] = (),
    reads: Mapping[str, Mapping[str, Read]] | None = None,
    outcomes: Mapping[str, Sequence[Outcome]] | None = None,
) -> Iterator[PatientRecord]:
    """`Gathered` in one call."""
    gathered = Gathered(traits)
    for reading in readings:
        gathered.add(reading)
    return gathered.records(patients=patients, reads=reads, outcomes=outcomes)


# -- which copy counts ---------------------------------------------------------------------------


def _beats(new: Reading, known: Reading) -> bool:
    mine, theirs = _updated(new), _updated(known)
    if mine != theirs:
        return mine > theirs
    return new.raw != known.raw and canonical(new.raw) > canonical(known.raw)


def _updated(reading: Reading) -> tuple[datetime | int, ...]:
    """When the copy was made, comparable; an undated one is less than any other."""
    if isinstance(reading.body, Resource):
        text: Any = reading.body.meta.last_updated if reading.body.meta else None
    else:
        meta = json.loads(reading.raw).get("meta")
        text = meta.get("lastUpdated") if isinstance(meta, dict) else None
    found = _INSTANT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return ()
    try:
        second = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    except ValueError:
        return ()
    return second, int((found[2] or ".0")[1:].ljust(9, "0")[:9])


def canonical(raw: bytes) -> str:
    """The JSON with sorted keys and no spaces."""
    return json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# -- one patient ---------------------------------------------------------------------------------


class Directory:
    """What is no patient's own: drugs and people."""

    def __init__(self, shared: Mapping[str, Resource]) -> None:
        self.shared = shared
        self._roles: dict[str, list[PractitionerRole]] = {}
        for one in shared.values():
            if isinstance(one, PractitionerRole) and one.practitioner is not None:
                who = local_reference(one.practitioner.reference)
                if who is not None:
                    self._roles.setdefault(who, []).append(one)

    def medications(
        self, drugged: Iterable[MedicationRequest | MedicationDispense], unreadable: Iterable[Unreadable]
    ) -> dict[str, Medication]:
        named = {one.medication for one in unreadable}
        for one in drugged:
            if one.medication_reference is not None:
                named.add(local_reference(one.medication_reference.reference))
        found = ((reference, self.shared.get(reference)) for reference in named if reference is not None)
        return {reference: one for reference, one in found if isinstance(one, Medication)}

    def requesters(
        self, orders: Iterable[MedicationRequest]
    ) -> tuple[tuple[Practitioner, ...], tuple[PractitionerRole, ...]]:
        people: dict[str, Practitioner] = {}
        roles: dict[str, PractitionerRole] = {}
        for order in orders:
            reference = local_reference(order.requester.reference) if order.requester else None
            found = self.shared.get(reference or "")
            if isinstance(found, PractitionerRole):
                roles[found.reference] = found
                reference = local_reference(found.practitioner.reference) if found.practitioner else None
                found = self.shared.get(reference or "")
            if isinstance(found, Practitioner):
                people[found.reference] = found
            roles.update({role.reference: role for role in self._roles.get(reference or "", ())})
        return _ordered(people.values()), _ordered(roles.values())


def _record(
    patient: str,
    readings: Iterable[Reading],
    directory: Directory,
    traits: Traits,
    reads: Mapping[str, Read],
    outcomes: tuple[Outcome, ...],
) -> PatientRecord:
    found: dict[type[Resource], list[Any]] = {}
    unreadable: list[Unreadable] = []
    for reading in readings:
        if isinstance(reading.body, Unreadable):
            unreadable.append(reading.body)
        elif reading.body is not None:
            found.setdefault(type(reading.body), []).append(reading.body)

    def of(kind: type[R]) -> tuple[R, ...]:
        return _ordered(found.get(kind, ()))

    orders, fills = of(MedicationRequest), of(MedicationDispense)
    people, roles = directory.requesters(orders)
    return PatientRecord(
        reference=patient,
        patient=next(iter(of(Patient)), None),
        orders=orders,
        fills=fills,
        conditions=of(Condition),
        procedures=of(Procedure),
        observations=of(Observation),
        encounters=of(Encounter),
        responses=of(QuestionnaireResponse),
        plans=of(CarePlan),
        tasks=tuple(task for task in of(Task) if own_task(task, traits.item_system, traits.timezone)),
        outcomes=outcomes,
        practitioners=people,
        roles=roles,
        medications=directory.medications((*orders, *fills), unreadable),
        unreadable=tuple(sorted(unreadable, key=lambda one: one.reference)),
        reads=reads,
        traits=traits,
    )


def _ordered(resources: Iterable[R]) -> tuple[R, ...]:
    return tuple(sorted(resources, key=lambda one: one.id or ""))

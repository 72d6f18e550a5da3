"""A sweep over a hostile EHR, and small builders of what the EHR holds."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from service.fhir.client import FhirClient
from service.knowledge import knowledge
from service.model.facts import Read
from service.ports import Noticed, ReadFailure, SourceState
from service.record.group import PatientRecord
from service.sources.settings import SweepSettings
from service.sources.sweep import Sweep
from tests.ehr.hostile import Habits
from tests.ehr.running import Ehr, running_ehr
from tests.fhir.serving import a_client

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
DIAZEPAM = {"coding": [{"system": RXNORM, "code": "3322"}]}
METFORMIN = {"coding": [{"system": RXNORM, "code": "6809"}], "text": "metformin 500 mg tablet"}


def a_patient(id_: str = "p1", **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_} | elements


def an_order(id_: str = "o1", patient: str = "p1", **elements: Any) -> dict[str, Any]:
    """An active order of diazepam without length; an element that is None is left out."""
    order = {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": "2026-01-02",
        "medicationCodeableConcept": DIAZEPAM,
    } | elements
    return {name: value for name, value in order.items() if value is not None}


def a_fill(id_: str = "f1", patient: str = "p1", **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationDispense",
        "id": id_,
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
        "whenHandedOver": "2026-01-02",
        "medicationCodeableConcept": DIAZEPAM,
    } | elements


def a_condition(id_: str = "c1", patient: str = "p1", **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": id_, "subject": {"reference": f"Patient/{patient}"}} | elements


def a_task(
    id_: str = "t1", patient: str = "p1", key: str | None = "rabc-1", **elements: Any
) -> dict[str, Any]:
    """A Task of ours, unless `key` is None."""
    task = {
        "resourceType": "Task",
        "id": id_,
        "status": "requested",
        "intent": "proposal",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "182836005"}]},
        "for": {"reference": f"Patient/{patient}"},
    } | elements
    return task | ({"identifier": [{"system": "urn:reviewdue:item", "value": key}]} if key else {})


def a_population(count: int) -> list[dict[str, Any]]:
    """`count` patients p0, p1 …, each with one order in scope."""
    people = [a_patient(f"p{number}") for number in range(count)]
    return people + [an_order(f"o{number}", f"p{number}") for number in range(count)]


@dataclass
class Swept:
    """A sweep and the EHR that it reads; it remembers watermarks as the ledger would."""

    ehr: Ehr
    client: FhirClient
    sweep: Sweep
    state: SourceState = field(default_factory=lambda: SourceState("main"))

    @property
    def now(self) -> datetime:
        found: datetime = self.ehr.clock.now
        return found

    def discover(self, *, full: bool = False) -> tuple[list[Noticed], list[ReadFailure]]:
        """One discover to its end; watermarks are kept."""
        noticed: list[Noticed] = []
        failures: list[ReadFailure] = []
        for found in self.sweep.discover(self.state, full=full, now=self.now):
            if isinstance(found, ReadFailure):
                failures.append(found)
                continue
            noticed.append(found)
            if found.watermark is not None:
                cursors = {**self.state.cursors, found.kind: found.watermark}
                self.state = replace(self.state, cursors=cursors)
        if full and not failures:
            self.state = replace(self.state, last_full_sweep_at=self.now)
        return noticed, failures

    def gather(self, *patients: str, once_complete: Iterable[str] = ()) -> list[PatientRecord]:
        return self.sweep.gather(patients, {}, frozenset(once_complete))

    def requests(self) -> list[str]:
        """`METHOD path` of every request so far, entries of a batch left out."""
        return [f"{each.method} {each.path}" for each in self.ehr.interactions.exchanges if not each.in_batch]


@contextmanager
def swept(
    resources: Iterable[Mapping[str, Any]] = (),
    *,
    settings: Mapping[str, Any] | None = None,
    habits: Habits | None = None,
    **limits: Any,
) -> Iterator[Swept]:
    """A sweep over an EHR that holds `resources`; `limits` are those of reading and of the egress."""
    with (
        running_ehr(resources, page_size=200, habits=habits) as ehr,
        a_client(ehr.base, **limits) as client,
    ):
        used = SweepSettings("main", **(settings or {}))
        yield Swept(ehr, client, Sweep(client, knowledge(), used))


def named(noticed: Iterable[Noticed], kind: str | None = None) -> set[str]:
    """Everybody whom the pages name."""
    return {patient for each in noticed if kind in (None, each.kind) for patient in each.patients}


def cohort(noticed: Iterable[Noticed]) -> set[str]:
    return {patient for each in noticed for patient, _ in each.cohort}


def watermarks(noticed: Iterable[Noticed]) -> dict[str, datetime]:
    return {each.kind: each.watermark for each in noticed if each.watermark is not None}


def states(record: PatientRecord) -> dict[str, str]:
    return {kind: read.state for kind, read in record.reads.items()}


def whys(record: PatientRecord) -> dict[str, str | None]:
    """Why, of each type that is not complete."""
    return {kind: read.why for kind, read in record.reads.items() if read != Read("complete")}

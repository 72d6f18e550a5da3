"""A whole small world for tests of the cycle: a hostile EHR over HTTP, a ledger on disk, a clock that is moved."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from service.bootstrap import House, SystemClock, new_holder
from service.config import load
from service.cycle import run_cycle
from service.cycle.parts import Parts
from service.model.item import Item, Projection
from service.ports import CycleReport
from service.store import open_ledger
from tests.ehr.hostile import Habits
from tests.ehr.running import Ehr, SteppedClock, running_ehr

START = datetime(2026, 6, 1, 9, tzinfo=UTC)
TODAY = START.date()
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
DIAZEPAM_5 = "197591"
LEDGER = "ledger.url"
"""A file in a world's folder that says where its ledger is, if it is not a SQLite file there."""

Resource = dict[str, Any]


class MovedClock:
    """The EHR's stepped clock as ours; a sleep passes its time at once."""

    def __init__(self, ehr: Ehr) -> None:
        self._ehr = ehr
        self._system = SystemClock()

    def now(self) -> datetime:
        moment: datetime = self._ehr.clock()
        return moment

    def monotonic(self) -> float:
        return self._system.monotonic()

    def sleep(self, seconds: float) -> None:
        self._ehr.clock.pass_time(seconds=seconds)


@dataclass
class World:
    """The EHR, our parts, and one-word acts."""

    ehr: Ehr
    parts: Parts
    folder: Path
    holder: str = field(default_factory=new_holder)

    def cycle(self, **options: Any) -> CycleReport:
        """One cycle as this process."""
        return run_cycle(self.parts, self.holder, **options)

    def pass_time(self, **parts: float) -> None:
        self.ehr.clock.pass_time(**parts)

    def tasks(self) -> list[Resource]:
        """All Tasks in the EHR."""
        return self.ehr.all("Task")

    def live_tasks(self) -> dict[str, list[Resource]]:
        """Live Tasks by patient id."""
        found: dict[str, list[Resource]] = {}
        for task in self.tasks():
            if task["status"] in ("requested", "received", "accepted", "ready", "in-progress", "on-hold"):
                found.setdefault(task["for"]["reference"].rpartition("/")[2], []).append(task)
        return found

    def items(self) -> list[Item]:
        with self.parts.ledger.read() as tx:
            return tx.items("main")

    def item(self, patient: str) -> Item:
        """The newest item of a patient."""
        with self.parts.ledger.read() as tx:
            return tx.items_of("main", patient)[-1]

    def projection(self, patient: str) -> Projection:
        with self.parts.ledger.read() as tx:
            found = tx.projection("main", tx.items_of("main", patient)[-1].key)
        assert found is not None
        return found

    def reasons(self) -> set[str]:
        """What is in quarantine."""
        with self.parts.ledger.read() as tx:
            return {row.reason for row in tx.quarantine("main")}

    def release(self, *, on: bool = True) -> None:
        from dataclasses import replace

        with self.parts.ledger.write(None) as tx:
            state = tx.source_state("main")
            tx.save_source_state(replace(state, released_at=self.ehr.clock() if on else None))


def ledger_url(folder: Path) -> str:
    named = folder / LEDGER
    return named.read_text() if named.exists() else f"sqlite:///{folder / 'ledger.db'}"


@contextmanager
def world(
    folder: Path,
    resources: Iterable[Mapping[str, Any]] = (),
    *,
    released: bool = True,
    habits: Habits | None = None,
    **settings: Any,
) -> Iterator[World]:
    """A world at START; released and with wide budgets unless said otherwise."""
    values = {
        "write": "allowed",
        "rate_per_second": 1000,
        "deadline_seconds": 5,
        "lease_seconds": 30,
        "new_per_owner_per_day": 1000,
        "new_per_source_per_day": 1000,
        **settings,
    }
    with running_ehr(resources, clock=SteppedClock(START), habits=habits) as ehr:
        overrides = {f"source.main.{key}": value for key, value in values.items()}
        overrides["source.main.base_url"] = ehr.base
        overrides["database.url"] = ledger_url(folder)
        overrides["instance.secret_file"] = str(folder / "secret")
        loaded = load(environment={}, overrides=overrides)
        open_ledger(loaded.settings.database.url).close()
        with House(loaded.settings) as house:
            [source] = house.source_settings()
            with house.parts(source, MovedClock(ehr)) as parts:
                made = World(ehr, parts, folder)
                if released:
                    made.release()
                yield made


# -- people ------------------------------------------------------------------------------------


def days_ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def a_patient(id_: str = "p1", **elements: Any) -> Resource:
    return {
        "resourceType": "Patient",
        "id": id_,
        "birthDate": "1971-02-03",
        "identifier": [{"system": "urn:test:mrn", "value": f"mrn-{id_}"}],
        **elements,
    }


def an_order(
    patient: str = "p1", name: str = "a", *, ago: int = 100, days: int = 200, **elements: Any
) -> Resource:
    """Diazepam 10 mg a day, stated for `days` days, authored `ago` days before START."""
    return {
        "resourceType": "MedicationRequest",
        "id": f"{patient}-{name}",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": days_ago(ago),
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": DIAZEPAM_5}]},
        "dosageInstruction": [
            {
                "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
            }
        ],
        "dispenseRequest": {"expectedSupplyDuration": {"value": days, "unit": "days"}},
        **elements,
    }


def a_review(patient: str = "p1", *, on: date | None = None) -> Resource:
    """A medication review that was done."""
    return {
        "resourceType": "Procedure",
        "id": f"{patient}-review",
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": SNOMED, "code": "182836005"}]},
        "performedDateTime": (on or TODAY).isoformat(),
    }


def people(count: int, **order: Any) -> list[Resource]:
    """People whose periodic review is due."""
    ids = [f"p{n}" for n in range(1, count + 1)]
    return [resource for id_ in ids for resource in (a_patient(id_), an_order(id_, **order))]

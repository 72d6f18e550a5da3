"""Years of clinic days from one plan: patients, clinicians, operators, weather and deaths around the real service."""

import hashlib
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path

import stamina

from service.cycle.by_hand import compare_now
from service.cycle.operators import retry, set_release
from service.cycle.run import LeaseHeldError
from service.fhir.errors import FhirError
from service.ports import CycleReport, LedgerError
from service.sandbox.store import Snapshot
from tests.simulation.clinicians import Clinicians, key_of, own_tasks
from tests.simulation.clock import START, VirtualClock
from tests.simulation.death import Crash, Doom, Fate
from tests.simulation.in_turn import everything_in_turn
from tests.simulation.invariants import Broken, Invariants
from tests.simulation.ledger import new_database, new_folder
from tests.simulation.patients import Patients, patient_id
from tests.simulation.plan import CLINICAL, DAY, MERGES, PERSONS, Event, Plan
from tests.simulation.process import LEASE_SECONDS, Process
from tests.simulation.server import KINDS, always, simulated_ehr
from tests.simulation.weather import brew

_REST_HOURS = (0, 0.07, 7, 24, 24.07, 31, 48, 48.07, 72, 72.07)
_MORE_RESTS = 4
_BACKUPS = 5
_CLINICAL = {*CLINICAL, *MERGES, "renew"}


@dataclass
class Tally:
    """What happened in a run, or in several added up."""

    days: int = 0
    cycles: int = 0
    requests: int = 0
    struck: int = 0  # requests that met a fault, on days of bad weather
    in_bad_weather: int = 0  # requests on such days
    by_persons: int = 0  # acts on Tasks
    to_patients: int = 0
    races: int = 0
    crashes: int = 0
    commits_failed: int = 0
    restores: int = 0
    freezes: int = 0
    created: int = 0
    closed: int = 0
    rests: int = 0
    excuses: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, one.name, mine + theirs)

    def __str__(self) -> str:
        years = self.days / 365
        share = self.struck / max(1, self.in_bad_weather)
        return (
            f"{years:.2f} clinic-years, {self.cycles} cycles, {self.requests} requests; in bad weather "
            f"{share:.1%} of {self.in_bad_weather} struck; {self.by_persons} acts on Tasks "
            f"({self.by_persons / max(1, self.days / 7):.1f} a week), {self.to_patients} acts on patients, "
            f"{self.races} races, {self.crashes} deaths, {self.commits_failed} failed commits, "
            f"{self.restores} restores, {self.freezes} freezes; {self.created} Tasks made, {self.closed} ended by us; "
            f"{self.rests} times at rest, there excused: {dict(self.excuses)}"
        )


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the plan's first broken invariant, None when all held; `minute` is when."""

    tally: Tally
    broken: str | None
    minute: int
    digest: str  # of all writes: equal for equal runs


def run(plan: Plan, tell: Callable[[str], None] | None = None) -> Outcome:
    """Let a plan happen."""
    with _simulation(plan) as simulation:
        simulation.tell = tell or (lambda _: None)
        minute = 0
        broken = None
        try:
            for event in plan.events:
                minute = event.minute
                if tell:
                    tell(f"{simulation.clock.now():%m-%d %H:%M} {event.what} {event.who} {event.salt}")
                simulation.happen(event)
        except Broken as problem:
            broken = str(problem)
        simulation.tally.days = 1 + minute // DAY
        simulation.tally.excuses = simulation.invariants.excuses
        return Outcome(simulation.tally, broken, minute, simulation.digest())


@contextmanager
def _simulation(plan: Plan) -> Iterator["Simulation"]:
    folder = new_folder()
    try:
        with stamina.set_testing(True, attempts=3, cap=True), everything_in_turn():
            simulation = Simulation(plan, folder)
            try:
                yield simulation
            finally:
                simulation.process.close()
    finally:
        shutil.rmtree(folder)


class Simulation:
    """The world of one run."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.clock = VirtualClock()
        self.kind = KINDS[plan.kind]
        self.ehr = simulated_ehr(self.clock, self.kind)
        self.patients = Patients(self.ehr)
        self.patients.populate(plan.people, random.Random(plan.people))
        self.clinicians = Clinicians(self.ehr)
        self.invariants = Invariants(self.ehr, self.clinicians)
        self.tally = Tally()
        new_database(folder)
        self.process = Process(folder, self.ehr, self.kind, self.clock)
        self._release(on=True)
        self._backups: list[Snapshot] = []
        self._restored = False  # since things were at rest
        self._full = False  # the next cycle looks at everybody
        self._weather_on: int | None = None  # the day it is meant for
        self._doom: Doom | None = None
        self._racing: Event | None = None
        self.tell: Callable[[str], None] = lambda _: None
        self._by_people: set[int] = set()  # journal lines
        always(self.ehr, self.kind)

    def digest(self) -> str:
        lines = [
            f"{each.action} {each.type}/{each.id} {each.version} {each.at}" for each in self.ehr.store.journal
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def happen(self, event: Event) -> None:
        self.clock.reach(START + timedelta(minutes=event.minute))
        self._clear_yesterday(event.minute // DAY)
        chance = random.Random(event.salt)
        if event.what in _CLINICAL:
            self._to_patient(event, chance)
        elif event.what in PERSONS:
            self._by_person(event.what, chance)
        else:
            getattr(self, "_" + event.what.replace("-", "_"))(event, chance)

    # -- people ------------------------------------------------------------------------------------

    def _to_patient(self, event: Event, chance: random.Random) -> None:
        before = len(self.ehr.store.journal)
        done = self.patients.act(event.what, patient_id(event.who), chance)
        self.tally.to_patients += done
        for write in self.ehr.store.journal[before:]:
            resource = self.ehr.store.get(write.type, write.id) or {}
            reference = resource.get("subject", {}).get("reference") or f"{write.type}/{write.id}"
            self.invariants.touched[reference.removeprefix("Patient/")] = self.clock.now()

    def _by_person(self, what: str, chance: random.Random) -> None:
        before = set(self.clinicians.deleted)
        self.tally.by_persons += self.clinicians.act(what, chance)
        with self.process.ledger.inner.read() as tx:
            for key in self.clinicians.deleted.keys() - before:
                row = tx.projection("main", key)
                if row is None or row.seen is None:  # the reply that told its id was lost: nobody can miss it
                    self.invariants.vanished.add(key)

    # -- the EHR -----------------------------------------------------------------------------------

    def _weather(self, event: Event, _chance: random.Random) -> None:
        self._weather_on = event.minute // DAY
        brew(self.ehr, event.salt)

    def _clear_yesterday(self, day: int) -> None:
        if self._weather_on is not None and self._weather_on != day:
            self._calm()

    def _calm(self) -> None:
        self._weather_on = None
        self.ehr.faults.clear()
        always(self.ehr, self.kind)

    def _backup(self, _event: Event, _chance: random.Random) -> None:
        self._backups = [*self._backups, self.ehr.store.snapshot()][-_BACKUPS:]

    def _restore(self, _event: Event, chance: random.Random) -> None:
        if not self._backups:
            return
        before = {key_of(task) for task in own_tasks(self.ehr)}
        self.ehr.store.restore(chance.choice(self._backups))
        self.invariants.vanished |= before - {key_of(task) for task in own_tasks(self.ehr)}
        for person in self.ehr.all("Patient"):
            self.invariants.touched[person["id"]] = self.clock.now()
        self.tally.restores += 1
        self._restored = True

    # -- the service -------------------------------------------------------------------------------

    def _crash(self, _event: Event, chance: random.Random) -> None:
        step = chance.choice(("commit", "request"))
        fates = tuple(Fate) if step == "commit" else (Fate.BEFORE, Fate.AFTER)
        self._doom = Doom(step, int(chance.paretovariate(0.7)), chance.choice(fates))

    def _race(self, event: Event, _chance: random.Random) -> None:
        self._racing = event

    def _restart(self, _event: Event, _chance: random.Random) -> None:
        self.process.start()

    def _cycle(self, _event: Event, _chance: random.Random) -> CycleReport | None:
        life = self.process.life
        life.meet(self._doom)
        struck = life.struck
        self._doom = None
        journal = self.ehr.store.journal
        before = len(journal)
        self._by_people.clear()
        self._watch_requests()
        report = None
        try:
            report = self._worked()
        except Crash:
            self.tally.crashes += 1
            self.process.start()
        except LedgerError as problem:
            if life.struck == struck:
                raise Broken(f"the ledger refused: {problem}") from problem
            self.tally.commits_failed += 1
        except FhirError as problem:
            raise Broken(f"the cycle raised {type(problem).__name__}: {problem}") from problem
        finally:
            life.meet(None)
            self._count()
        if self.process.log.warnings:
            raised = [each for each in self.process.log.warnings if each.startswith("assessment failed")]
            self.process.log.warnings.clear()
            if raised:
                raise Broken(raised[0])
        self.tally.cycles += 1
        if report is not None:
            self.tally.created += report.created
            self.tally.closed += report.closed
        writes = [each for n, each in enumerate(journal[before:], before) if n not in self._by_people]
        self._tell_writes(before)
        self.invariants.after_cycle(self.process.parts, self.process.ledger.inner, writes)
        return report

    def _tell_writes(self, before: int) -> None:
        for n, write in enumerate(self.ehr.store.journal[before:], before):
            resource = self.ehr.store.get(write.type, write.id) or {}
            who = "a person" if n in self._by_people else "the service"
            self.tell(
                f"    {who}: {write.action} {write.type}/{write.id} {write.identifiers} {resource.get('status')}"
            )

    def _worked(self) -> CycleReport:
        try:
            return self.process.cycle(full=self._full)
        except LeaseHeldError:  # of the life before this one
            self.clock.sleep(LEASE_SECONDS + 1)
            return self.process.cycle(full=self._full)

    def _watch_requests(self) -> None:
        """A person acts while the cycle is at work, if one is meant to."""
        event, self._racing = self._racing, None
        if event is None:
            return
        chance = random.Random(event.salt)
        left = [chance.randint(1, 60)]

        def before_request() -> None:
            left[0] -= 1
            if left[0] == 0:
                start = len(self.ehr.store.journal)
                self._by_person(chance.choice(PERSONS), chance)
                self._by_people.update(range(start, len(self.ehr.store.journal)))
                self.tally.races += 1

        self.process.transport.before_request = before_request

    def _count(self) -> None:
        self.process.transport.before_request = lambda: None
        exchanges = self.ehr.interactions.exchanges
        self.tally.requests += len(exchanges)
        if self._weather_on is not None:
            lasting = {"ignored-if-none-exist", "no-last-updated"}
            self.tally.in_bad_weather += len(exchanges)
            met = [fault for each in exchanges for fault in each.faults if fault not in lasting]
            self.tally.struck += sum(1 for each in exchanges if set(each.faults) - lasting)
            self.tally.faults.update(met)
        exchanges.clear()

    # -- operators ---------------------------------------------------------------------------------

    def _release(self, *_: object, on: bool = True) -> None:
        ledger = self.process.ledger.inner
        set_release(ledger, "main", on=on, now=self.clock.now(), actor="operator")

    def _shadow(self, *_: object) -> None:
        self._release(on=False)

    def _retry(self, *_: object) -> None:
        retry(self.process.ledger.inner, "main", now=self.clock.now(), actor="operator")

    def _accept_gone(self, *_: object) -> None:
        ledger = self.process.ledger.inner
        with ledger.read() as tx:
            frozen = tx.source_state("main").frozen_since is not None
        if not frozen:
            return
        self.clock.sleep(LEASE_SECONDS + 1)
        try:
            compare_now(
                self.process.parts,
                self.process.holder,
                actor="operator",
                accept_gone=True,
                stopping=lambda: False,
            )
            self.tally.freezes += 1
        except FhirError:
            return  # the operator tries again another day

    # -- rest --------------------------------------------------------------------------------------

    def _rest(self, event: Event, chance: random.Random) -> None:
        """Days without faults and acts; then everything must be as it should be."""
        self._calm()
        self._doom = self._racing = None
        self._release(on=True)
        started = self.clock.now()
        for hours in _REST_HOURS:
            self.clock.reach(started + timedelta(hours=hours))
            self._accept_gone()
            if hours == _REST_HOURS[2]:
                self._retry()
            untold = self._restored or not self.kind.knows_last_updated  # of what happened, by any feed
            self._full = untold and hours == _REST_HOURS[3]
            report = self._cycle(event, chance)
        for _ in range(_MORE_RESTS):
            if (
                report is not None
                and report.complete
                and not (report.created + report.updated + report.closed)
            ):
                break
            self.clock.sleep(240)
            report = self._cycle(event, chance)
        else:
            raise Broken(f"no rest: {report}")
        self.invariants.at_rest(self.process.parts, self.process.ledger.inner)
        self._restored = False
        self.tally.rests += 1

"""The story: found, shown, written once, answered, not asked again, asked again for a reason."""

from datetime import date, timedelta
from typing import Any

from service import wording
from service.assess import assess
from service.cycle.operators import set_release
from service.cycle.parts import Parts
from service.cycle.run import run_cycle
from service.demo.clock import DemoClock
from service.demo.ehr import Ehr
from service.demo.screen import Person, Screen
from service.exposure import build_exposure
from service.model.assessment import Assessment
from service.model.days import day_of
from service.model.item import Item, Projection
from service.normalise import facts_of
from service.ports import CycleReport
from service.record.group import PatientRecord

ADA = "hapi-periodic-overdue"
RHEA = "hapi-reviewed-recently"
_RENEWALS = (20, 48, 76)  # days after the review on which Ada's next 28 days are ordered
_NINETY = 90


class Story:
    """One telling; each step shows what it did."""

    def __init__(self, parts: Parts, ehr: Ehr, clock: DemoClock, screen: Screen, holder: str) -> None:
        self._parts = parts
        self._ehr = ehr
        self._clock = clock
        self._screen = screen
        self._holder = holder
        self._cycles = 0

    def tell(self) -> None:
        self._find()
        ada = self._show_ada()
        self._release_and_show_task(ada)
        self._lose_a_reply()
        self._ninety_days()
        self._end()

    # -- (a) -------------------------------------------------------------------------------------

    def _find(self) -> None:
        self._screen.chapter("a", "The population")
        report = self._cycle()
        records = self._parts.source.gather(self._ehr.patients(), {}, frozenset())
        self._screen.population(len(records), [self._assess(record) for record in records])
        self._screen.say(
            "A new source starts in shadow: ",
            (f"{report.held} reviews found and held, {report.created} written.", "bold"),
        )

    # -- (b), (c) --------------------------------------------------------------------------------

    def _show_ada(self) -> Person:
        self._screen.chapter("b", "One person")
        ada = self._person(ADA)
        self._screen.person(ada, self._today)
        return ada

    def _release_and_show_task(self, person: Person) -> None:
        self._screen.chapter("c", "Released: the Task as it stands in the EHR")
        self._release()
        report = self._cycle()
        self._screen.say(
            "reviewdue release on → ", (f"{report.created} Tasks created", "bold"),
            f", {report.held} held for the coming days (release budget).",
        )  # fmt: skip
        self._show_task(person.assessment.patient)

    def _show_task(self, patient: str) -> None:
        reference = self._task_of(patient)
        self._screen.task(f"{self._ehr.base}/{reference}", self._ehr.clinician.see(reference))

    # -- (d) -------------------------------------------------------------------------------------

    def _lose_a_reply(self) -> None:
        self._screen.chapter("d", "A reply lost on purpose")
        rhea = self._person(RHEA)
        order = self._ehr.clinician.see(f"MedicationRequest/{RHEA}-rx1")
        self._ehr.clinician.put({**order, "status": "stopped"})
        self._screen.say(f"{rhea.name}: the order is stopped today, from one day to the next.")
        self._ehr.lose_next_task_reply()
        report = self._cycle()
        item, projection = self._delivery(RHEA)
        self._screen.say(
            "The Task was sent and stored; the connection broke before the answer came → ",
            (f"{projection.state.value}", "bold yellow"),
            f" ({report.created} confirmed, {report.unknown} unknown). Nothing is sent again.",
        )
        self._clock.forward(minutes=5)
        self._cycle()
        _, projection = self._delivery(RHEA)
        found = self._ehr.clinician.tasks_with(self._parts.settings.item_system, item.key)
        self._screen.say(
            "Five minutes later it is looked for by its key, found → ",
            (projection.state.value, "bold green"),
            ". In the EHR: ",
            (f"still {_many(len(found), 'Task')} with this key.", "bold"),
        )
        self._screen.say(("why   ", "dim"), self._reasons(RHEA))

    # -- (e) -------------------------------------------------------------------------------------

    def _ninety_days(self) -> None:
        self._screen.chapter("e", "Ninety days in seconds")
        name = self._person(ADA).name
        until = self._today + timedelta(days=120)
        self._complete_review(until)
        self._screen.say(
            f"{wording.day(self._today)}  {name} is reviewed; the clinician completes the Task: ",
            (f"continue until {wording.day(until)}", "bold"), ".",
        )  # fmt: skip
        writes = _writes(self._cycle())
        self._say_item(ADA, 0)
        passed = 0
        for days in _RENEWALS:
            self._forward(days - passed)
            passed = days
            self._renew()
            writes += _writes(self._cycle())
            self._say_item(ADA, days)
        self._forward(_NINETY - passed)
        self._add_opioid()
        writes += _writes(self._cycle())
        self._screen.say(
            f"{wording.day(self._today)}  day {_NINETY}: oxycodone is added → ",
            ("asked again", "bold red"), ".",
        )  # fmt: skip
        self._screen.say(("why   ", "dim"), self._reasons(ADA))
        self._screen.say(("task  ", "dim"), f"{self._ehr.base}/{self._task_of(f'Patient/{ADA}')}")
        self._screen.say((f"Over the ninety days {writes} writes kept the Tasks of all people true.", "dim"))

    def _complete_review(self, until: date) -> None:
        task = self._ehr.clinician.see(self._task_of(f"Patient/{ADA}"))
        now = self._clock.now().isoformat(timespec="seconds")
        outcome = {"coding": [{"system": "urn:reviewdue:outcome", "code": "continue"}]}
        task |= {"status": "completed", "lastModified": now, "executionPeriod": {"end": now}}
        task["output"] = [
            _output("outcome", valueCodeableConcept=outcome),
            _output("until", valueDate=until.isoformat()),
            _output("reason", valueString="Benefit outweighs risk; taper offered"),
        ]
        self._ehr.clinician.put(task)

    def _renew(self) -> None:
        order = self._ehr.clinician.see(f"MedicationRequest/{ADA}-rx1")
        self._ehr.clinician.put(self._new_order(order, f"{ADA}-renewal-{self._today:%Y%m%d}"))

    def _add_opioid(self) -> None:
        order = self._ehr.clinician.see("MedicationRequest/hapi-opioid-new-opioid1")
        self._ehr.clinician.put(self._new_order(order, f"{ADA}-opioid"))

    def _new_order(self, like: dict[str, Any], id_: str) -> dict[str, Any]:
        """The same prescription for Ada, written today."""
        today = self._clock.now().isoformat(timespec="seconds")
        return {
            **like, "id": id_, "status": "active", "subject": {"reference": f"Patient/{ADA}"}, "authoredOn": today
        }  # fmt: skip

    def _say_item(self, patient: str, days: int) -> None:
        open_items = [item for item in self._items(patient) if item.live]
        when = "the same day" if not days else f"day {days}, renewed"
        asked = "asked" if open_items else "not asked"
        self._screen.say(f"{wording.day(self._today)}  {when}: ", (asked, "bold green"), ".")

    # -- (f) -------------------------------------------------------------------------------------

    def _end(self) -> None:
        self._screen.chapter("f", "And once more, with nothing new")
        before = self._parts.client.requests
        report = self._cycle()
        self._screen.say(
            f"{before + report.requests} requests of the service to the EHR in {self._cycles} cycles, "
            f"{report.requests} of them in this last one."
        )
        self._screen.last_line(f"second cycle: {report.created} created, {report.updated} updated")

    # -- parts -----------------------------------------------------------------------------------

    @property
    def _today(self) -> date:
        return self._parts.day(self._clock.now())

    def _cycle(self) -> CycleReport:
        self._cycles += 1
        return run_cycle(self._parts, self._holder)

    def _forward(self, days: int) -> None:
        self._clock.forward(days=days)

    def _release(self) -> None:
        now = self._clock.now()
        set_release(self._parts.ledger, self._parts.id, on=True, now=now, actor="demo")

    def _record(self, patient: str) -> PatientRecord:
        (record,) = self._parts.source.gather([patient], {}, frozenset())
        return record

    def _assess(self, record: PatientRecord) -> Assessment:
        return assess(record, self._parts.policy, self._parts.knowledge, self._today)

    def _person(self, patient: str) -> Person:
        record = self._record(patient)
        policy, knowledge = self._parts.policy, self._parts.knowledge
        facts = facts_of(record, knowledge, policy)
        exposure = build_exposure(facts, policy, knowledge, day_of(self._today))
        return Person(record.display()["name"], self._assess(record), exposure)

    def _items(self, patient: str) -> list[Item]:
        with self._parts.ledger.read() as tx:
            return tx.items_of(self._parts.id, patient)

    def _delivery(self, patient: str) -> tuple[Item, Projection]:
        item = self._items(patient)[-1]
        with self._parts.ledger.read() as tx:
            projection = tx.projection(self._parts.id, item.key)
        if projection is None:
            raise RuntimeError(f"{item.key} was not released")
        return item, projection

    def _task_of(self, patient: str) -> str:
        _, projection = self._delivery(patient.removeprefix("Patient/"))
        if projection.seen is None:
            raise RuntimeError(f"no Task of {projection.key} is confirmed")
        return projection.seen.reference

    def _reasons(self, patient: str) -> str:
        found = self._person(patient).assessment.findings
        return "; ".join(f"{one.priority.word}: {wording.reason(one)}" for one in found)


def _writes(report: CycleReport) -> int:
    return report.created + report.updated + report.closed


def _output(code: str, **value: Any) -> dict[str, Any]:
    return {"type": {"coding": [{"system": "urn:reviewdue:output", "code": code}]}, **value}


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"

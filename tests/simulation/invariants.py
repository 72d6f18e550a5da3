"""What must hold (failure-model.md I1–I6, I8): some of it after each cycle, all of it once things have come to rest."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from service.cycle.parts import Parts
from service.model.assessment import Assessment
from service.model.item import Item, ItemState
from service.ports import Ledger
from service.reconcile import LIVE, NOT_OURS_TO_END, WITHDRAWN_REST, newest
from service.sandbox.store import Write
from tests.ehr.running import Ehr
from tests.simulation.clinicians import (
    Clinicians,
    Json,
    ended_by_a_person,
    ended_by_us,
    key_of,
    own_tasks,
    patient_of,
)
from tests.simulation.truth import truth

_FRESH = timedelta(
    minutes=20
)  # facts younger than `stale_minutes` may be missed by a write that was under way
_ANSWERED = timedelta(days=14)  # the shortest time for which an answer counts (rules.md S14)
_ONLY_BY_DECISION = {"R13"}  # too fast: answered by continue, reduce or taper alone (S14), which truth knows
_WORDS = {"routine": 1, "urgent": 2, "asap": 3}


class Broken(AssertionError):  # noqa: N818 (it is what the invariant is)
    """An invariant that does not hold."""


@dataclass
class Invariants:
    """The checker of one run, with what it remembers of it."""

    ehr: Ehr
    clinicians: Clinicians
    touched: dict[str, datetime] = field(
        default_factory=dict
    )  # patient → when something last happened to the record
    vanished: set[str] = field(default_factory=set)  # keys whose Task a restore took away
    excuses: Counter[str] = field(default_factory=Counter)
    _audited: list[int] = field(default_factory=list)
    _created: Counter[str] = field(default_factory=Counter)

    # -- after each cycle ------------------------------------------------------------------------

    def after_cycle(self, parts: Parts, ledger: Ledger, writes: list[Write]) -> None:
        """`writes` are what the service wrote into the EHR in this cycle."""
        for write in writes:
            if write.type != "Task":
                raise Broken(f"the service wrote {write.type}/{write.id}")
            history = self.ehr.store.history("Task", write.id)
            after = next(each.resource for each in history if each.number == write.version)
            before = next((each.resource for each in history if each.number == write.version - 1), None)
            if after is None:
                raise Broken(f"the service deleted Task/{write.id}")
            if write.action in ("create", "revive"):
                self._made(parts, ledger, after)
            elif before is not None and before["status"] in LIVE and ended_by_us(after):
                self._ended(parts, ledger, after)
            elif before is not None and before["status"] != after["status"]:
                raise Broken(f"the service set {key_of(after)} from {before['status']} to {after['status']}")

    def _made(self, parts: Parts, ledger: Ledger, task: Json) -> None:
        key, patient = key_of(task), patient_of(task)
        self._created[key] += 1
        if self._created[key] > 1 and key not in self.vanished:
            raise Broken(f"{key} was created twice")
        self.vanished.discard(key)
        live = [other for other in own_tasks(self.ehr) if key_of(other) == key and other["status"] in LIVE]
        if len(live) > 1:
            raise Broken(f"{key} has {len(live)} live Tasks")
        due = any(found.findings for found in self._views(parts, ledger, patient))
        if not due and not self._is_fresh(patient) and not self._half_read(parts, ledger, patient):
            raise Broken(f"{key} was raised, but nothing is due for {patient}")
        self._asked_again(parts, ledger, task)

    def _ended(self, parts: Parts, ledger: Ledger, task: Json) -> None:
        key, patient = key_of(task), patient_of(task)
        if task["statusReason"]["coding"][0]["code"] == "superseded" or self._is_fresh(patient):
            return
        with ledger.read() as tx:
            others = [item for item in tx.items_of(parts.id, patient) if item.live and item.key != key]
        if others:  # the patient's review goes on in another Task
            return
        views = self._views(parts, ledger, patient)
        if all(found.findings for found in views):
            rules = [finding.rule for finding in views[0].findings]
            raise Broken(f"{key} was closed, but {rules} are due for {patient}")

    def _asked_again(self, parts: Parts, ledger: Ledger, task: Json) -> None:
        """A rule that a person answered is not asked again within two weeks without a new fact."""
        patient, today = patient_of(task), parts.day(parts.now())
        answers = [
            other
            for other in own_tasks(self.ehr)
            if patient_of(other) == patient and other["id"] != task["id"] and ended_by_a_person(other)
        ]
        answers.sort(key=lambda each: str(each["lastModified"]))
        for other in answers[-1:]:  # the latest counts alone (rules.md, Suppressions)
            day = date.fromisoformat(str(other["lastModified"])[:10])
            touched = self.touched.get(patient)
            if today - day >= _ANSWERED or (touched is not None and touched.date() >= day):
                continue
            found = self._views(parts, ledger, patient)[0]
            asked = {finding.rule: finding for finding in found.findings}
            repeated = rules_of(other).keys() & rules_of(task).keys() & asked.keys() - _ONLY_BY_DECISION
            level = _WORDS[str(other.get("priority", "routine"))]
            old = [rule for rule in repeated if asked[rule].since <= day and asked[rule].priority <= level]
            if old:
                raise Broken(f"{patient} was asked again about {old}, answered on {day} in {key_of(other)}")

    def _half_read(self, parts: Parts, ledger: Ledger, patient: str) -> bool:
        """New evidence that could not be read yet cannot mute: some rules fire without it (lifecycle.md §2)."""
        with ledger.read() as tx:
            row = tx.patient(parts.id, patient)
        touched = self.touched.get(patient)
        unread = row is not None and row.incomplete_since is not None
        return (
            unread
            and touched is not None
            and self.ehr.clock() - touched <= timedelta(days=parts.settings.max_age_days)
        )

    def _is_fresh(self, patient: str) -> bool:
        touched = self.touched.get(patient)
        return touched is not None and self.ehr.clock() - touched <= _FRESH

    def _views(self, parts: Parts, ledger: Ledger, patient: str) -> list[Assessment]:
        """What is due by all that is there, and by what searches show."""
        with ledger.read() as tx:
            outcomes = tx.outcomes_of(parts.id, [patient])[patient]
        today = parts.day(parts.now())
        return [
            truth(self.ehr, parts, patient, outcomes, today, as_indexed=indexed) for indexed in (False, True)
        ]

    # -- at rest -----------------------------------------------------------------------------------

    def at_rest(self, parts: Parts, ledger: Ledger) -> None:
        live: dict[str, list[Json]] = defaultdict(list)
        keys: Counter[str] = Counter()
        tasks = own_tasks(self.ehr)
        for task in tasks:
            if task["status"] in LIVE:
                live[patient_of(task)].append(task)
                keys[key_of(task)] += 1
        with ledger.read() as tx:
            state = tx.source_state(parts.id)
            known = {item.key: item for item in tx.items(parts.id)}
            aside = [row for row in tx.quarantine(parts.id) if row.accepted_at is None]
            audited = [row["id"] for row in tx.audit_trail(parts.id)]
        if state.frozen_since or state.stopped_why or state.last_complete_at is None:
            raise Broken(f"the source stands still: {state.frozen_why or state.stopped_why}")
        if audited[: len(self._audited)] != self._audited:
            raise Broken("the audit was changed")
        self._audited = audited
        visible = {row.patient for row in aside} | {
            patient for row in aside if (patient := _of(known, row.key))
        }
        for row in aside:
            self.excuses[row.reason] += 1
        for task in tasks:
            if key_of(task) not in known:
                raise Broken(f"{key_of(task)} is in the EHR and not in the ledger")
        for key, number in keys.items():
            if number > 1 and known[key].patient not in visible:
                raise Broken(f"{key} has {number} live Tasks")
        for person in self.ehr.all("Patient"):
            self._person(parts, ledger, person["id"], live.get(person["id"], []), known, visible)

    def _person(
        self,
        parts: Parts,
        ledger: Ledger,
        patient: str,
        live: list[Json],
        known: dict[str, Item],
        visible: set[str | None],
    ) -> None:
        if len(live) > 1 and patient not in visible:
            raise Broken(f"{patient} has live Tasks {[(key_of(task), task['status']) for task in live]}")
        found = self._views(parts, ledger, patient)[0]
        rules = [finding.rule for finding in found.findings]
        if rules and not live and patient not in visible:
            items = [item for item in known.values() if item.patient == patient]
            last = newest(items)
            if last is None or not self._rests(last, found, parts.day(parts.now())):
                state = last and (last.key, last.state.value, last.close_reason)
                raise Broken(f"{rules} are due for {patient}, and there is no Task: {state}")
            self.excuses["withdrawn"] += 1
        for task in live:
            item = known[key_of(task)]
            if item.state is not ItemState.OPEN and patient not in visible:
                raise Broken(f"{item.key} is live in the EHR, its item is {item.state.value}")
            if not rules and task["status"] not in NOT_OURS_TO_END and patient not in visible:
                raise Broken(f"{key_of(task)} is {task['status']}, but nothing is due for {patient}")
            if rules and set(rules) != set(rules_of(task)) and patient not in visible:
                raise Broken(
                    f"{key_of(task)} shows {sorted(rules_of(task))}, but {rules} are due for {patient}"
                )

    def _rests(self, item: Item, found: Assessment, today: date) -> bool:
        """A person deleted the Task, and nothing new has come since."""
        if item.state is not ItemState.WITHDRAWN or item.withdrawn_on is None:
            return False
        if item.key not in self.clinicians.deleted and item.key not in self.vanished:
            raise Broken(f"{item.key} was withdrawn, but nobody deleted its Task")
        asked = {reason.rule for reason in item.reasons}
        return today - item.withdrawn_on < WITHDRAWN_REST and all(
            each.rule in asked and each.since <= item.withdrawn_on and each.priority <= item.priority
            for each in found.findings
        )


def rules_of(task: Json) -> dict[str, str]:
    """The rules that a Task names."""
    named = [
        row.get("valueString") for row in task.get("input", []) if row["type"]["coding"][0]["code"] == "rule"
    ]
    return {str(rule): "" for rule in named}


def _of(known: dict[str, Item], key: str | None) -> str | None:
    item = known.get(key or "")
    return item.patient if item is not None else None

"""What clinicians do to our Tasks in the EHR: each status and each of their elements (lifecycle.md §4)."""

import random
from datetime import timedelta
from typing import Any

from service.reconcile import LIVE
from service.record.own_tasks import CLOSE, OUTCOME, OUTPUT
from tests.ehr.running import Ehr

Json = dict[str, Any]

_OUTCOMES = ("continue", "reduce", "taper", "already-stopped", "not-applicable", "snooze")
_STATUS = {
    "complete": "completed", "decline": "rejected", "cancel": "cancelled", "take-on": "accepted",
    "start-work": "in-progress", "wait": "on-hold", "fail": "failed", "mistake": "entered-in-error",
}  # fmt: skip


class Clinicians:
    """People at the EHR; `act` does one thing to one own Task of the kind that it needs."""

    def __init__(self, ehr: Ehr) -> None:
        self._ehr = ehr
        self.deleted: dict[str, Json] = {}  # by key: the Task as it was

    def act(self, what: str, chance: random.Random) -> bool:
        """True when there was a Task to do it to."""
        wants_live = what != "reopen"
        tasks = [task for task in own_tasks(self._ehr) if (task["status"] in LIVE) is wants_live]
        if not tasks:
            return False
        task = chance.choice(tasks)
        if what == "delete":
            self.deleted[key_of(task)] = task
            self._ehr.store.delete("Task", task["id"])
        else:
            self._ehr.edit(f"Task/{task['id']}", **self._change(what, task, chance))
        return True

    def _change(self, what: str, task: Json, chance: random.Random) -> Json:
        match what:
            case "decide":
                return {"status": "completed", "output": self._output(chance), **self._modified()}
            case "reassign":
                return {"owner": {"reference": f"Practitioner/dr{chance.randint(1, 9)}"}}
            case "remark":
                return {
                    "note": [*task.get("note", []), {"text": f"called the patient {chance.randint(1, 999)}"}]
                }
            case "restrict":
                until = self._ehr.clock().date() + timedelta(days=chance.randint(1, 40))
                return {"restriction": {"period": {"end": until.isoformat()}}}
            case "reopen":
                status = chance.choice(("requested", "in-progress", "accepted"))
                return {"status": status, "statusReason": None, "output": None, **self._modified()}
        return {"status": _STATUS[what], **self._modified()}

    def _modified(self) -> Json:
        return {"lastModified": self._ehr.clock().isoformat(timespec="seconds")}

    def _output(self, chance: random.Random) -> list[Json]:
        kind = chance.choice(_OUTCOMES)
        output = [_output("outcome", valueCodeableConcept={"coding": [{"system": OUTCOME, "code": kind}]})]
        if kind in ("continue", "snooze"):
            until = self._ehr.clock().date() + timedelta(days=chance.choice((14, 60, 90)))
            output.append(_output("until", valueDate=until.isoformat()))
        return output


def own_tasks(ehr: Ehr) -> list[Json]:
    """The Tasks with an identifier of ours, in the order of their creation."""
    found = (
        version.resource for version in ehr.store.candidates("Task", identifiers=["urn:reviewdue:item|"])
    )
    return [task for task in found if task is not None]


def key_of(task: Json) -> str:
    return str(task["identifier"][0]["value"])


def patient_of(task: Json) -> str:
    return str(task["for"]["reference"]).removeprefix("Patient/")


def ended_by_a_person(task: Json) -> bool:
    codings = task.get("statusReason", {}).get("coding", [])
    ours = any(coding.get("system") == CLOSE for coding in codings)
    return task["status"] not in LIVE and (task["status"] in ("rejected", "entered-in-error") or not ours)


def ended_by_us(task: Json) -> bool:
    return task["status"] not in LIVE and not ended_by_a_person(task)


def _output(code: str, **value: Any) -> Json:
    return {"type": {"coding": [{"system": OUTPUT, "code": code}]}, **value}

"""The own Tasks of a record, as reconcile needs to see them."""

from dataclasses import dataclass

from service.channels.task import CLOSE
from service.record.elements import Task
from service.record.group import PatientRecord


@dataclass(frozen=True, slots=True)
class OwnTask:
    """An own Task: its key, and how it stands."""

    key: str
    reference: str
    status: str
    ours_ended: bool


def own_tasks(record: PatientRecord) -> list[OwnTask]:
    """Those of the record that carry a key."""
    found = []
    for task in record.tasks:
        key = _key(task, record.traits.item_system)
        if key is not None and task.status is not None:
            found.append(OwnTask(key, task.reference, task.status, _ended_by_us(task)))
    return found


def _key(task: Task, item_system: str) -> str | None:
    for identifier in task.identifier or ():
        if identifier.system == item_system and identifier.value:
            return identifier.value
    return None


def _ended_by_us(task: Task) -> bool:
    reason = task.status_reason
    return reason is not None and any(coding.system == CLOSE for coding in reason.coding or ())

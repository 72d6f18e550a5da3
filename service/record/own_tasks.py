"""Our own Tasks as the EHR shows them, and what a person decided by ending one (lifecycle.md §4, §5)."""

from dataclasses import dataclass

from service.model.days import Day
from service.model.facts import Outcome, OutcomeKind
from service.record.datatypes import CodeableConcept, Coding
from service.record.dates import first_day, last_day
from service.record.elements import Task, TaskParameter

CLOSE = "urn:reviewdue:close"
INPUT = "urn:reviewdue:input"
OUTPUT = "urn:reviewdue:output"
OUTCOME = "urn:reviewdue:outcome"
RULE = "urn:reviewdue:rule"

_ENDED_BY_A_PERSON = frozenset({"rejected", "entered-in-error"})  # we never set these
_KINDS = {kind.value: kind for kind in OutcomeKind}
_ENDED = _ENDED_BY_A_PERSON | {"completed", "cancelled"}


@dataclass(frozen=True, slots=True)
class OwnTask:
    """A Task that we made."""

    key: str
    reference: str
    status: str
    ours_ended: bool  # it has a close code of ours
    outcome: Outcome | None  # what a person decided by ending it
    version: str | None = None  # meta.versionId


def own_task(task: Task, item_system: str, timezone: str | None) -> OwnTask | None:
    """The Task, if it is ours: it has an identifier of our system."""
    for identifier in task.identifier or ():
        if identifier.system == item_system and identifier.value:
            key, ours = identifier.value, _has_close_code(task)
            outcome = None
            if task.status in _ENDED_BY_A_PERSON or (task.status in _ENDED and not ours):
                outcome = _outcome(task, key, timezone)
            version = task.meta.version_id if task.meta else None
            return OwnTask(key, task.reference, task.status or "", ours, outcome, version)
    return None


def _has_close_code(task: Task) -> bool:
    why = task.status_reason
    return why is not None and any(one.system == CLOSE for one in why.coding or ())


def _outcome(task: Task, key: str, timezone: str | None) -> Outcome | None:
    """What the Task says; None when nothing says on which day."""
    day = _day(task, timezone)
    if day is None:
        return None
    completed = task.status == "completed"
    until = _output(task, "until")
    reason = _output(task, "reason")
    return Outcome(
        key=key,
        reference=task.reference,
        day=day,
        kind=_kind(task) or (OutcomeKind.REVIEWED if completed else OutcomeKind.NOT_APPLICABLE),
        completed=completed,
        rules=_rules(task),
        until=last_day(until.value_date or until.value_date_time, timezone) if until else None,
        reason=reason.value_string if reason else None,
        by=task.owner.reference if task.owner else None,
    )


def _day(task: Task, timezone: str | None) -> Day | None:
    """executionPeriod.end, else lastModified; a server that keeps neither still dates its versions."""
    ended = task.execution_period.end if task.execution_period else None
    day = last_day(ended, timezone)
    for text in (task.last_modified, task.meta.last_updated if task.meta else None, task.authored_on):
        if day is None:
            day = first_day(text, timezone)
    return day


def _kind(task: Task) -> OutcomeKind | None:
    stated = _output(task, "outcome")
    if stated is None:
        return None
    concept = stated.value_codeable_concept
    codings = concept.codings if concept else ()
    kinds = (_KINDS.get(one.code or "") for one in codings if one.system == OUTCOME)
    return next((kind for kind in kinds if kind is not None), None)


def _rules(task: Task) -> frozenset[str]:
    """Its inputs `rule`, and the reason it was made for."""
    stated = {
        one.value_string for one in task.input or () if _is(one.type, INPUT, "rule") and one.value_string
    }
    reason = task.reason_code.coding or () if task.reason_code else ()
    return frozenset(stated | {one.code for one in reason if one.system == RULE and one.code})


def _output(task: Task, code: str) -> TaskParameter | None:
    return next((one for one in task.output or () if _is(one.type, OUTPUT, code)), None)


def _is(concept: CodeableConcept | None, system: str, code: str) -> bool:
    codings: tuple[Coding, ...] = concept.codings if concept else ()
    return any(one.system == system and one.code == code for one in codings)

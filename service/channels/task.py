"""The Task of an item (lifecycle.md §4, §5): built, merged with what people did, ended.

Resources are plain FHIR JSON; each one that is to be sent passes `fhir.resources` (R4B, which is
R4 for Task) first.  Elements are either ours (we rewrite them) or theirs (a person's from the
first change on).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from fhir.resources.R4B.task import Task
from pydantic import ValidationError

from service import wording
from service.model.assessment import Assessment, Finding
from service.model.item import CloseReason, Item
from service.record.own_tasks import CLOSE, INPUT, RULE

MEDICATION_REVIEW = {
    "coding": [{"system": "http://snomed.info/sct", "code": "182836005", "display": "Review of medication"}],
    "text": "Benzodiazepine review",
}
OURS = ("description", "reasonCode", "input", "focus")  # besides our note and the priority
THEIRS = ("status", "owner", "performerType", "output", "businessStatus", "restriction")
_PRIORITIES = ("routine", "urgent", "asap", "stat")
_DONE = {CloseReason.REVIEWED}  # ended as completed; every other reason as cancelled

Json = Mapping[str, Any]


class InvalidTaskError(ValueError):
    """A Task that we built is not valid; the message names elements, never contents."""


def elements(
    assessment: Assessment,
    item: Item,
    *,
    requester: str | None,
    pool: str | None,
    release_days: Mapping[str, int],
) -> dict[str, Any]:
    """What the Task of this item should hold; ours, and the first values of theirs.

    `release_days`: days after the release by priority word before which no due date is set.
    """
    opened = item.opened_on or assessment.as_of
    owner = item.owner or pool
    wanted: dict[str, Any] = {
        "priority": item.priority.word,
        "code": MEDICATION_REVIEW,
        "description": wording.description(assessment),
        "for": {"reference": f"Patient/{item.patient}"},
        "reasonCode": _reason(assessment.findings[0]),
        "restriction": {"period": {"end": _respond_by(item, opened, release_days).isoformat()}},
        "input": _inputs(assessment),
        "note": [{"text": wording.note(assessment)}],
    }
    if assessment.focus:
        wanted["focus"] = {"reference": assessment.focus}
    if requester:
        wanted["requester"] = {"reference": requester}
    if owner:
        wanted["owner"] = {"reference": owner}
    return wanted


def no_longer_due(wanted: Json, since: date, why: str) -> dict[str, Any]:
    """The elements with our note replaced: nothing is due, but a person is at the Task."""
    return {**wanted, "note": [{"text": wording.no_longer_due(since, why)}]}


def new_task(wanted: Json, *, key: str, item_system: str, now: datetime, own_id: bool) -> dict[str, Any]:
    """The resource to create; with `own_id` the key is its id too."""
    task = {
        "resourceType": "Task",
        **({"id": key} if own_id else {}),
        "identifier": [{"system": item_system, "value": key}],
        "status": "requested",
        "intent": "proposal",
        **wanted,
        "authoredOn": _instant(now),
        "lastModified": _instant(now),
    }
    return valid(task)


def merged(current: Json, wanted: Json, written: Json, now: datetime) -> dict[str, Any]:
    """The current Task with our elements as wanted; everything that a person changed stays theirs."""
    task = {name: value for name, value in current.items() if name not in OURS}
    task |= {name: wanted[name] for name in OURS if name in wanted}
    touched = is_touched(current, written)
    task["priority"] = _priority(current.get("priority"), wanted.get("priority"), touched=touched)
    for name in ("owner", "restriction"):
        if name in wanted and current.get(name) == written.get(name):
            task[name] = wanted[name]
    task["note"] = [*_their_notes(current, written), *wanted.get("note", [])]
    if "for" in wanted:
        task["for"] = wanted["for"]  # of a merged patient: the record that lives on
    if task.get("authoredOn") is None:
        task["authoredOn"] = _instant(now)
    task["lastModified"] = _instant(now)
    return valid(task)


def renamed(current: Json, patient: str, now: datetime) -> dict[str, Any]:
    """The current Task, for the record that lives on after a merge; nothing else of it changes."""
    return valid({**current, "for": {"reference": f"Patient/{patient}"}, "lastModified": _instant(now)})


def ended(current: Json, reason: CloseReason, now: datetime) -> dict[str, Any]:
    """The current Task, ended by us with our close code."""
    task = dict(current)
    task["status"] = "completed" if reason in _DONE else "cancelled"
    task["statusReason"] = {"coding": [{"system": CLOSE, "code": reason.value}]}
    task["lastModified"] = _instant(now)
    return valid(task)


def shows(current: Json, wanted: Json, written: Json) -> bool:
    """Whether the Task already holds everything that is ours to say in it."""
    probe = merged(current, wanted, written, datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
    return {**probe, "lastModified": None} == {**current, "lastModified": None}


def baseline(task: Json) -> dict[str, Any]:
    """What a new Task says in people's elements, and our note: what later tells their edits apart."""
    return {name: task[name] for name in (*THEIRS, "note") if name in task}


def next_baseline(current: Json, wanted: Json, written: Json) -> dict[str, Any]:
    """The baseline after an update: an element that a person changed stays theirs for good."""
    after = {name: written[name] for name in THEIRS if name in written}
    for name in ("owner", "restriction"):
        if name in wanted and current.get(name) == written.get(name):
            after[name] = wanted[name]
    return {**after, "note": wanted.get("note", [])}


def settled_baseline(current: Json, written: Json, sent: Json) -> dict[str, Any]:
    """The baseline after an update of which nobody knows whether it was stored.

    Of each of people's elements the value that the Task shows was ours if we sent it; the notes of both
    are ours.
    """
    after = {
        name: sent[name] if name in sent and current.get(name) == sent[name] else written[name]
        for name in THEIRS
        if name in written or (name in sent and current.get(name) == sent[name])
    }
    notes = [*(written.get("note") or []), *(sent.get("note") or [])]
    return {**after, "note": notes} if notes else after


def adopted_baseline(current: Json, wanted: Json) -> dict[str, Any]:
    """The baseline of a Task whose history the ledger does not know: what is not surely ours is theirs.

    `wanted` empty: nothing is known of it at all, and its restriction, which each of ours has, counts as ours.
    """
    ours = [note for note in _notes(current) if _is_our_note(note)]
    kept = {
        name: current[name]
        for name in ("owner", "restriction")
        if name in current and (current[name] == wanted.get(name) or (name == "restriction" and not wanted))
    }
    return {"status": "requested", **kept, "note": ours}


def is_touched(current: Json, written: Json) -> bool:
    """A person changed one of their elements since our last write; version and meta never count."""
    if any(current.get(name) != written.get(name) for name in THEIRS):
        return True
    return bool(_their_notes(current, written))


def has_close_code(task: Json) -> bool:
    """Whether it was ended by us."""
    reason = task.get("statusReason")
    codings = reason.get("coding") if isinstance(reason, dict) else None
    return any(isinstance(each, dict) and each.get("system") == CLOSE for each in codings or ())


def key_of(task: Json, item_system: str) -> str | None:
    """The item key that a Task carries; None when it is not ours."""
    for identifier in task.get("identifier") or []:
        if isinstance(identifier, dict) and identifier.get("system") == item_system:
            value = identifier.get("value")
            return value if isinstance(value, str) else None
    return None


def patient_of(task: Json) -> str | None:
    """The bare id of the patient in `for`, from a relative or absolute reference."""
    whose = task.get("for")
    reference = whose.get("reference") if isinstance(whose, dict) else None
    if not isinstance(reference, str):
        return None
    parts = reference.split("/_history/")[0].split("/")
    return parts[-1] if len(parts) >= 2 and parts[-2] == "Patient" else None


def valid(task: dict[str, Any]) -> dict[str, Any]:
    """The same Task; raises InvalidTaskError when its structure is not that of an R4 Task."""
    try:
        Task.model_validate(task)
    except ValidationError as problem:
        places = sorted({".".join(str(part) for part in error["loc"]) for error in problem.errors()})
        raise InvalidTaskError(f"the Task is not valid in: {', '.join(places)}") from None
    return task


# -- parts -------------------------------------------------------------------------------------


def _instant(now: datetime) -> str:
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _respond_by(item: Item, opened: date, release_days: Mapping[str, int]) -> date:
    earliest = date.fromordinal(opened.toordinal() + release_days[item.priority.word])
    return max(item.due_on, earliest)


def _reason(finding: Finding) -> dict[str, Any]:
    return {
        "coding": [{"system": RULE, "code": finding.rule, "display": finding.title}],
        "text": wording.reason(finding),
    }


def _input(code: str, **value: Any) -> dict[str, Any]:
    return {"type": {"coding": [{"system": INPUT, "code": code}]}, **value}


def _inputs(assessment: Assessment) -> list[dict[str, Any]]:
    findings = assessment.findings
    rows = [_input("rule", valueString=finding.rule) for finding in findings]
    rows.append(_input("as-of", valueDate=assessment.as_of.isoformat()))
    rows.append(_input("policy", valueString=assessment.policy))
    episode = assessment.episode
    if episode is not None:
        rows.append(_input("episode-start", valueDate=episode.start.isoformat()))
        rows.append(_input("daily-dose", valueString=wording.doses(episode)))
        if episode.dme is not None:
            rows.append(_input("dme", valueRange=_range(episode.dme.low, episode.dme.high)))
    if assessment.last_review is not None:
        rows.append(_input("last-review", valueDate=assessment.last_review.isoformat()))
    evidence = dict.fromkeys(reference for finding in findings for reference in finding.evidence)
    rows.extend(_input("evidence", valueReference={"reference": reference}) for reference in evidence)
    rows.extend(_input("missing", valueString=missing) for missing in assessment.missing)
    citations = dict.fromkeys(finding.citation for finding in findings if finding.citation)
    rows.extend(_input("citation", valueString=citation) for citation in citations)
    return rows


def _range(low: float, high: float) -> dict[str, Any]:
    unit = {"unit": "mg/day", "system": "http://unitsofmeasure.org", "code": "mg/d"}
    return {"low": {"value": round(low, 2), **unit}, "high": {"value": round(high, 2), **unit}}


def _priority(current: object, wanted: object, *, touched: bool) -> object:
    if not touched or current not in _PRIORITIES or wanted not in _PRIORITIES:
        return wanted
    return max((current, wanted), key=lambda word: _PRIORITIES.index(str(word)))


def _their_notes(current: Json, written: Json) -> Sequence[Json]:
    ours = [note.get("text") for note in _notes(written)]
    return [note for note in _notes(current) if note.get("text") not in ours and not _is_our_note(note)]


def _is_our_note(note: Json) -> bool:
    """Each of our notes says for what it is meant."""
    return wording.INTENDED_USE in str(note.get("text"))


def _notes(task: Json) -> Sequence[Json]:
    """Those that have a shape; a Task with others is refused when it is built."""
    notes = task.get("note")
    return [note for note in notes if isinstance(note, dict)] if isinstance(notes, list) else []

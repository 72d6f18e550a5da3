"""Proof of a Task: its evidence is read again, and computed again as of the Task's day."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from service.assess import assess, render
from service.channels import task as tasks
from service.channels.ehr import TaskChannel
from service.cycle.parts import Parts
from service.fhir.errors import IncompleteError
from service.knowledge import Policy, PolicyError, load_policy
from service.ports import StoredAssessment
from service.record.group import PatientRecord
from service.record.own_tasks import INPUT, own_task

_ABOUT_LATER = frozenset({"patient", "wake_on", "ignored", "rows", "muted"})  # say nothing of the Task's day

Json = Mapping[str, Any]


class NoTaskError(Exception):
    """There is nothing to verify; the message says why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the Task rests on and that is not so any more."""

    what: str  # "findings.R02.facts.anchor"
    written: object  # JSON value; None: it was not there
    now: object


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of it."""

    key: str
    task: str  # reference
    as_of: str | None
    policy: str | None
    differences: tuple[Difference, ...]


def verify(parts: Parts, key: str) -> Verified:
    """Compare what a Task says and rests on with what its evidence says today about the Task's day.

    The Task's own answer is left out: it came afterwards.  Raises NoTaskError, and FhirError when the Task or
    the patient's record cannot be read completely.
    """
    with parts.ledger.read() as tx:
        row = tx.projection(parts.id, key)
        if row is None or row.seen is None:
            raise NoTaskError(f"{key}: has no Task in the EHR")
        written = tx.rested_on(parts.id, key, row.seen.generation)
    channel = TaskChannel(parts.client, parts.settings.item_system)
    task = channel.read("Task", row.seen.reference.rpartition("/")[2]).resource
    as_of, label = _input(task, "as-of"), _input(task, "policy")
    found = Verified(key, row.seen.reference, as_of, label, ())
    day = _day(as_of)
    policy = _policy(parts, label)
    if day is None:
        return replace(found, differences=(Difference("task.as-of", _written(written, "as_of"), as_of),))
    if policy is None:
        return replace(found, differences=(Difference("policy", label, parts.policy.label),))
    record = _record(parts, tasks.patient_of(task) or row.patient, key)
    again = render(assess(record, policy, parts.knowledge, day))
    said = _differences(_said(task), _would_say(again), "task.")
    rests = _differences(_flat(written.body), _flat(again)) if written is not None else ()
    return replace(found, differences=(*said, *rests))


# -- what is compared --------------------------------------------------------------------------


def _record(parts: Parts, patient: str, key: str) -> PatientRecord:
    with parts.ledger.read() as tx:
        outcomes = tx.outcomes_of(parts.id, [patient])
        once_complete = tx.source_state(parts.id).once_complete
    [record] = parts.source.gather([patient], outcomes, once_complete)
    failed = [f"{kind}: {read.why}" for kind, read in sorted(record.reads.items()) if read.failed]
    if failed:
        raise IncompleteError(f"the record could not be read completely: {'; '.join(failed)}")
    traits = record.traits
    others = tuple(
        task
        for task in record.tasks
        if (own := own_task(task, traits.item_system, traits.timezone)) is None or own.key != key
    )
    answers = tuple(outcome for outcome in record.outcomes if outcome.key != key)
    return replace(record, tasks=others, outcomes=answers)


def _policy(parts: Parts, label: str | None) -> Policy | None:
    """The policy that the Task names: the one in use, else a preset; None when it is not here any more."""
    if label is None or label == parts.policy.label:
        return parts.policy
    try:
        preset = load_policy(label.partition("@")[0])
    except PolicyError:
        return None
    return preset if preset.label == label else None


def _said(task: Json) -> dict[str, object]:
    """What the Task itself states, in the EHR."""
    return {
        "rule": sorted(_inputs(task, "rule")),
        "evidence": sorted(_inputs(task, "evidence")),
        "episode-start": _input(task, "episode-start"),
        "last-review": _input(task, "last-review"),
    }


def _would_say(body: Json) -> dict[str, object]:
    """The same of an assessment."""
    findings = body["findings"]
    return {
        "rule": sorted(finding["rule"] for finding in findings),
        "evidence": sorted({reference for finding in findings for reference in finding["evidence"]}),
        "episode-start": body["episode"]["start"] if body["episode"] else None,
        "last-review": body["last_review"],
    }


def _inputs(task: Json, code: str) -> Iterator[str]:
    for each in task.get("input") or ():
        codings = (each.get("type") or {}).get("coding") or ()
        if any(one.get("system") == INPUT and one.get("code") == code for one in codings):
            reference = each.get("valueReference") or {}
            value = each.get("valueString") or each.get("valueDate") or reference.get("reference")
            if isinstance(value, str):
                yield value


def _input(task: Json, code: str) -> str | None:
    return next(_inputs(task, code), None)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _written(stored: StoredAssessment | None, name: str) -> object:
    return stored.body.get(name) if stored is not None else None


# -- what differs ------------------------------------------------------------------------------


def _flat(body: Json) -> dict[str, object]:
    """Dotted name → value; findings and what was suppressed by rule, unreadable resources by reference."""
    named = {
        **{name: value for name, value in body.items() if name not in _ABOUT_LATER},
        "findings": {each["rule"]: each for each in body["findings"]},
        "suppressed": {each["rule"]: each["by"] for each in body["suppressed"]},
        "unreadable": {each["reference"]: each["reason"] for each in body["unreadable"]},
    }
    return dict(_leaves(named, ""))


def _leaves(tree: Json, above: str) -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _differences(written: Json, now: Json, prefix: str = "") -> tuple[Difference, ...]:
    return tuple(
        Difference(f"{prefix}{name}", written.get(name), now.get(name))
        for name in dict.fromkeys((*written, *now))
        if written.get(name) != now.get(name)
    )
